import { signal } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import { call, session } from "./api.js";
import { canOperate, Locked } from "./locked.js";
import { Empty, Heading, html, Pill, useLoaded } from "./ui.js";
import { ago, bytes, cacheName, count } from "./words.js";

const KINDS = /** @type {const} */ ({
  url: {
    title: "URL",
    label: "URL",
    placeholder: "https://img.example.com/tr:w-400/photo.jpg",
    help: "All forms of one URL: every format, and the copy of its original. With * at the end: all URLs that begin so.",
  },
  source: {
    title: "Original",
    label: "Path of the original",
    placeholder: "products/shoe.jpg",
    help: "Everything that was rendered from one original, whatever its transformations.",
  },
  prefix: {
    title: "Folder",
    label: "Start of the path",
    placeholder: "products/2026/",
    help: "Everything that was rendered from originals whose paths begin so.",
  },
  tag: {
    title: "Tag",
    label: "Tag",
    placeholder: "spring-sale",
    help: "Everything that was rendered under a tag of the configuration or of an origin.",
  },
  all: {
    title: "Everything",
    label: "",
    placeholder: "",
    help: "All renditions of the account. They are rendered again when they are requested next, which takes CPU time.",
  },
});

/** @typedef {keyof typeof KINDS} Kind */

/** Purges of this page, the newest first. */
const history = signal(
  /** @type {{ id: string, kind: Kind, value: string, time: number, state: string }[]} */ ([]),
);

const POLL_MS = 400;

/**
 * @typedef {{ renditions: number, bytes: number, isComplete: boolean,
 *   tiers: { name: string, renditions?: number, bytes?: number }[] }} Preview
 */

/** Asks for the state of a purge until it is completed. @param {string} id */
async function follow(id) {
  for (;;) {
    const { state } = await call(`/data/purge/${encodeURIComponent(id)}`);
    history.value = history.value.map((one) => (one.id === id ? { ...one, state } : one));
    if (state !== "pending") return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export function Purge() {
  const [kind, setKind] = useState(/** @type {Kind} */ ("url"));
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const { title, label, placeholder, help } = KINDS[kind];

  const [preview, setPreview] = useState(/** @type {Preview | undefined} */ (undefined));
  const [isCounting, setCounting] = useState(false);

  /** What the form names; `undefined`, with an error, if that is nothing. */
  const targetOf = () => {
    const value = kind === "all" ? "" : (field.current?.value.trim() ?? "");
    if (kind === "all" || value !== "")
      return { value, body: kind === "all" ? { all: true } : { [kind]: value } };
    setError(`Enter ${kind === "url" ? "a URL" : kind === "tag" ? "a tag" : "a path"}.`);
    field.current?.focus();
    return undefined;
  };
  const look = async () => {
    setPreview(undefined);
    setError("");
    const target = targetOf();
    if (!target) return;
    setCounting(true);
    try {
      setPreview(await call("/data/purge/preview", { method: "POST", body: target.body }));
    } catch (failure) {
      setError(/** @type {Error} */ (failure).message);
    }
    setCounting(false);
  };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!canOperate.value) return await look();
    if (kind === "all" && !field.current?.checked) return setError("Confirm that everything is purged.");
    const target = targetOf();
    if (!target) return;
    const { value, body } = target;
    setBusy(true);
    setError("");
    setPreview(undefined);
    try {
      const { id } = await call("/data/purge", { method: "POST", body });
      history.value = [{ id, kind, value, time: Date.now(), state: "pending" }, ...history.value].slice(
        0,
        50,
      );
      if (field.current && kind !== "all") field.current.value = "";
      if (field.current && kind === "all") field.current.checked = false;
      follow(id).catch(() => {});
    } catch (failure) {
      setError(/** @type {Error} */ (failure).message);
    }
    setBusy(false);
  };

  const choose = (/** @type {Kind} */ next) => {
    setKind(next);
    setError("");
    setPreview(undefined);
  };

  return html`
    <${Heading} title="Purge"><p class="lead">Remove renditions from all caches, on all workers and machines.</p><//>
    <${Locked} to="purge" role="operate" />
    <form class="card purge" onSubmit=${submit} noValidate>
      <fieldset>
        <legend>What to purge</legend>
        <div class="choices">
          ${Object.entries(KINDS).map(
            ([name, one]) => html`<label key=${name} class=${name === kind ? "chosen" : ""}>
              <input type="radio" name="kind" value=${name} checked=${name === kind} onChange=${() => choose(/** @type {Kind} */ (name))} />${one.title}
            </label>`,
          )}
        </div>
      </fieldset>
      <p class="soft" id="purge-help">${help}</p>
      <div class="purge-row" key=${kind}>
        ${
          kind === "all"
            ? html`<label class="confirm"><input type="checkbox" ref=${field} aria-describedby="purge-help purge-error" />Purge everything of this account</label>`
            : html`<label class="unseen" for="purge-value">${label}</label>
                <input type="text" id="purge-value" ref=${field} placeholder=${placeholder} spellcheck=${false} autocomplete="off" autocapitalize="off"
                  aria-invalid=${error ? "true" : undefined} aria-describedby="purge-help purge-error" />`
        }
        <button type="button" class="outlined" disabled=${isCounting} onClick=${look}>${isCounting ? "Counting …" : "Count first"}</button>
        ${canOperate.value && html`<button type="submit" class=${`main ${kind === "all" ? "danger" : ""}`} disabled=${isBusy}>${isBusy ? "Purging …" : kind === "all" ? "Purge everything" : `Purge ${title.toLowerCase() === "url" ? "URL" : title.toLowerCase()}`}</button>`}
      </div>
      <p class="bad" id="purge-error" role="alert">${error}</p>
      <div role="status">${preview && html`<${Shown} preview=${preview} />`}</div>
    </form>
    ${
      history.value.length > 0 &&
      html`<section class="card" aria-labelledby="purges-title">
            <h2 id="purges-title">Purges of this page</h2>
            <ul class="rows" role="list" aria-live="polite">
              ${history.value.map(
                ({ id, kind, value, time, state }) => html`<li class="purged" key=${id}>
                  <b>${KINDS[kind].title}</b>
                  <code>${value}</code>
                  <${Pill} tone=${state === "pending" ? "warn" : "good"}>${state}<//>
                  <span class="soft number">${ago(time)}</span>
                </li>`,
              )}
            </ul>
          </section>`
    }
    <${Earlier} key=${history.value.map(({ state }) => state).join()} />
  `;
}

