import { useEffect, useRef, useState } from "preact/hooks";
import { call, pictureAt, session, urlBelow } from "./api.js";
import { Fields } from "./form.js";
import { canChange, Locked } from "./locked.js";
import { pick } from "./origins.js";
import { address, inspectPath, navigate } from "./router.js";
import { Action, newId, Staged, stage, upcoming, useObjects } from "./staged.js";
import { Copy, Empty, Heading, html, Pill, Problem, useLoaded } from "./ui.js";
import { count } from "./words.js";

const ROOT = "/-/console/transformations";

/** An image by its name. */
const IMAGE = /^\/[^?]*\.(?:jpe?g|png|webp|avif|gif|heic|tiff?)(?=\?|$)/i;

/**
 * The path of an original below its endpoint, from the last requests that were served; empty if there is none.
 * @param {readonly { url: string, status: number, endpoint: string }[]} recent
 */
export function sampleIn(recent) {
  for (const { url, status, endpoint } of recent) {
    const [path] = (status < 400 && IMAGE.exec(url)) || [];
    const known = session.value?.endpoints?.find(({ name }) => name === endpoint);
    if (!path || !known) continue;
    const mount = known.hosts.length > 0 ? [] : [known.tenant, known.prefix].filter(Boolean);
    const segments = path.split("/").filter(Boolean).slice(mount.length);
    return segments.filter((segment) => !segment.startsWith("tr:")).join("/");
  }
  return "";
}

/**
 * How often a named transformation was requested lately, by itself or as a part of others.
 * @param {{ name: string, requests: number }[]} usage
 * @param {string} name
 */
function usedIn(usage, name) {
  const users = usage.filter((one) => one.name.split(/[,:]/).includes(`n-${name}`));
  const times = users.reduce((sum, { requests }) => sum + requests, 0);
  if (times === 0) return "Not among the most used of 30 days";
  const others = users.length > 1 ? ` in ${users.length} transformations` : "";
  return `Requested ${count(times)}× in 30 days${others}`;
}

