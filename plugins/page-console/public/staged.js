import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { call, loadSession, send } from "./api.js";
import { html, Icon, Pill, Problem } from "./ui.js";

/**
 * @typedef {"origin" | "urlEndpoint" | "namedTransformation"} Kind
 * @typedef {Record<string, any>} Value an object as the calls take and return it
 * @typedef {object} Change
 * @property {Kind} kind
 * @property {"create" | "update" | "delete"} action
 * @property {string} id of a new object: a name for this page only
 * @property {Value} [value]
 * @property {string} [ifMatch]
 * @property {string} title for people
 *
 * @typedef {{ state: string, text: string, advice?: string }} Finding
 * @typedef {{ state: "found" | "missing" | "failed", code?: string, text?: string, type?: string, size?: number, milliseconds: number }} FileFinding
 * @typedef {{ changes: { path: string, before?: unknown, after?: unknown }[], findings: Record<string, Finding>, file?: FileFinding }} Examination
 * @typedef {{ origins: Value[], endpoints: Value[], transformations: Value[], schemas: { origins: Record<string, any>, urlEndpoint: any, namedTransformation: any } }} Objects
 */

/** What can be changed; `undefined` until it was loaded. */
export const objects = signal(/** @type {Objects | undefined} */ (undefined));

/** Changes that were not applied yet; they end with the page, since they may contain secrets. */
export const staged = signal(/** @type {readonly Change[]} */ ([]));

export async function loadObjects() {
  const [origins, endpoints, transformations, schemas] = await Promise.all([
    call("/api/v1/accounts/origins"),
    call("/api/v1/accounts/url-endpoints"),
    call("/api/v1/named-transformations"),
    call("/api/v1/accounts/schemas"),
  ]);
  objects.value = { origins, endpoints, transformations, schemas };
}

/** Loads the objects; with the first page that shows them, and again with each. */
export function useObjects() {
  const [error, setError] = useState(/** @type {Error | undefined} */ (undefined));
  const load = () => loadObjects().then(() => setError(undefined), setError);
  useEffect(() => void load(), []);
  return { error, reload: load, objects: objects.value };
}

/** @type {Record<Kind, { list: "origins" | "endpoints" | "transformations", path: string }>} */
const KINDS = {
  origin: { list: "origins", path: "/api/v1/accounts/origins" },
  urlEndpoint: { list: "endpoints", path: "/api/v1/accounts/url-endpoints" },
  namedTransformation: { list: "transformations", path: "/api/v1/named-transformations" },
};

/**
 * The objects of a kind as they would be, with what is to be done to each.
 * @param {Kind} kind
 * @returns {(Value & { id: string, action?: Change["action"] })[]}
 */
export function upcoming(kind) {
  const own = staged.value.filter((change) => change.kind === kind);
  const known = (objects.value?.[KINDS[kind].list] ?? []).map((one) => {
    const change = own.find(({ id, action }) => id === one.id && action !== "create");
    return change ? { ...one, ...change.value, action: change.action } : one;
  });
  const added = own
    .filter(({ action }) => action === "create")
    .map(({ id, value }) => ({ ...value, id, action: "create" }));
  return /** @type {any} */ ([...known, ...added]);
}

/** What has to exist first comes first; what is in use is deleted last. @param {Change} change */
const rankOf = ({ kind, action }) =>
  action === "delete"
    ? kind === "origin"
      ? 4
      : 3
    : ["origin", "urlEndpoint", "namedTransformation"].indexOf(kind);

/**
 * Adds a change, in the place of one of the same object.
 * @param {readonly Change[]} changes
 * @param {Omit<Change, "title">} change
 * @returns {readonly Change[]}
 */
export function withChange(changes, change) {
  const { kind, id } = change;
  const before = changes.find((one) => one.kind === kind && one.id === id);
  const others = changes.filter((one) => one !== before);
  const isNew = before?.action === "create";
  if (isNew && change.action === "delete") return others;
  const name = change.value?.name ?? change.value?.urlPrefix ?? nameOf(kind, id);
  const next = { ...before, ...change, action: isNew ? "create" : change.action, title: name || "default" };
  return [...others, /** @type {Change} */ (next)].sort((a, b) => rankOf(a) - rankOf(b));
}

