import { useState } from "preact/hooks";
import { call } from "./api.js";
import { inspectPath } from "./router.js";
import { Empty, Heading, html, Pill, Problem, Segments, useLoaded } from "./ui.js";
import { ago, count } from "./words.js";

const KINDS = /** @type {const} */ ([
  ["ours", "Origins and server"],
  ["clients", "Wrong requests"],
  ["all", "All"],
]);

/** @param {any} group @param {string} kind */
const isShown = ({ isOurs }, kind) => kind === "all" || isOurs === (kind === "ours");

export function Failures() {
  const [chosen, setKind] = useState("");
  const { data, error, reload } = useLoaded(() => call("/data/failures"), { interval: 4000 });
  const hasOurs = (data ?? []).some((/** @type {any} */ { isOurs }) => isOurs);
  const kind = chosen || (hasOurs || data?.length === 0 ? "ours" : "all");
  const groups = (data ?? []).filter((/** @type {any} */ group) => isShown(group, kind));
  const options = KINDS.map(([name, title]) => {
    const found = (data ?? []).filter((/** @type {any} */ group) => isShown(group, name)).length;
    return [name, html`${title} <span class="count">${data ? found : ""}</span>`];
  });
  return html`
    <${Heading} title="Failures">
      <p class="lead">Failed requests since the start, by code, origin and path.</p>
      <div class="end"><${Segments} label="Which failures" options=${options} value=${kind} onChange=${setKind} /></div>
    <//>
    ${error && html`<${Problem} error=${error} onRetry=${reload} />`}
    ${data && groups.length === 0 && html`<${Nothing} kind=${kind} />`}
    ${groups.length > 0 && html`<ul class="card rows failures" aria-label="Failures">${groups.map((/** @type {any} */ group) => html`<${Group} key=${keyOf(group)} group=${group} />`)}</ul>`}
  `;
}

/** @param {any} group */
const keyOf = ({ code, origin, endpoint, pattern, first }) =>
  [code, origin, endpoint, pattern, first].join("|");

/** @param {{ kind: string }} props */
const Nothing = ({ kind }) =>
  html`<${Empty} title=${kind === "clients" ? "No wrong requests" : "Nothing has failed"}>
    <p>${kind === "ours" ? "No request has failed because of an origin or the server since it started." : "No request was refused since the server started."}</p>
  <//>`;

/** @param {{ group: any }} props */
function Group({ group }) {
  const { code, status, message, origin, endpoint, pattern, isOurs, times, first, last, host, url } = group;
  const target = inspectPath(location.hostname === host ? url : `http://${host}${url}`);
  return html`<li class="failure">
    <div class="failure-code">
      <strong class=${`failure-status ${isOurs ? "bad" : ""}`}>${status}</strong>
      <code class="code">${code}</code>
    </div>
    <div class="failure-what">
      <h2>${message}</h2>
      <p class="soft">
        <code>${pattern}</code>
        <span>${origin ? html`origin <b class="failure-place">${origin}</b>` : html`endpoint <b class="failure-place">${endpoint}</b>`}</span>
      </p>
      <p class="sample"><a href=${target} title="Inspect the newest of them"><code>${url}</code></a></p>
    </div>
    <div class="failure-when">
      <${Pill} tone=${isOurs ? "bad" : ""}>${count(times)}×<//>
      <span class="soft">${ago(last)}</span>
      ${times > 1 && html`<span class="soft small">first ${ago(first)}</span>`}
    </div>
  </li>`;
}