export function Transformations() {
  const { data, error, reload } = useLoaded(() => call("/data/recent"));
  // Without analytics nobody knows.
  const { data: usage } = useLoaded(
    async () => (await call("/api/analytics?by=day")).lists.imageTransformations,
  );
  const endpoints = (session.value?.endpoints ?? []).filter(
    ({ namedTransformations }) => namedTransformations.length > 0,
  );
  // Without a store, or the calls, nothing can be changed: the pictures are shown all the same.
  const { objects } = useObjects();
  const query = address.value.searchParams;
  const managed = upcoming("namedTransformation").filter(({ readOnly }) => !readOnly);
  const id = query.get("edit");
  const edited = id === null ? undefined : managed.find((one) => one.id === id);
  const isForm = objects && canChange.value && (query.has("new") || edited !== undefined);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [sample, setSample] = useState("");
  const found = sampleIn(data ?? []);
  const shown = sample || found;

  useEffect(() => {
    if (field.current && field.current.value === "" && found) field.current.value = found;
  }, [found]);

  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    setSample(field.current?.value.trim() ?? "");
  };
  return html`
    <${Heading} title="Transformations"><p class="lead">Named transformations, each on a picture of yours.</p>
      ${objects && canChange.value && !isForm && html`<div class="end"><a class="button main" href=${`${ROOT}?new`}>New transformation</a></div>`}
    <//>
    ${objects && html`<${Locked} to="change transformations" />`}
    ${objects && html`<${Staged} />`}
    ${isForm && html`<${Editor} key=${id ?? "new"} schema=${objects.schemas.namedTransformation} named=${edited} />`}
    ${!isForm && managed.length > 0 && html`<ul class="card rows" aria-label="Defined at run time">${managed.map((named) => html`<${Row} key=${named.id} named=${named} />`)}</ul>`}
    ${error && html`<${Problem} error=${error} onRetry=${reload} />`}
    ${
      endpoints.length === 0
        ? html`<${Empty} title="No named transformations"><p>Define some ${objects && canChange.value ? "here, or " : ""}as <code>namedTransformations</code> in the configuration. URLs then use them by name.</p><//>`
        : html`<form class="card sample-form" onSubmit=${submit}>
              <label for="sample">Picture</label>
              <input type="text" id="sample" ref=${field} placeholder="path/of/a/picture.jpg" spellcheck=${false} autocomplete="off" />
              <button type="submit" class="main">Show</button>
            </form>
            ${endpoints.map(
              (
                endpoint,
              ) => html`<section key=${`${endpoint.tenant}/${endpoint.name}`} aria-labelledby=${`at-${endpoint.tenant}-${endpoint.name}`}>
                <h2 class="group-title" id=${`at-${endpoint.tenant}-${endpoint.name}`}>Endpoint ${[endpoint.tenant, endpoint.name].filter(Boolean).join("/")} <span class="soft">${endpoint.namedTransformations.length}</span></h2>
                <ul class="named">
                  ${endpoint.namedTransformations.map((named) => html`<${Card} key=${`${named.name} ${shown}`} endpoint=${endpoint} named=${named} sample=${shown} usage=${usage} />`)}
                </ul>
              </section>`,
            )}`
    }
  `;
}

/** One that can be changed. @param {{ named: ReturnType<typeof upcoming>[number] }} props */
function Row({ named: { id, name, transformation, action } }) {
  const isDeleted = action === "delete";
  return html`<li class=${`object ${isDeleted ? "deleted" : ""}`}>
    <div class="object-what">
      <h2>${name} <${Action} action=${action} /></h2>
      <p class="soft"><code>${transformation}</code></p>
    </div>
    <div class="object-actions">
      ${
        canChange.value &&
        !isDeleted &&
        html`<a class="button quiet" href=${`${ROOT}?${new URLSearchParams({ edit: id })}`} aria-label=${`Edit ${name}`}>Edit</a>
        <button type="button" class="quiet" aria-label=${`Delete ${name}`} onClick=${() => stage({ kind: "namedTransformation", action: "delete", id })}>Delete</button>`
      }
    </div>
  </li>`;
}

/** @param {{ schema: any, named?: ReturnType<typeof upcoming>[number] }} props */
function Editor({ schema, named }) {
  const [id] = useState(() => named?.id ?? newId());
  const isNew = named === undefined || named.action === "create";
  const [value, setValue] = useState(
    () => /** @type {Record<string, any>} */ ({ enabled: true, ...pick(schema, named ?? {}) }),
  );
  const [error, setError] = useState("");
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await stage({ kind: "namedTransformation", action: isNew ? "create" : "update", id, value });
      navigate(ROOT);
    } catch (failure) {
      setError(/** @type {Error} */ (failure).message);
    }
  };
  return html`<section class="card" aria-labelledby="editor-title">
    <h2 id="editor-title">${isNew ? "New transformation" : `Transformation ${named?.name}`}</h2>
    <form class="editor" ref=${form} onSubmit=${submit}>
      <${Fields} id="named" schema=${schema} value=${value} onChange=${setValue} />
      <p class="bad" role="alert">${error}</p>
      <div class="editor-actions">
        <button type="submit" class="main">${isNew ? "Stage the transformation" : "Stage the change"}</button>
        <a class="button quiet" href=${ROOT}>Cancel</a>
      </div>
    </form>
  </section>`;
}

/** @param {{ endpoint: import("./api.js").EndpointInfo, named: import("./api.js").Named, sample: string, usage?: { name: string, requests: number }[] }} props */
function Card({ endpoint, named, sample, usage }) {
  const { name, transformation, enabled } = named;
  const url = urlBelow(endpoint, `tr:n-${name}/${sample.replace(/^\/+/, "")}`);
  const [picture, setPicture] = useState(/** @type {string | undefined} */ (undefined));
  const [isWrong, setWrong] = useState(false);
  useEffect(() => {
    let isOver = false;
    const show = async () => {
      const { picture } = await pictureAt(endpoint, url);
      if (!isOver) setPicture(picture);
    };
    if (sample && enabled) show().catch(() => setWrong(true));
    return () => {
      isOver = true;
    };
  }, []);
  return html`<li class="card named-card">
    <div class="frame small-frame">
      ${picture && !isWrong && html`<img src=${picture} alt=${`${sample} as ${name}`} loading="lazy" onError=${() => setWrong(true)} />`}
      ${isWrong && html`<p class="soft">This picture cannot be shown: <a href=${inspectPath(url)}>inspect it</a></p>`}
      ${!sample && html`<p class="soft">Name a picture above.</p>`}
      ${!enabled && html`<p class="soft">Disabled</p>`}
    </div>
    <div class="named-about">
      <h3>${name} ${!enabled && html`<${Pill} tone="warn">disabled<//>`}</h3>
      <code>${transformation}</code>
      ${usage && html`<p class="soft small">${usedIn(usage, name)}</p>`}
      <div class="named-actions">
        ${sample && html`<a class="button quiet" href=${inspectPath(url)} aria-label=${`Inspect ${name}`}>Inspect</a>`}
        <${Copy} text=${`tr:n-${name}`} label=${`Copy tr:n-${name}`} />
      </div>
    </div>
  </li>`;
}
