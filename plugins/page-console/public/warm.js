import { useRef, useState } from "preact/hooks";
import { call } from "./api.js";
import { canOperate, Locked } from "./locked.js";
import { inspectPath } from "./router.js";
import { Empty, Heading, html, Pill, Problem, useLoaded } from "./ui.js";
import { ago, count } from "./words.js";

/** URLs of one call, as the server accepts them. */
const MAX_URLS = 10_000;

const POLL_MS = 1_000;

/** For which clients is rendered: what they accept. */
const CLIENTS = /** @type {const} */ ([
  ["avif", "AVIF", "image/avif,image/webp,*/*"],
  ["webp", "WebP", "image/webp,*/*"],
  ["basic", "Basic", "*/*"],
]);

/** @typedef {{ id: string, added: string, total: number, done: number, failed: number, errors: { url: string, code: string, message: string }[] }} Batch */

/** @typedef {{ total: number, cached: number, stale: number, pending: number, failed: number, errors: Batch["errors"] }} Preview */

export function Warm() {
  const { data, error, reload } = useLoaded(() => call("/api/v1/warm"), { interval: POLL_MS });
  const isMissing = error && /** @type {any} */ (error).status === 404;
  const batches = /** @type {Batch[]} */ (data?.batches ?? []);
  return html`
    <${Heading} title="Warm"><p class="lead">Render URLs before they are requested, for example after a purge.</p><//>
    ${
      isMissing
        ? html`<${Empty} title="Nothing can be warmed here"><p>Add the plugin <code>warm</code> to the configuration.</p><//>`
        : html`
            ${canOperate.value ? html`<${Form} onSent=${reload} />` : html`<${Locked} to="render URLs" role="operate" />`}
            ${error && html`<${Problem} error=${error} onRetry=${reload} />`}
            ${data && (batches.length === 0 ? html`<${Empty} title="No batches yet"><p>URLs that are rendered together are listed here, with their progress.</p><//>` : html`<${Batches} batches=${batches} />`)}
          `
    }
  `;
}

/** @param {{ onSent: () => void }} props */
function Form({ onSent }) {
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const segments = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [clients, setClients] = useState(/** @type {readonly string[]} */ (["avif"]));
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(/** @type {"" | "looks" | "sends"} */ (""));
  const [report, setReport] = useState(/** @type {Preview | undefined} */ (undefined));

  /** The body of a call; `undefined`, with an error, if something is missing. */
  const bodyOf = () => {
    const urls = (field.current?.value ?? "")
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
    const problem =
      urls.length === 0
        ? "Enter a URL."
        : urls.length > MAX_URLS
          ? `Enter at most ${MAX_URLS} URLs.`
          : clients.length === 0
            ? "Choose at least one client."
            : "";
    setError(problem);
    if (problem) {
      field.current?.focus();
      return undefined;
    }
    return {
      urls,
      clients: CLIENTS.filter(([name]) => clients.includes(name)).map(([, , accept]) => ({ accept })),
      ...(segments.current?.value !== "" && { segments: Number(segments.current?.value) }),
    };
  };
  const look = async () => {
    setReport(undefined);
    const body = bodyOf();
    if (!body) return;
    setBusy("looks");
    try {
      setReport(await call("/api/v1/warm/preview", { method: "POST", body }));
    } catch (failure) {
      setError(/** @type {Error} */ (failure).message);
    }
    setBusy("");
  };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const body = bodyOf();
    if (!body) return;
    setReport(undefined);
    setBusy("sends");
    try {
      await call("/api/v1/warm", { method: "POST", body });
      if (field.current) field.current.value = "";
      onSent();
    } catch (failure) {
      setError(/** @type {Error} */ (failure).message);
    }
    setBusy("");
  };

  const choose = (/** @type {string} */ name) => {
    setReport(undefined);
    setClients((before) =>
      before.includes(name) ? before.filter((one) => one !== name) : [...before, name],
    );
  };

  return html`<form class="card purge" onSubmit=${submit} noValidate>
    <label for="warm-urls"><b>URLs</b> <span class="soft small">one on each line</span></label>
    <textarea id="warm-urls" class="lines" ref=${field} rows="5" spellcheck=${false} autocapitalize="off" autocomplete="off"
      onInput=${() => setReport(undefined)} placeholder="/tr:w-400/photo.jpg" aria-invalid=${error ? "true" : undefined} aria-describedby="warm-error"></textarea>
    <fieldset>
      <legend>Clients that accept</legend>
      <div class="choices">
        ${CLIENTS.map(
          ([name, title]) => html`<label key=${name} class=${clients.includes(name) ? "chosen" : ""}>
            <input type="checkbox" checked=${clients.includes(name)} onChange=${() => choose(name)} />${title}
          </label>`,
        )}
        <label class="plain">Segments of a stream, for each rung
          <input type="number" min="0" max="10000" ref=${segments} placeholder="0" />
        </label>
      </div>
    </fieldset>
    <div class="purge-row">
      <button type="button" class="outlined" disabled=${isBusy !== ""} onClick=${look}>${isBusy === "looks" ? "Checking …" : "Check first"}</button>
      <button type="submit" class="main" disabled=${isBusy !== ""}>${isBusy === "sends" ? "Sending …" : "Render"}</button>
    </div>
    <p class="bad" id="warm-error" role="alert">${error}</p>
    <div role="status">${report && html`<${Report} report=${report} />`}</div>
  </form>`;
}

