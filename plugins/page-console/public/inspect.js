import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { call, send, session } from "./api.js";
import { Journey } from "./journey.js";
import { address, inspectPath, navigate } from "./router.js";
import { Stage } from "./stage.js";
import { Headers, Timeline } from "./timeline.js";
import { Copy, Empty, Heading, html, Icon, Problem, Segments, useLoaded } from "./ui.js";
import { ago, bytes, cacheName, duration, formatOf, part, REASONS } from "./words.js";

/** What clients accept: the header, and who sends it. */
const CLIENTS = /** @type {const} */ ({
  avif: {
    accept: "image/avif,image/webp,image/apng,*/*;q=0.8",
    title: "AVIF",
    who: "Chrome, Firefox, Safari of today",
  },
  webp: { accept: "image/webp,*/*;q=0.8", title: "WebP", who: "a browser without AVIF" },
  basic: { accept: "image/*,*/*;q=0.8", title: "Basic", who: "mail programs, old browsers" },
});

/** @typedef {keyof typeof CLIENTS} Client */

/**
 * @typedef {object} Shown a result of one request, or of none yet
 * @property {string} url
 * @property {Client} client
 * @property {import("./journey.js").Seen} [explanation]
 * @property {import("./stage.js").Answer} [answer]
 * @property {import("./stage.js").Original} [original]
 * @property {Error} [error]
 * @property {boolean} isBusy
 */

/** @typedef {Shown & { explanation: import("./journey.js").Seen }} Done */

const shown = signal(/** @type {Shown | undefined} */ (undefined));
let running = new AbortController();

/**
 * @param {string} url
 * @param {Client} client
 */
async function inspect(url, client) {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  /** @param {Partial<Shown>} more */
  const show = (more) => {
    if (!signal.aborted && shown.value) shown.value = { ...shown.value, ...more };
  };
  shown.value = { url, client, isBusy: true };
  const query = new URLSearchParams({ url, accept: CLIENTS[client].accept });
  try {
    const explanation = await call(`/data/explain?${query}`, { signal });
    show({ explanation });
    if (explanation.asset && !isVideo(explanation)) await request(query, explanation, show, signal);
  } catch (error) {
    show({ error: /** @type {Error} */ (error) });
  }
  show({ isBusy: false });
}

/** Whether an answer takes long to make, so that people decide. */
const isVideo = (/** @type {import("./journey.js").Seen} */ { plan, asset }) =>
  plan?.lane === "video" || asset?.media === "video";

/**
 * Sends the request, and reads what it is compared with.
 * @param {URLSearchParams} query
 * @param {import("./journey.js").Seen} explanation
 * @param {(more: Partial<Shown>) => void} show
 * @param {AbortSignal} signal
 */
async function request(query, explanation, show, signal) {
  const answer = await answerOf(`/data/answer?${query}`, signal);
  show({ answer });
  if (!answer.picture || !explanation.source) return;
  const original = await originalOf(`/data/original?${query}`, explanation, signal).catch((error) => ({
    error,
  }));
  show({ original });
}

/**
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {Promise<import("./stage.js").Answer>}
 */
async function answerOf(path, signal) {
  const response = await send(path, { signal });
  const body = await response.blob();
  const seen = JSON.parse(
    new TextDecoder().decode(
      Uint8Array.from(
        atob((response.headers.get("x-answer") ?? "").replaceAll("-", "+").replaceAll("_", "/")),
        (letter) => letter.charCodeAt(0),
      ),
    ),
  );
  const headers = /** @type {[string, string][]} */ (seen.headers);
  const type = headers.find(([name]) => name === "content-type")?.[1] ?? "";
  const isOk = seen.status >= 200 && seen.status < 300;
  const picture = isOk && type.startsWith("image/") ? await pictureOf(body) : undefined;
  const text = picture || !/^text|json|xml|mpegurl/.test(type) ? "" : (await body.text()).slice(0, 4000);
  return {
    status: seen.status,
    headers,
    type,
    bytes: body.size,
    milliseconds: seen.milliseconds,
    text,
    ...(picture ? { picture } : {}),
  };
}

