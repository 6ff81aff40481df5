import { html } from "./ui.js";
import { cacheName, duration } from "./words.js";

/** Phases in words, by the beginning of their names. */
const PHASES = /** @type {const} */ ([
  [/^origin-(\d+)$/, (/** @type {string} */ place) => `Origin ${place}`],
  [/^download$/, () => "Download"],
  [/^plan$/, () => "Plan"],
  [/^queue$/, () => "Queue"],
  [/^transformation$/, () => "Transformation"],
]);

/** @param {string} name */
function phaseName(name) {
  for (const [pattern, words] of PHASES) {
    const found = pattern.exec(name);
    if (found) return words(found[1] ?? "");
  }
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/**
 * `Server-Timing` (W3C): name, milliseconds, description.
 * @param {string} header
 */
export function phasesOf(header) {
  return header
    .split(/,\s*/)
    .map((entry) => entry.split(/\s*;\s*/))
    .map(([name = "", ...parameters]) => {
      const value = (/** @type {string} */ key) =>
        parameters
          .find((one) => one.startsWith(`${key}=`))
          ?.slice(key.length + 1)
          .replace(/^"|"$/g, "");
      return { name, duration: Number(value("dur") ?? Number.NaN), note: value("desc") ?? "" };
    })
    .filter(({ name }) => name !== "");
}

/** @param {import("./stage.js").Answer} answer @param {string} name */
const headerOf = ({ headers }, name) => headers.find(([key]) => key === name)?.[1] ?? "";

/**
 * What the real request took, phase by phase.
 * @param {{ answer: import("./stage.js").Answer }} props
 */
export function Timeline({ answer }) {
  const all = phasesOf(headerOf(answer, "server-timing"));
  const total = all.find(({ name }) => name === "total")?.duration ?? answer.milliseconds;
  const phases = all.filter(({ name, duration }) => duration >= 0 && name !== "total");
  // A download contains what its origin took to answer.
  const inside = (/** @type {string} */ name) =>
    /^origin-/.test(name) && phases.some((one) => one.name === "download");
  const scale = Math.max(
    total,
    phases.reduce((sum, one) => sum + (inside(one.name) ? 0 : one.duration), 0),
    0.001,
  );
  let at = 0;
  const bars = phases.map((phase) => {
    const start = at;
    if (!inside(phase.name)) at += phase.duration;
    return { ...phase, start };
  });
  const rest = total - at;
  return html`<section class="card" aria-labelledby="time-title">
    <h2 id="time-title">Time line <span class="soft">${duration(total)}, ${cacheWords(headerOf(answer, "cache-status"))}</span></h2>
    ${
      bars.length > 0
        ? html`<ol class="timeline">
            ${[
              ...bars,
              ...(rest > total * 0.02
                ? [{ name: "other", start: at, duration: rest, note: "lookups, storing, sending" }]
                : []),
            ].map(
              (bar) => html`<li class="bar" key=${bar.name}>
                <span>${phaseName(bar.name)}</span>
                <span class="track" aria-hidden="true"><i class=${bar.name === "other" ? "rest" : ""} style=${{ left: `${(bar.start / scale) * 100}%`, width: `${Math.max(0.6, (bar.duration / scale) * 100)}%` }}></i></span>
                <b>${duration(bar.duration)}</b>
                <span class="soft note">${bar.note}</span>
              </li>`,
            )}
          </ol>`
        : html`<p class="soft">${headerOf(answer, "server-timing") ? "No work was done for it." : "The plugin timing is not installed, so there are no phases."}</p>`
    }
  </section>`;
}

/**
 * `Cache-Status` (RFC 9211) in words.
 * @param {string} status
 */
export function cacheWords(status) {
  const value = (/** @type {string} */ name) =>
    new RegExp(`;\\s*${name}=("[^"]*"|[^;\\s]+)`).exec(status)?.[1] ?? "";
  const has = (/** @type {string} */ name) => new RegExp(`;\\s*${name}\\b`).test(status);
  if (status === "") return "without a cache";
  const detail = value("detail");
  if (detail === "revalidated") return "revalidated with the origin";
  if (has("hit")) return `served from a cache (${cacheName(detail).toLowerCase()})`;
  const kept = has("stored") ? "now stored" : "not stored";
  return has("collapsed") ? `shared with another request, ${kept}` : `rendered for this request, ${kept}`;
}

/**
 * @param {{ answer: import("./stage.js").Answer }} props
 */
export const Headers = ({ answer }) =>
  html`<section class="card late" aria-labelledby="headers-title">
    <h2 id="headers-title">Response headers <span class="soft">${answer.headers.length}</span></h2>
    <dl class="headers">
      ${answer.headers.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>
  </section>`;