/**
 * What a batch would come to.
 * @param {{ report: Preview }} props
 */
const Report = ({ report: { total, cached, stale, pending, failed, errors } }) =>
  html`<div class="preview-count">
    <p><b>Would render ${pending.toLocaleString("en")} of ${total.toLocaleString("en")} ${total === 1 ? "URL" : "URLs"}</b>
      <span class="soft"> ${count(cached)} cached${stale > 0 ? ` (${count(stale)} to be revalidated)` : ""}, ${count(failed)} invalid or failing</span></p>
    ${errors.length > 0 && html`<${Failures} errors=${errors} />`}
    <p class="soft small">Origins are not asked: a file may still be missing. Segments of streams are not counted.</p>
  </div>`;

/** @param {{ errors: Batch["errors"] }} props */
const Failures = ({ errors }) =>
  html`<ul class="batch-errors">
    ${errors.map(
      ({ url, code, message }) =>
        html`<li key=${url}><a href=${inspectPath(url)}><code>${url}</code></a> <span class="code">${code}</span> <span class="soft">${message}</span></li>`,
    )}
  </ul>`;

/** @param {{ batches: readonly Batch[] }} props */
const Batches = ({ batches }) =>
  html`<section class="card" aria-labelledby="batches-title">
    <h2 id="batches-title">Batches</h2>
    <ul class="rows">
      ${batches.map(
        ({ id, added, total, done, failed, errors }) => html`<li class="batch" key=${id}>
          <div class="batch-head">
            <b>${count(total)} ${total === 1 ? "URL" : "URLs"}</b>
            <${Pill} tone=${done + failed < total ? "warn" : failed > 0 ? "bad" : "good"}>${textOf(total, done, failed)}<//>
            <span class="soft number">${ago(Date.parse(added))}</span>
          </div>
          <progress max=${total} value=${done + failed} aria-label=${`${done + failed} of ${total} URLs`}></progress>
          ${
            errors.length > 0 &&
            html`<details><summary>${count(failed)} failed</summary>
              <${Failures} errors=${errors} />
            </details>`
          }
        </li>`,
      )}
    </ul>
  </section>`;

/** @param {number} total @param {number} done @param {number} failed */
function textOf(total, done, failed) {
  if (done + failed < total) return `${count(done + failed)} of ${count(total)}`;
  return failed === 0 ? "completed" : `${count(done)} rendered, ${count(failed)} failed`;
}
