import { useState } from "preact/hooks";
import { call, session } from "./api.js";
import { Empty, Heading, html, Pill, Problem, Segments, useLoaded } from "./ui.js";
import { ago, bytes, count, duration } from "./words.js";

const POLL_MS = 2_000;

/**
 * @typedef {{ tenant: string, endpoint: string, path: string, what: string, isSegment: boolean, time: number, duration: number, bytes?: number,
 *   error?: { code: string, message: string } }} Render
 * @typedef {{ id: string, type: string, receiver: string, path: string, time: string, state: keyof typeof TONES, tries: number, reason?: string }} Delivery
 */

const TONES = { waiting: "", retrying: "warn", delivered: "good", failed: "bad" };

const FILTERS = /** @type {const} */ ([
  ["all", "All"],
  ["segments", "Segments"],
  ["failed", "Failures"],
]);

export function Videos() {
  const { data, error, reload } = useLoaded(() => call("/data/videos"), { interval: POLL_MS });
  const [filter, setFilter] = useState("all");
  if (error && !data)
    return html`<${Heading} title="Videos" /><${Problem} error=${error} onRetry=${reload} />`;
  if (!data) return html`<${Heading} title="Videos" />`;
  const { counts, work } = data;
  const renders = /** @type {Render[]} */ (data.renders).filter(
    (one) => filter === "all" || (filter === "failed" ? one.error : one.isSegment && !one.error),
  );
  return html`
    <${Heading} title="Videos"><p class="lead">What was rendered of videos since the start, and what receivers were sent.</p><//>
    <dl class="card totals">
      <div><dt>Segments</dt><dd>${count(counts.segments)}</dd></div>
      <div><dt>Videos, stills, playlists</dt><dd>${count(counts.others)}</dd></div>
      <div><dt>Failures</dt><dd class=${counts.failed > 0 ? "bad" : ""}>${count(counts.failed)}</dd></div>
      <div><dt>Running now</dt><dd>${count(work.running)}</dd></div>
      <div><dt>Queue</dt><dd>${count(work.waiting)} <span class="soft small">${duration(work.waitingCost)} of work</span></dd></div>
    </dl>
    ${
      data.renders.length === 0
        ? html`<${Empty} title="No videos yet"><p>Videos, and segments of streams, appear here when they are rendered.</p><//>`
        : html`<section class="card" aria-labelledby="renders-title">
            <div class="list-head">
              <h2 id="renders-title">Renders</h2>
              <${Segments} label="Which renders" options=${FILTERS} value=${filter} onChange=${setFilter} />
            </div>
            <ul class="rows">
              ${renders.map(
                (one) => html`<li class="video-render" key=${`${one.time} ${one.path} ${one.what}`}>
                  <code>${one.path}</code>
                  <span>${one.what}</span>
                  ${one.error ? html`<span class="bad small">${one.error.code}: ${one.error.message}</span>` : html`<span class="soft">${bytes(one.bytes)}</span>`}
                  <span class="soft number">${duration(one.duration)}</span>
                  <span class="soft number">${ago(one.time)}</span>
                </li>`,
              )}
              ${renders.length === 0 && html`<li class="video-render soft">None</li>`}
            </ul>
          </section>`
    }
    <${Queue} />
    <${Deliveries} />
  `;
}

/** Calls that this server does not have, or not for this key. @type {Set<string>} */
const refused = new Set();

/** What a call returns; `undefined`, from then on, if there is no such call for this key. @param {string} path */
async function callIfThere(path) {
  if (refused.has(path)) return undefined;
  try {
    return await call(path);
  } catch (error) {
    const { status } = /** @type {import("./api.js").CallError} */ (error);
    if (status !== 404 && status !== 403) throw error;
    refused.add(path);
    return undefined;
  }
}

/** The queue of background work, if other machines do that. */
function Queue() {
  const { data } = useLoaded(() => callIfThere("/api/v1/queue"), { interval: POLL_MS });
  if (!data) return null;
  return html`<section class="card" aria-labelledby="queue-title">
    <h2 id="queue-title">Background queue</h2>
    <dl class="totals">
      <div><dt>Workers</dt><dd class=${data.workers === 0 ? "bad" : ""}>${count(data.workers)}</dd></div>
      <div><dt>Waiting</dt><dd>${count(data.waiting)}</dd></div>
      <div><dt>Running</dt><dd>${count(data.active)}</dd></div>
      <div><dt>Failed</dt><dd>${count(data.failed)}</dd></div>
    </dl>
  </section>`;
}

function Deliveries() {
  const { data, error, reload } = useLoaded(() => callIfThere("/api/v1/webhooks/deliveries"), {
    interval: POLL_MS,
  });
  const [problem, setProblem] = useState("");
  if (error && !data) return html`<${Problem} error=${error} onRetry=${reload} />`;
  if (!data) return null;
  const deliveries = /** @type {Delivery[]} */ (data.deliveries);
  const retry = async (/** @type {string} */ id) => {
    setProblem("");
    try {
      await call(`/api/v1/webhooks/deliveries/${encodeURIComponent(id)}/retry`, { method: "POST" });
      reload();
    } catch (failure) {
      setProblem(/** @type {Error} */ (failure).message);
    }
  };
  return html`<section class="card" aria-labelledby="deliveries-title">
    <h2 id="deliveries-title">Webhooks</h2>
    ${problem && html`<p class="bad" role="alert">${problem}</p>`}
    ${deliveries.length === 0 && html`<p class="soft">No webhook has been sent yet.</p>`}
    <ul class="rows">
      ${deliveries.map(
        ({ id, type, receiver, path, time, state, tries, reason }) => html`<li class="delivery" key=${id}>
          <${Pill} tone=${TONES[state]}>${state}<//>
          <span>${type.replace("video.transformation.", "")}</span>
          <code>${path}</code>
          <span class="soft">${receiver}${tries > 1 && `, ${tries} tries`}${state !== "delivered" && reason && `: ${reason}`}</span>
          <span class="soft number">${ago(Date.parse(time))}</span>
          ${
            state === "failed" && session.value?.isSignedIn
              ? html`<button type="button" class="outlined" aria-label=${`Send again: ${type} of ${path}`} onClick=${() => retry(id)}>Send again</button>`
              : html`<span></span>`
          }
        </li>`,
      )}
    </ul>
  </section>`;
}