/**
 * @param {string} path
 * @param {import("./journey.js").Seen} explanation
 * @param {AbortSignal} signal
 * @returns {Promise<import("./stage.js").Original>}
 */
async function originalOf(path, { source, metadata }, signal) {
  const response = await send(path, { signal });
  const picture = await pictureOf(await response.blob());
  const { width, height, format } =
    typeof metadata.header === "object" ? metadata.header : { width: 0, height: 0, format: "" };
  return { picture, isPreview: response.headers.has("x-preview"), bytes: source.size, width, height, format };
}

/** @param {Blob} blob */
async function pictureOf(blob) {
  const picture = new Image();
  picture.src = URL.createObjectURL(blob);
  try {
    await picture.decode();
  } catch {
    URL.revokeObjectURL(picture.src);
    return undefined;
  }
  return { src: picture.src, width: picture.naturalWidth, height: picture.naturalHeight };
}

export function Inspect() {
  const url = address.value.searchParams.get("url") ?? "";
  const accept = address.value.searchParams.get("accept") ?? "";
  const client = /** @type {Client} */ (accept in CLIENTS ? accept : "avif");
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));

  useEffect(() => {
    if (field.current && field.current.value !== url) field.current.value = url;
    if (!url) {
      running.abort();
      shown.value = undefined;
    } else if (shown.value?.url !== url || shown.value.client !== client) inspect(url, client);
  }, [url, client]);

  const open = (/** @type {string} */ next, /** @type {string} */ as = client) => {
    const clean = next.replace(/\s+/g, (space) => (space.includes("\n") ? "" : space)).trim();
    if (clean === "") return field.current?.focus();
    if (clean === url && as === client) inspect(clean, client);
    else navigate(inspectPath(clean, as === "avif" ? "" : as));
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    open(field.current?.value ?? "");
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    open(field.current?.value ?? "");
  };

  const result = shown.value;
  return html`
    <${Heading} title="Inspect">
      <p class="lead">Paste a URL of this server to see what it gets, and why.</p>
    <//>
    <form class=${`card ask ${result?.isBusy ? "busy" : ""}`} onSubmit=${submit} role="search" aria-busy=${String(result?.isBusy ?? false)}>
      <div class="address">
        <textarea
          ref=${field}
          id="url"
          rows="1"
          spellcheck=${false}
          autocapitalize="off"
          autocomplete="off"
          aria-label="URL"
          placeholder="https://img.example.com/tr:w-400/photo.jpg"
          onKeyDown=${onKeyDown}
        ></textarea>
        <button type="submit" class="main">Inspect</button>
      </div>
      <div class="options">
        <span class="soft" id="client-label">The client accepts</span>
        <${Segments}
          label="What the client accepts"
          options=${Object.entries(CLIENTS).map(([name, { title }]) => [name, title])}
          value=${client}
          onChange=${(/** @type {string} */ as) => (field.current?.value.trim() ? open(field.current.value, as) : navigate(`/-/console/inspect?accept=${as}`, { replace: true }))}
        />
        <span class="soft who">${CLIENTS[client].who}</span>
      </div>
    </form>
    ${result?.error && html`<${Problem} error=${result.error} onRetry=${() => open(url)} />`}
    ${result?.explanation ? html`<${Result} result=${result} open=${open} />` : !result && html`<${Recent} />`}
  `;
}