/** @param {Kind} kind @param {string} id */
export function nameOf(kind, id) {
  const one = upcoming(kind).find((one) => one.id === id);
  return one?.name ?? one?.urlPrefix ?? id;
}

/**
 * Stages a change. The object's tag makes sure that nobody else changes it in between.
 * @param {Omit<Change, "title" | "ifMatch">} change
 */
export async function stage(change) {
  const { kind, id, action } = change;
  const known = staged.value.find((one) => one.kind === kind && one.id === id);
  let ifMatch = known?.ifMatch;
  if (action !== "create" && !known) {
    const response = await send(`${KINDS[kind].path}/${encodeURIComponent(id)}`);
    ifMatch = response.headers.get("etag") ?? undefined;
  }
  staged.value = withChange(staged.value, { ...change, ...(ifMatch ? { ifMatch } : {}) });
}

/** @param {Change} change */
export function unstage(change) {
  staged.value = staged.value.filter((one) => one !== change);
}

const newIds = (function* () {
  for (let count = 1; ; count++) yield `new:${count}`;
})();

/** A name for a new object that no id can be. */
export const newId = () => /** @type {string} */ (newIds.next().value);

const bodyOf = (/** @type {readonly Change[]} */ changes) => changes.map(({ title: _, ...change }) => change);

/**
 * What changes would do, without doing it.
 * @param {readonly Change[]} changes
 * @param {{ test?: { origin: string, path?: string }, signal?: AbortSignal }} [options]
 * @returns {Promise<Examination>}
 */
export async function examine(changes, { test, signal } = {}) {
  return await call("/api/v1/accounts/changes", {
    method: "POST",
    body: { dryRun: true, changes: bodyOf(changes), ...(test ? { test } : {}) },
    signal,
  });
}

/** @param {string} comment */
async function apply(comment) {
  await call("/api/v1/accounts/changes", {
    method: "POST",
    body: { changes: bodyOf(staged.value), ...(comment ? { comment } : {}) },
  });
  staged.value = [];
  // The endpoints of the session are others now.
  await Promise.all([loadObjects(), loadSession()]);
}

addEventListener("beforeunload", (event) => {
  if (staged.value.length > 0) event.preventDefault();
});

const ACTIONS = { create: "new", update: "changed", delete: "to be deleted" };
const TONES = { create: "good", update: "warn", delete: "bad" };

/** What is to be done to an object, if anything. @param {{ action?: Change["action"] | undefined }} props */
export const Action = ({ action }) => action && html`<${Pill} tone=${TONES[action]}>${ACTIONS[action]}<//>`;

const NOUNS = { origin: "origin", urlEndpoint: "endpoint", namedTransformation: "transformation" };

/** What was done last, for people. */
const done = signal("");

