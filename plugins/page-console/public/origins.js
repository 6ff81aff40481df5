import { useEffect, useRef, useState } from "preact/hooks";
import { Fields } from "./form.js";
import { canChange, Locked } from "./locked.js";
import { address, navigate } from "./router.js";
import {
  Action,
  examine,
  Findings,
  newId,
  Staged,
  stage,
  staged,
  Unchangeable,
  upcoming,
  useObjects,
  withChange,
} from "./staged.js";
import { Empty, Heading, html, Icon, Pill } from "./ui.js";
import { bytes } from "./words.js";

const ROOT = "/-/console/origins";

/** Where files of an origin lie, on one line. @param {import("./staged.js").Value} origin */
const placeOf = ({ baseUrl, bucket, container, accountName, prefix, endpoint }) =>
  [endpoint, accountName, baseUrl ?? bucket ?? container, prefix].filter(Boolean).join(" / ");

export function Origins() {
  const { objects, error, reload } = useObjects();
  const query = address.value.searchParams;
  const origins = upcoming("origin");
  const id = query.get("edit");
  const edited = id === null ? undefined : origins.find((one) => one.id === id);
  const isForm = query.has("new") || (edited !== undefined && !edited.readOnly);
  return html`
    <${Heading} title="Origins">
      <p class="lead">Where the originals are: buckets, web servers, folders.</p>
      ${objects && canChange.value && !isForm && html`<div class="end"><a class="button main" href=${`${ROOT}?new`}>New origin</a></div>`}
    <//>
    ${objects && html`<${Locked} to="change origins" />`}
    ${error && !objects && html`<${Unchangeable} error=${error} reload=${reload} />`}
    ${objects && html`<${Staged} />`}
    ${objects && isForm && html`<${Editor} key=${id ?? "new"} schemas=${objects.schemas.origins} origin=${edited} />`}
    ${
      objects &&
      !isForm &&
      (origins.length === 0
        ? html`<${Empty} title="No origins yet"><p>An origin is a place that this server reads originals from.</p><//>`
        : html`<ul class="card rows" aria-label="Origins">${origins.map((origin) => html`<${Row} key=${origin.id} origin=${origin} schemas=${objects.schemas.origins} />`)}</ul>`)
    }
  `;
}

/** @param {{ origin: ReturnType<typeof upcoming>[number], schemas: Record<string, any> }} props */
function Row({ origin, schemas }) {
  const { id, name, type, readOnly, action } = origin;
  const [isTested, setTested] = useState(false);
  const users = upcoming("urlEndpoint").filter(
    ({ origins, action }) => action !== "delete" && origins.includes(id),
  );
  const isDeleted = action === "delete";
  return html`<li class=${`object ${isDeleted ? "deleted" : ""}`}>
    <div class="object-what">
      <h2>${name} <${Action} action=${action} /> ${readOnly && html`<${Pill}>configuration file<//>`}</h2>
      <p class="soft">${schemas[type]?.title ?? type} ${placeOf(origin) && html`<code>${placeOf(origin)}</code>`}</p>
      <p class="soft small">${users.length > 0 ? `Used by ${users.map(({ urlPrefix }) => urlPrefix || "default").join(", ")}` : "Not used by an endpoint"}</p>
    </div>
    <div class="object-actions">
      ${canChange.value && !isDeleted && html`<button type="button" class="quiet" aria-expanded=${String(isTested)} aria-label=${`Test ${name}`} onClick=${() => setTested(!isTested)}>Test</button>`}
      ${
        canChange.value &&
        !readOnly &&
        !isDeleted &&
        html`<a class="button quiet" href=${`${ROOT}?${new URLSearchParams({ edit: id })}`} aria-label=${`Edit ${name}`}>Edit</a>
        <button type="button" class="quiet" aria-label=${`Delete ${name}`} onClick=${() => stage({ kind: "origin", action: "delete", id })}>Delete</button>`
      }
    </div>
    ${isTested && html`<div class="object-more"><${Test} origin=${id} changes=${() => staged.value} /></div>`}
  </li>`;
}

/**
 * Asks an origin for a file, as it would be with some changes.
 * @param {{ origin: string, changes: () => readonly import("./staged.js").Change[] }} props
 */
function Test({ origin, changes }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [state, setState] = useState(
    /** @type {{ isBusy?: boolean, error?: Error, examination?: import("./staged.js").Examination }} */ ({}),
  );
  const run = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setState({ isBusy: true });
    const path = field.current?.value.trim();
    try {
      setState({ examination: await examine(changes(), { test: { origin, ...(path ? { path } : {}) } }) });
    } catch (error) {
      setState({ error: /** @type {Error} */ (error) });
    }
  };
  const { isBusy, error, examination } = state;
  const at = `test-${origin.replace(/\W/g, "-")}`;
  return html`<form class="test" onSubmit=${run}>
    <label for=${at}>Path of a file</label>
    <div class="sample-row">
      <input type="text" id=${at} ref=${field} placeholder="products/shoe.jpg (optional)" spellcheck=${false} autocomplete="off" autocapitalize="off" />
      <button type="submit" class="outlined" disabled=${isBusy}>${isBusy ? "Asking …" : "Test"}</button>
    </div>
    <div role="status">
      ${error && html`<p class="bad">${error.message.replace(/^changes\.\d+: /, "")}</p>`}
      ${examination?.file && html`<${File} file=${examination.file} />`}
      ${examination && html`<${Findings} findings=${ofFirst(examination.findings)} />`}
    </div>
  </form>`;
}

/** The origin that was asked for comes first; others belong to other changes. @param {Record<string, import("./staged.js").Finding>} findings */
const ofFirst = (findings) => Object.fromEntries(Object.entries(findings).slice(0, 1));

/** @param {{ file: import("./staged.js").FileFinding }} props */
function File({ file: { state, code, text, type, size, milliseconds } }) {
  const words = {
    found: `The file is there: ${[type, size === undefined ? "" : bytes(size)].filter(Boolean).join(", ") || "its size is not known"}, after ${milliseconds} ms.`,
    missing: `The origin has no such file. It responded after ${milliseconds} ms.`,
    failed: text ?? code ?? "The origin failed.",
  };
  return html`<p class=${`file-finding ${state === "found" ? "good" : "bad"}`}><${Icon} name=${state === "found" ? "check" : "alert"} />${words[state]}</p>`;
}

/** @param {{ schemas: Record<string, any>, origin?: ReturnType<typeof upcoming>[number] }} props */
function Editor({ schemas, origin }) {
  const [id] = useState(() => origin?.id ?? newId());
  const isNew = origin === undefined || origin.action === "create";
  const [type, setType] = useState(origin?.type ?? "S3");
  const schema = schemas[type];
  const [value, setValue] = useState(() => pick(schema, origin ?? {}));
  const [error, setError] = useState("");
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => form.current?.querySelector(isNew ? "select" : "input")?.focus(), []);

  /** @type {() => Omit<import("./staged.js").Change, "title">} */
  const change = () => ({
    kind: "origin",
    action: isNew ? "create" : "update",
    id,
    value: { type, ...withoutEmpty(value) },
  });
  const choose = (/** @type {string} */ next) => {
    setType(next);
    setValue(pick(schemas[next], value));
  };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await stage(change());
      navigate(ROOT);
    } catch (failure) {
      setError(/** @type {Error} */ (failure).message);
    }
  };
  return html`<section class="card" aria-labelledby="editor-title">
    <h2 id="editor-title">${isNew ? "New origin" : `Origin ${origin?.name}`}</h2>
    <form class="editor" ref=${form} onSubmit=${submit}>
      <div class="field">
        <label for="origin-type">Type</label>
        <select id="origin-type" value=${type} onChange=${(/** @type {any} */ event) => choose(event.target.value)}>
          ${Object.entries(schemas).map(([name, { title }]) => html`<option value=${name} key=${name}>${title}</option>`)}
        </select>
      </div>
      <${Fields} id="origin" schema=${schema} value=${value} isStored=${!isNew && type === origin?.type} onChange=${setValue} />
      <p class="bad" role="alert">${error}</p>
      <div class="editor-actions">
        <button type="submit" class="main">${isNew ? "Stage the origin" : "Stage the change"}</button>
        <a class="button quiet" href=${ROOT}>Cancel</a>
      </div>
    </form>
    <div class="editor-test"><${Test} origin=${id} changes=${() => withChange(staged.value, change())} /></div>
  </section>`;
}

/** The fields of an object that a schema knows. @param {any} schema @param {Record<string, any>} object */
export function pick(schema, object) {
  const names = Object.keys(schema.properties).filter(
    (name) => name !== "type" && object[name] !== undefined,
  );
  return Object.fromEntries(names.map((name) => [name, object[name]]));
}

/** Optional fields that were left empty. @param {Record<string, any>} value */
export const withoutEmpty = (value) =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== "" && one !== undefined));