/** @param {{ result: Done, open: (url: string) => void }} props */
function Result({ result, open }) {
  const { explanation, answer, original, url, client, isBusy } = result;
  return html`
    <${Verdict} result=${result} open=${open} />
    <div class="columns">
      <div class="column">
        ${
          (answer ? answer.status < 400 : isBusy || (explanation.asset && isVideo(explanation))) &&
          html`<${Stage} answer=${answer} original=${original} isBusy=${isBusy} explanation=${explanation}
          onRequest=${() => play(result)} />`
        }
        ${answer && html`<${Timeline} answer=${answer} />`}
        ${answer && html`<${Headers} answer=${answer} />`}
      </div>
      <div class="column">
        <${Journey} explanation=${explanation} client=${CLIENTS[client]} />
        <div class="tools">
          <${Copy} text=${curlOf(url, CLIENTS[client].accept)}>Copy as curl<//>
          <${Copy} text=${JSON.stringify(explanation, null, 2)}>Copy as JSON<//>
        </div>
      </div>
    </div>
  `;
}

/**
 * Sends a request that was not sent by itself.
 * @param {Done} result
 */
async function play({ url, client, explanation }) {
  const query = new URLSearchParams({ url, accept: CLIENTS[client].accept });
  const { signal } = running;
  /** @param {Partial<Shown>} more */
  const show = (more) => {
    if (!signal.aborted && shown.value) shown.value = { ...shown.value, ...more };
  };
  show({ isBusy: true });
  await request(query, explanation, show, signal).catch((error) => show({ error }));
  show({ isBusy: false });
}

/** @param {string} url @param {string} accept */
function curlOf(url, accept) {
  const whole = /^https?:/i.test(url) ? url : `${location.origin}${url.startsWith("/") ? "" : "/"}${url}`;
  const quoted = whole.replaceAll("'", "'\\''");
  return `curl -sv -o /dev/null -H 'accept: ${accept}' '${quoted}'`;
}

const SIGNATURE_CODES = ["ESIGNATURE", "EEXPIRED"];

/** What to do about a refusal, by its code. @type {Readonly<Record<string, string>>} */
const REMEDIES = {
  ENOENT: "Check the path, and the order of the origins below.",
  EACCES: "An origin has denied this server access: check its credentials.",
  ECONNREFUSED: "An origin could not be reached: check its address and whether it is up.",
  UNIDENTIFIED: "The file is not what its name promises, or is damaged.",
  EINVAL: "The transformation is wrong. The message names what was expected.",
  ELIMIT: "A limit is exceeded: see the limits below.",
  EBUSY: "The server has more work than it can do now.",
  ETIMEDOUT: "An origin, or the work itself, took too long.",
  EFORBIDDEN: "A rule of the endpoint refuses this request.",
  EUNSUPPORTED: "No engine that is installed can do this.",
};

/** @param {{ result: Done, open: (url: string) => void }} props */
function Verdict({ result, open }) {
  const { explanation, answer, url, isBusy } = result;
  const status = answer?.status ?? explanation.status;
  const isOk = status < 400;
  const [problem] = explanation.errors;
  const endpoint = session.value?.endpoints?.find(({ name }) => name === explanation.endpoint?.name);
  const isUnsigned = explanation.signature && explanation.signature !== "valid";
  const canSign = isUnsigned && endpoint?.hasKey && session.value?.isSignedIn;
  const size = answer?.picture ? ` · ${answer.picture.width} × ${answer.picture.height}` : "";
  const whole = explanation.source?.size ?? 0;
  const saved = answer && whole > 0 && isOk ? 1 - answer.bytes / whole : undefined;
  const title = isOk
    ? answer
      ? `${formatOf(answer.type)}${size} · ${bytes(answer.bytes)}`
      : isBusy
        ? "Requesting it …"
        : "Would be served"
    : (problem?.message ?? REASONS[status] ?? "Refused");
  const text = isOk
    ? saved === undefined
      ? ""
      : saved >= 0
        ? `${part(saved)} smaller than the original of ${bytes(whole)}.`
        : `${part(-saved)} larger than the original of ${bytes(whole)}.`
    : explanation.signatureFault && SIGNATURE_CODES.includes(problem?.code ?? "")
      ? explanation.signatureFault
      : (REMEDIES[problem?.code ?? ""] ?? "");
  return html`<section class=${`card verdict ${isOk ? "good" : "bad"}`} aria-label="Verdict">
    <div class="status"><strong>${status}</strong><span>${REASONS[status] ?? ""}</span></div>
    <div class="words" role="status">
      <h2>${title}</h2>
      ${text && html`<p>${text}</p>`}
      ${!isOk && problem?.cause && problem.cause !== problem.message && html`<p class="soft">Cause: ${problem.cause}</p>`}
      ${problem?.code && html`<code class="code">${problem.code}</code>`}
    </div>
    <div class="actions">
      <${Copy} text=${url}>Copy URL<//>
      ${/^https?:|^\//.test(url) && html`<a class="button quiet" href=${url} target="_blank" rel="noopener noreferrer">Open</a>`}
      ${canSign && html`<${Sign} url=${url} open=${open} isUrgent=${SIGNATURE_CODES.includes(problem?.code ?? "")} />`}
    </div>
  </section>`;
}

