import { useEffect, useRef, useState } from "preact/hooks";
import { session } from "./api.js";
import { Fields, Ordered } from "./form.js";
import { canChange, Locked } from "./locked.js";
import { pick } from "./origins.js";
import { address, navigate } from "./router.js";
import { Action, nameOf, newId, Staged, stage, Unchangeable, upcoming, useObjects } from "./staged.js";
import { Empty, Heading, html, Pill } from "./ui.js";

const ROOT = "/-/console/endpoints";

/** What URLs of an endpoint begin with. @param {string} urlPrefix */
function startOf(urlPrefix) {
  const name = urlPrefix || "default";
  const known = session.value?.endpoints?.find((one) => one.name === name);
  const [host] = known?.hosts ?? [];
  if (host) return `https://${host}/`;
  return `/${[known?.tenant, urlPrefix]
    .filter(Boolean)
    .map((part) => `${part}/`)
    .join("")}`;
}

export function Endpoints() {
  const { objects, error, reload } = useObjects();
  const query = address.value.searchParams;
  const endpoints = upcoming("urlEndpoint");
  const id = query.get("edit");
  const edited = id === null ? undefined : endpoints.find((one) => one.id === id);
  const isForm = query.has("new") || (edited !== undefined && !edited.readOnly);
  return html`
    <${Heading} title="Endpoints">
      <p class="lead">URL spaces, and the origins that each of them asks, in order.</p>
      ${objects && canChange.value && !isForm && html`<div class="end"><a class="button main" href=${`${ROOT}?new`}>New endpoint</a></div>`}
    <//>
    ${objects && html`<${Locked} to="change endpoints" />`}
    ${error && !objects && html`<${Unchangeable} error=${error} reload=${reload} />`}
    ${objects && html`<${Staged} />`}
    ${objects && isForm && html`<${Editor} key=${id ?? "new"} schema=${objects.schemas.urlEndpoint} endpoint=${edited} />`}
    ${
      objects &&
      !isForm &&
      (endpoints.length === 0
        ? html`<${Empty} title="No endpoints yet"><p>URLs of an endpoint begin with its prefix.</p><//>`
        : html`<ul class="card rows" aria-label="Endpoints">${endpoints.map((endpoint) => html`<${Row} key=${endpoint.id} endpoint=${endpoint} />`)}</ul>`)
    }
  `;
}

/** @param {{ endpoint: ReturnType<typeof upcoming>[number] }} props */
function Row({ endpoint }) {
  const { id, urlPrefix, description, origins, readOnly, action, urlRewriter } = endpoint;
  const name = urlPrefix || "default";
  const isDeleted = action === "delete";
  return html`<li class=${`object ${isDeleted ? "deleted" : ""}`}>
    <div class="object-what">
      <h2>${name} <${Action} action=${action} /> ${readOnly && html`<${Pill}>configuration file<//>`} ${urlRewriter && html`<${Pill}>${urlRewriter.type}<//>`}</h2>
      <p class="soft"><code>${startOf(urlPrefix)}</code> ${description}</p>
      <ol class="chain" aria-label="Origins">${origins.map((/** @type {string} */ origin, /** @type {number} */ at) => html`<li key=${origin} class=${at > 0 ? "chain-next" : ""}>${nameOf("origin", origin)}</li>`)}</ol>
    </div>
    <div class="object-actions">
      ${action !== "create" && !isDeleted && html`<a class="button quiet" href=${`/-/console/builder?${new URLSearchParams({ endpoint: name })}`} aria-label=${`Build a URL of ${name}`}>Build a URL</a>`}
      ${
        canChange.value &&
        !readOnly &&
        !isDeleted &&
        html`<a class="button quiet" href=${`${ROOT}?${new URLSearchParams({ edit: id })}`} aria-label=${`Edit ${name}`}>Edit</a>
        ${name !== "default" && html`<button type="button" class="quiet" aria-label=${`Delete ${name}`} onClick=${() => stage({ kind: "urlEndpoint", action: "delete", id })}>Delete</button>`}`
      }
    </div>
  </li>`;
}

/** The order of origins. @type {import("./form.js").Control} */
const Origins = ({ id, value, onChange }) => {
  const all = upcoming("origin")
    .filter(({ action }) => action !== "delete")
    .map(({ id, name }) => /** @type {const} */ ([id, name]));
  return html`<${Ordered} id=${id} value=${value ?? []} all=${all} onChange=${onChange} />`;
};

const CONTROLS = { origins: Origins };

/** @param {{ schema: any, endpoint?: ReturnType<typeof upcoming>[number] }} props */
function Editor({ schema, endpoint }) {
  const [id] = useState(() => endpoint?.id ?? newId());
  const isNew = endpoint === undefined || endpoint.action === "create";
  const [value, setValue] = useState(
    () =>
      /** @type {Record<string, any>} */ ({ description: "", origins: [], ...pick(schema, endpoint ?? {}) }),
  );
  const [error, setError] = useState("");
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (value.origins.length === 0) return setError("Choose at least one origin.");
    try {
      await stage({ kind: "urlEndpoint", action: isNew ? "create" : "update", id, value });
      navigate(ROOT);
    } catch (failure) {
      setError(/** @type {Error} */ (failure).message);
    }
  };
  return html`<section class="card" aria-labelledby="editor-title">
    <h2 id="editor-title">${isNew ? "New endpoint" : `Endpoint ${endpoint?.urlPrefix || "default"}`}</h2>
    <form class="editor" ref=${form} onSubmit=${submit}>
      <${Fields} id="endpoint" schema=${withoutRequired(schema)} value=${value} onChange=${setValue}
        controls=${CONTROLS} />
      <p class="bad" role="alert">${error}</p>
      <div class="editor-actions">
        <button type="submit" class="main">${isNew ? "Stage the endpoint" : "Stage the change"}</button>
        <a class="button quiet" href=${ROOT}>Cancel</a>
      </div>
    </form>
  </section>`;
}

/** Empty texts are values here. @param {any} schema */
const withoutRequired = (schema) => ({ ...schema, required: ["origins"] });
