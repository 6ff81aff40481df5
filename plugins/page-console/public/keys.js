import { useRef, useState } from "preact/hooks";
import { call, send } from "./api.js";
import { canChange, Locked } from "./locked.js";
import { Unchangeable } from "./staged.js";
import { Copy, Heading, html, Pill, Problem, Segments, useLoaded } from "./ui.js";
import { ago } from "./words.js";

/** @typedef {{ id: string, name: string, role: string, createdAt?: string, rotatedAt?: string, readOnly?: true }} Key */
/** @typedef {Key & { secret: string }} NewKey */

const ROLES = /** @type {const} */ ({
  read: "Reads objects, analytics and the audit log.",
  operate: "Reads, purges, warms, and signs URLs in this console.",
  configure: "Does all of that, and changes what the server serves, and keys.",
});

const PATH = "/api/v1/keys";

export function Keys() {
  const { data, error, reload } = useLoaded(async () => (await call(PATH)).keys);
  const [made, setMade] = useState(/** @type {NewKey | undefined} */ (undefined));
  const [changes, setChanges] = useState(0);
  const keys = /** @type {Key[]} */ (data ?? []);
  const onChange = (/** @type {NewKey | undefined} */ key) => {
    setMade(key);
    setChanges((count) => count + 1);
    reload();
  };
  return html`
    <${Heading} title="Keys and audit log"><p class="lead">Who can use the management API and this console, and what they did.</p><//>
    ${error && !data && html`<${Unchangeable} error=${error} reload=${reload} />`}
    ${data && html`<${Locked} to="create and revoke keys" />`}
    ${data && canChange.value && html`<${Create} onDone=${onChange} />`}
    <div role="status">${made && html`<${Secret} key=${made.secret} made=${made} onDone=${() => setMade(undefined)} />`}</div>
    ${
      keys.length > 0 &&
      html`<section class="card" aria-labelledby="keys-title">
        <h2 id="keys-title">Keys</h2>
        <ul class="rows" role="list">
          ${keys.map((key) => html`<${Row} key=${key.id} known=${key} onDone=${onChange} />`)}
        </ul>
      </section>`
    }
    ${data && html`<${Log} key=${changes} />`}
  `;
}

/** @param {{ onDone: (key: NewKey) => void }} props */
function Create({ onDone }) {
  const [role, setRole] = useState(/** @type {keyof typeof ROLES} */ ("operate"));
  const [state, setState] = useState(/** @type {{ isBusy?: boolean, error?: string }} */ ({}));
  const name = useRef(/** @type {HTMLInputElement | null} */ (null));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const value = name.current?.value.trim() ?? "";
    if (value === "") {
      setState({ error: "Enter a name." });
      name.current?.focus();
      return;
    }
    setState({ isBusy: true });
    try {
      const key = await call(PATH, { method: "POST", body: { name: value, role } });
      if (name.current) name.current.value = "";
      setState({});
      onDone(key);
    } catch (error) {
      setState({ error: /** @type {Error} */ (error).message });
    }
  };
  return html`<form class="card purge" onSubmit=${submit} noValidate>
    <fieldset>
      <legend>Role of the new key</legend>
      <div class="choices">
        ${Object.keys(ROLES).map(
          (one) => html`<label key=${one} class=${one === role ? "chosen" : ""}>
            <input type="radio" name="role" value=${one} checked=${one === role} onChange=${() => setRole(/** @type {keyof typeof ROLES} */ (one))} />${one}
          </label>`,
        )}
      </div>
    </fieldset>
    <p class="soft" id="role-help">${ROLES[role]}</p>
    <div class="purge-row">
      <label class="unseen" for="key-name">Name of the new key</label>
      <input type="text" id="key-name" ref=${name} placeholder="Name, such as CI" maxlength="100" autocomplete="off" spellcheck=${false}
        aria-invalid=${state.error ? "true" : undefined} aria-describedby="role-help key-name-error" />
      <button type="submit" class="main" disabled=${state.isBusy}>${state.isBusy ? "Creating …" : "Create key"}</button>
    </div>
    <p class="bad" id="key-name-error" role="alert">${state.error ?? ""}</p>
  </form>`;
}

/** The secret of a key, this one time. @param {{ made: NewKey, onDone: () => void }} props */
function Secret({ made: { name, secret }, onDone }) {
  return html`<div class="card secret">
    <p><b>The secret of ${name}.</b> Copy it now: it is not shown again.</p>
    <p class="secret-row"><code>${secret}</code><${Copy} text=${secret} label="Copy the secret" /><button type="button" class="quiet" onClick=${onDone}>Done</button></p>
  </div>`;
}