const LIFETIMES = [
  ["", "never expires"],
  ["3600", "for an hour"],
  ["86400", "for a day"],
  ["604800", "for a week"],
];
const signError = signal("");

/** @param {{ url: string, open: (url: string) => void, isUrgent: boolean }} props */
function Sign({ url, open, isUrgent }) {
  const select = useRef(/** @type {HTMLSelectElement | null} */ (null));
  const sign = async () => {
    const seconds = Number(select.current?.value);
    const expires = seconds > 0 ? { expires: Math.floor(Date.now() / 1000) + seconds } : {};
    try {
      const signed = await call("/data/sign", { method: "POST", body: { url, ...expires } });
      signError.value = "";
      open(signed.url);
    } catch (error) {
      signError.value = /** @type {Error} */ (error).message;
    }
  };
  return html`<span class="sign">
    <button type="button" class=${isUrgent ? "main" : "outlined"} onClick=${sign}><${Icon} name="sign" />Sign it</button>
    <select ref=${select} aria-label="How long the signature is valid">
      ${LIFETIMES.map(([value, text]) => html`<option value=${value}>${text}</option>`)}
    </select>
    ${signError.value && html`<span class="bad" role="alert">${signError.value}</span>`}
  </span>`;
}

/** The last requests of the server, to begin with. */
function Recent() {
  const { data, error, reload } = useLoaded(() => call("/data/recent"), { interval: 5000 });
  if (error && !data) return html`<${Problem} error=${error} onRetry=${reload} />`;
  if (!data) return null;
  if (data.length === 0) {
    return html`<${Empty} title="No requests yet">
      <p>Requests to this server appear here. Until then, paste a URL above.</p>
    <//>`;
  }
  return html`<section class="card" aria-labelledby="recent-title">
    <h2 id="recent-title">Last requests</h2>
    <ul class="rows recent">
      ${data.map(
        (/** @type {any} */ one) => html`<li key=${`${one.time}${one.url}`}>
          <a class="request" href=${inspectPath(location.hostname === one.host ? one.url : `http://${one.host}${one.url}`)}>
            <span class=${`state ${one.status >= 400 || one.status === 0 ? "bad" : "good"}`}>${one.status || "–"}</span>
            <code>${one.url}</code>
            <span class="soft">${servedBy(one)}</span>
            <span class="soft number">${duration(one.duration)}</span>
            <span class="soft number">${bytes(one.bytes)}</span>
            <span class="soft number">${ago(one.time)}</span>
          </a>
        </li>`,
      )}
    </ul>
  </section>`;
}

/** @param {{ status: number, cache?: string }} request */
function servedBy({ status, cache }) {
  if (status >= 400) return "Refused";
  if (status === 0) return "Client left";
  return cache === undefined ? "Miss" : cacheName(cache);
}