/** What a purge would remove. @param {{ preview: Preview }} props */
function Shown({ preview }) {
  const { renditions, bytes: size, isComplete, tiers } = preview;
  const unknown = tiers.filter((tier) => tier.renditions === undefined);
  return html`<div class="preview-count">
    <p><b>Would remove ${isComplete || unknown.length > 0 ? "" : "at least "}${renditions.toLocaleString("en")} ${renditions === 1 ? "rendition" : "renditions"}</b>
      <span class="soft"> ${bytes(size)}</span></p>
    <p class="soft small">${tiers.map(({ name, renditions }) => `${cacheName(name)}: ${renditions === undefined ? "cannot be counted" : count(renditions)}`).join(" · ")}</p>
  </div>`;
}

/** Purges of the account that the audit log has, by whomever. */
function Earlier() {
  const { data } = useLoaded(() => call("/api/v1/audit?limit=100").catch(() => ({ entries: [] })));
  if (!data) return null;
  const entries = data.entries.filter(
    (/** @type {any} */ { kind, what }) => kind === "change" && /^purge /.test(what),
  );
  if (entries.length === 0) {
    if (history.value.length > 0) return null;
    return html`<${Empty} title="No purges yet"><p>Purges of this page are listed here until it is closed.
      ${session.value?.isSignedIn && " With a plugin that keeps state, those of others are, too."}</p><//>`;
  }
  return html`<section class="card" aria-labelledby="earlier-title">
    <h2 id="earlier-title">Purges of the account <span class="soft">the last ${entries.length}</span></h2>
    <ul class="rows" role="list">
      ${entries.map(
        (/** @type {any} */ { id, time, key, what }) => html`<li class="earlier" key=${id}>
          <code>${what.replace(/^purge /, "")}</code>
          <span class="soft">${key?.name ?? ""}</span>
          <span class="soft number">${ago(Date.parse(time))}</span>
        </li>`,
      )}
    </ul>
  </section>`;
}
