import { useEffect, useRef, useState } from "preact/hooks";
import { call, pictureAt, session, urlBelow } from "./api.js";
import { inspectPath } from "./router.js";
import { Copy, Empty, Heading, html, Pill, Problem, useLoaded } from "./ui.js";
import { count } from "./words.js";

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
    <${Heading} title="Transformations"><p class="lead">Named transformations, each on a picture of yours.</p><//>
    ${error && html`<${Problem} error=${error} onRetry=${reload} />`}
    ${
      endpoints.length === 0
        ? html`<${Empty} title="No named transformations"><p>Define some as <code>namedTransformations</code> in the configuration. URLs then use them by name.</p><//>`
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