/** The changes that were not applied yet: what differs, what the origins respond, and the buttons. */
export function Staged() {
  const changes = staged.value;
  const [state, setState] = useState(
    /** @type {{ examination?: Examination, error?: Error, isBusy?: boolean }} */ ({}),
  );
  const [comment, setComment] = useState("");
  useEffect(() => {
    if (changes.length === 0) return setState({});
    done.value = "";
    const stop = new AbortController();
    setState((known) => ({ ...known, isBusy: true }));
    examine(changes, { signal: stop.signal }).then(
      (examination) => setState({ examination }),
      (error) => stop.signal.aborted || setState({ error }),
    );
    return () => stop.abort();
  }, [changes]);
  if (changes.length === 0) {
    return html`<p class="applied" role="status">${done.value && html`<${Icon} name="check" />${done.value} <a href="/-/console/revisions">Revisions</a>`}</p>`;
  }
  const { examination, error, isBusy } = state;
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const count = changes.length;
    setState((known) => ({ ...known, isBusy: true }));
    try {
      await apply(comment.trim());
      done.value = `${count} ${count === 1 ? "change is" : "changes are"} applied.`;
      setComment("");
    } catch (error) {
      setState({ error: /** @type {Error} */ (error) });
    }
  };
  return html`<section class="card staged" aria-labelledby="staged-title">
    <h2 id="staged-title">Staged changes <span class="soft">${changes.length}</span></h2>
    <ul class="rows" role="list">
      ${changes.map(
        (change, at) => html`<li class="staged-change" key=${`${change.kind} ${change.id}`}>
          <${Action} action=${change.action} />
          <b>${change.title}</b>
          <span class="soft">${NOUNS[change.kind]}</span>
          <button type="button" class="quiet end" aria-label=${`Undo the change of ${change.title}`} onClick=${() => unstage(change)}>Undo</button>
          ${error && messageAt(error, at) && html`<p class="bad">${messageAt(error, at)}</p>`}
        </li>`,
      )}
    </ul>
    ${examination && html`<${Diff} changes=${examination.changes} />`}
    ${examination && html`<${Findings} findings=${examination.findings} />`}
    ${error && !changes.some((_, at) => messageAt(error, at)) && html`<${Problem} error=${error} />`}
    <form class="staged-apply" onSubmit=${submit}>
      <label class="unseen" for="staged-comment">Comment</label>
      <input type="text" id="staged-comment" maxlength="1000" placeholder="Why? (optional)" value=${comment} autocomplete="off" onInput=${(/** @type {any} */ event) => setComment(event.target.value)} />
      <button type="submit" class="main" disabled=${isBusy || Boolean(error)}>${isBusy ? "Checking …" : "Apply"}</button>
      <button type="button" class="quiet" onClick=${() => (staged.value = [])}>Discard all</button>
    </form>
  </section>`;
}

/** The message about one change. @param {Error} error @param {number} at */
function messageAt({ message }, at) {
  const prefix = `changes.${at}: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : undefined;
}

/** @param {unknown} value */
const shownValue = (value) =>
  typeof value === "string" ? value : Array.isArray(value) ? value.join(", ") : JSON.stringify(value);

/** @param {{ changes: Examination["changes"] }} props */
export const Diff = ({ changes }) =>
  html`<ul class="diff" role="list" aria-label="What differs">
    ${changes.map(
      ({ path, before, after }) => html`<li key=${path}>
        <code class="diff-path">${path}</code>
        ${before !== undefined && html`<del><span class="unseen">before: </span>${shownValue(before)}</del>`}
        ${after !== undefined && html`<ins><span class="unseen">after: </span>${shownValue(after)}</ins>`}
      </li>`,
    )}
  </ul>`;

/** What origins respond, as `mediatap doctor` reports it. @param {{ findings: Record<string, Finding> }} props */
export const Findings = ({ findings }) =>
  Object.keys(findings).length > 0 &&
  html`<ul class="findings" role="list" aria-label="What the origins respond">
    ${Object.entries(findings).map(
      ([origin, { state, text, advice }]) => html`<li class=${state} key=${origin}>
        <${Icon} name=${state === "good" ? "check" : "alert"} />
        <p><b>${nameOf("origin", origin)}</b> ${text}${advice && html`<br /><span class="soft">${advice}</span>`}</p>
      </li>`,
    )}
  </ul>`;

/**
 * An error of the calls, or why there is nothing to change.
 * @param {{ error: Error & { status?: number }, reload: () => void }} props
 */
export function Unchangeable({ error, reload }) {
  const { status } = error;
  if (status === 501 || status === 404) {
    return html`<div class="empty"><h2>Nothing can be changed at run time</h2><div>
      <p>${status === 404 ? html`Add the plugin <code>manageImagekit()</code> to the configuration, and` : "Add"} a store such as <code>stateSqlite()</code>${status === 404 ? "." : " to the configuration."}</p>
    </div></div>`;
  }
  return html`<${Problem} error=${error} onRetry=${reload} />`;
}
