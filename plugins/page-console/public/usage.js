import { useEffect, useState } from "preact/hooks";
import { CallError, call } from "./api.js";
import { Empty, Heading, html, Problem, Segments } from "./ui.js";
import { bytes, cacheName, count, duration, formatOf, part } from "./words.js";

/**
 * @typedef {{ requests: number, bytes: number, hits: number, errors: number, renders: number, cpuSeconds: number, savedBytes: number, cost?: number }} Numbers
 * @typedef {{ name: string, requests: number, bytes: number }} Entry
 * @typedef {{ by: string, total: Numbers, currency?: string, series: (Numbers & { time: string })[],
 *   endpoints: (Numbers & { tenant: string, endpoint: string })[], lists: Readonly<Record<string, Entry[]>> }} Report
 */

const SPANS = /** @type {const} */ ([
  ["hour", "24 hours"],
  ["day", "30 days"],
  ["days", "90 days"],
]);

const DAY_MS = 86_400_000;

/** The query of a span: the day that has begun is one of its days. @param {string} span */
const queryOf = (span) =>
  span === "days"
    ? `by=day&from=${new Date(Date.now() - 89 * DAY_MS).toISOString().slice(0, 10)}`
    : `by=${span}`;

/** Lists of the report, and what their entries are. */
const LISTS = /** @type {const} */ ([
  ["images", "Images"],
  ["videos", "Videos"],
  ["imageTransformations", "Transformations"],
  ["formats", "Formats"],
  ["caches", "Caches"],
  ["notFound", "Not found"],
  ["errors", "Errors"],
  ["referrers", "Referrers"],
  ["agents", "Browsers"],
]);

/** Entries of a list that are shown. */
const SHOWN = 10;