/** @param {{ known: Key, onDone: (key: NewKey | undefined) => void }} props */
function Row({ known: { id, name, role, createdAt, rotatedAt, readOnly }, onDone }) {
  const [state, setState] = useState(
    /** @type {{ asked?: "rotate" | "revoke", isBusy?: boolean, error?: Error }} */ ({}),
  );
  const confirm = async () => {
    const { asked } = state;
    setState({ ...state, isBusy: true });
    try {
      if (asked === "rotate") onDone(await call(`${PATH}/${id}/rotate`, { method: "POST", body: {} }));
      else {
        await send(`${PATH}/${id}`, { method: "DELETE" });
        onDone(undefined);
      }
      setState({});
    } catch (error) {
      setState({ error: /** @type {Error} */ (error) });
    }
  };
  const time = rotatedAt ?? createdAt;
  const ask = (/** @type {"rotate" | "revoke"} */ asked, /** @type {string} */ text) =>
    html`<button type="button" class="quiet" aria-label=${`${text} ${name}`} onClick=${() => setState({ asked })}>${text}</button>`;
  return html`<li class="object revision">
    <div class="object-what">
      <h3>${readOnly ? "Private key" : name} <${Pill}>${role}<//></h3>
      <p class="soft"><code>${id}</code>${readOnly ? " of the configuration file" : ""}${
        time &&
        html`, ${rotatedAt ? "rotated" : "created"} <time datetime=${time} title=${new Date(time).toLocaleString()}>${ago(Date.parse(time))}</time>`
      }</p>
    </div>
    <div class="object-actions">
      ${
        canChange.value &&
        !readOnly &&
        (state.asked
          ? html`<button type="button" class=${`main ${state.asked === "revoke" ? "danger" : ""}`} disabled=${state.isBusy} onClick=${confirm}>${state.asked === "rotate" ? "Replace the secret" : "Revoke now"}</button>
              <button type="button" class="quiet" onClick=${() => setState({})}>Cancel</button>`
          : html`${ask("rotate", "Rotate")}${ask("revoke", "Revoke")}`)
      }
    </div>
    <div class="object-more">${state.error && html`<${Problem} error=${state.error} />`}</div>
  </li>`;
}

const KINDS = /** @type {const} */ ([
  ["all", "All"],
  ["change", "Changes"],
  ["refusal", "Refused"],
]);

/** Entries that are loaded at once. */
const PAGE = 50;

/** @typedef {{ id: string, time: string, kind: "change" | "refusal", key?: { id: string, name: string }, address: string, what: string, skipped?: number }} Entry */

function Log() {
  const [kind, setKind] = useState("all");
  const [older, setOlder] = useState(
    /** @type {{ entries: Entry[], isOver?: boolean, isBusy?: boolean, error?: Error }} */ ({ entries: [] }),
  );
  const page = async (/** @type {string} */ query) =>
    /** @type {Entry[]} */ ((await call(`/api/v1/audit?limit=${PAGE}${query}`)).entries);
  const { data, error, reload } = useLoaded(() => page(""));
  if (error && !data) return html`<${Problem} error=${error} onRetry=${reload} />`;
  if (!data) return null;
  const all = [...data, ...older.entries];
  const shown = all.filter((entry) => kind === "all" || entry.kind === kind);
  const isOver = older.isOver || data.length < PAGE;
  const more = async () => {
    setOlder({ ...older, isBusy: true });
    try {
      const entries = await page(`&before=${all.at(-1)?.id}`);
      setOlder({ entries: [...older.entries, ...entries], isOver: entries.length < PAGE });
    } catch (error) {
      setOlder({ ...older, isBusy: false, error: /** @type {Error} */ (error) });
    }
  };
  return html`<section class="card" aria-labelledby="log-title">
    <div class="log-heading">
      <h2 id="log-title">Audit log</h2>
      <${Segments} label="Entries" options=${KINDS} value=${kind} onChange=${setKind} />
    </div>
    ${shown.length === 0 && html`<p class="soft log-empty">No entries yet. Changes and refused keys are listed here.</p>`}
    <ol class="rows" role="list" aria-label="Entries, the newest first">
      ${shown.map(
        ({ id, time, kind, key, address, what, skipped }) => html`<li key=${id} class="entry">
          <${Pill} tone=${kind === "change" ? "good" : "warn"}>${kind === "change" ? "change" : "refused"}<//>
          <span class="entry-what">${what}${skipped ? html` <span class="soft">and ${skipped} more before it</span>` : ""}</span>
          <span class="soft">${key ? key.name : "unknown key"}</span>
          <code class="soft">${address}</code>
          <time class="soft number" datetime=${time} title=${new Date(time).toLocaleString()}>${ago(Date.parse(time))}</time>
        </li>`,
      )}
    </ol>
    ${older.error && html`<${Problem} error=${older.error} />`}
    ${!isOver && html`<p class="log-more"><button type="button" class="outlined" disabled=${older.isBusy} onClick=${more}>${older.isBusy ? "Loading …" : "Show older entries"}</button></p>`}
  </section>`;
}