export function Usage() {
  const [by, setBy] = useState("hour");
  const [state, setState] = useState(/** @type {{ report?: Report, error?: Error }} */ ({}));
  const [times, setTimes] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    call(`/api/analytics?${queryOf(by)}`, { signal: stop.signal })
      .then((report) => setState({ report }))
      .catch((error) => stop.signal.aborted || setState({ error }));
    return () => stop.abort();
  }, [by, times]);
  const { report, error } = state;
  const isMissing = error instanceof CallError && error.status === 404;
  return html`
    <${Heading} title="Usage">
      <p class="lead">Requests, bytes, CPU time and money, by endpoint.</p>
      ${!isMissing && html`<div class="end"><${Segments} label="Span" options=${SPANS} value=${by} onChange=${setBy} /></div>`}
    <//>
    ${
      isMissing
        ? html`<${Empty} title="Usage is not counted"><p>Add the plugin <code>analytics()</code> to the configuration, and a store such as <code>stateSqlite()</code> to keep the numbers.</p><//>`
        : error && html`<${Problem} error=${error} onRetry=${() => setTimes(times + 1)} />`
    }
    ${report && (report.total.requests === 0 ? html`<${Empty} title="No requests in this time"><p>Numbers appear a few seconds after the first request.</p><//>` : html`<${Numbers} report=${report} />`)}
  `;
}

/** @param {{ title: string, value: string, note?: string }} props */
const Figure = ({ title, value, note = "" }) =>
  html`<div class="figure"><dt>${title}</dt><dd><strong class="figure-value">${value}</strong><span>${note}</span></dd></div>`;

/** @param {number} value @param {string} currency */
const money = (value, currency) =>
  new Intl.NumberFormat([], { style: "currency", currency, maximumFractionDigits: value < 1 ? 4 : 2 }).format(
    value,
  );

/** @param {{ report: Report }} props */
function Numbers({ report }) {
  const { total, currency, endpoints } = report;
  const whole = total.bytes + total.savedBytes;
  const lists = LISTS.filter(([name]) => (report.lists[name] ?? []).length > 0);
  return html`
    <section class="card board" aria-label="In all">
      <dl class="figures">
        <${Figure} title="Requests" value=${count(total.requests)} note=${`${part(total.hits / total.requests)} from caches`} />
        <${Figure} title="Sent" value=${bytes(total.bytes)} note=${total.savedBytes > 0 ? `${bytes(total.savedBytes)} saved, ${part(total.savedBytes / whole)}` : ""} />
        <${Figure} title="Renders" value=${count(total.renders)} note=${total.renders > 0 ? `${duration((total.cpuSeconds * 1000) / total.renders)} of CPU each` : ""} />
        <${Figure} title="CPU time" value=${duration(total.cpuSeconds * 1000)} note="of one core" />
        <${Figure} title="Errors" value=${count(total.errors)} note=${part(total.errors / total.requests)} />
        ${total.cost !== undefined && currency && html`<${Figure} title="Cost" value=${money(total.cost, currency)} note="CPU and traffic" />`}
      </dl>
      <${Bars} report=${report} />
    </section>
    <section class="card">
      <h2 id="by-endpoint">By endpoint</h2>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="by-endpoint">
        <table>
          <thead><tr><th scope="col">Endpoint</th><th scope="col">Requests</th><th scope="col">From caches</th><th scope="col">Sent</th><th scope="col">Saved</th><th scope="col">CPU time</th>${currency && html`<th scope="col">Cost</th>`}</tr></thead>
          <tbody>
            ${endpoints.map(
              (one) => html`<tr key=${`${one.tenant}/${one.endpoint}`}>
                <th scope="row">${[one.tenant, one.endpoint].filter(Boolean).join("/")}</th>
                <td data-label="Requests">${count(one.requests)}</td><td data-label="From caches">${one.requests > 0 ? part(one.hits / one.requests) : "–"}</td><td data-label="Sent">${bytes(one.bytes)}</td><td data-label="Saved">${bytes(one.savedBytes)}</td><td data-label="CPU time">${duration(one.cpuSeconds * 1000)}</td>
                ${currency && html`<td data-label="Cost">${money(one.cost ?? 0, currency)}</td>`}
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>
    <div class="lists">${lists.map(([name, title]) => html`<${List} key=${name} name=${name} title=${title} entries=${report.lists[name] ?? []} />`)}</div>
  `;
}

/** @param {{ report: Report }} props */
function Bars({ report: { series, by } }) {
  const most = Math.max(1, ...series.map(({ requests }) => requests));
  const when = (/** @type {string} */ time) =>
    by === "hour"
      ? new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
      : new Date(time).toLocaleDateString([], { month: "short", day: "numeric", timeZone: "UTC" });
  const [first] = series;
  return html`<figure class="chart">
    <div class="bars" role="img" aria-label=${`Requests each ${by}, at most ${count(most)}`}>
      ${series.map(
        ({
          time,
          requests,
          hits,
        }) => html`<span class="column-bar" key=${time} title=${`${when(time)}: ${count(requests)} requests, ${count(hits)} from caches`}>
          <i class="of-rest" style=${{ height: `${((requests - hits) / most) * 100}%` }}></i>
          <i class="of-hits" style=${{ height: `${(hits / most) * 100}%` }}></i>
        </span>`,
      )}
    </div>
    <figcaption>
      <span class="soft">${first ? when(first.time) : ""}</span>
      <ul class="legend"><li><i class="swatch of-hits"></i>from caches</li><li><i class="swatch of-rest"></i>rendered, fetched or refused</li></ul>
      <span class="soft">now</span>
    </figcaption>
  </figure>`;
}

/** @param {string} list @param {string} name */
function nameOf(list, name) {
  if (list === "caches") return cacheName(name);
  return list === "formats" ? formatOf(name) : name;
}

/** @param {{ name: string, title: string, entries: Entry[] }} props */
function List({ name, title, entries }) {
  const most = Math.max(1, ...entries.map(({ requests }) => requests));
  return html`<section class="card" aria-labelledby=${`list-${name}`}>
    <h2 id=${`list-${name}`}>${title}</h2>
    <ol class="top-list">
      ${entries.slice(0, SHOWN).map(
        (entry) => html`<li key=${entry.name}>
          <i class="top-bar" aria-hidden="true" style=${{ width: `${(entry.requests / most) * 100}%` }}></i>
          <span class="top-name">${nameOf(name, entry.name)}</span>
          <span class="soft number">${count(entry.requests)}×</span>
          <span class="soft number">${bytes(entry.bytes)}</span>
        </li>`,
      )}
    </ol>
  </section>`;
}
