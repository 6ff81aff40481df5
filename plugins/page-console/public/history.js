import { useEffect, useMemo, useState } from "preact/hooks";
import { CallError, call } from "./api.js";
import { ALL, Chart, clock, ERRORS, HITS } from "./chart.js";
import { html, Problem, Segments } from "./ui.js";
import { count, duration, part } from "./words.js";

/** @typedef {{ time: string, requests: number, hits: number, errors: number, p50?: number | null, p99?: number | null }} Point */

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const day = (/** @type {number} */ time) =>
  new Date(time * 1000).toLocaleDateString([], { month: "short", day: "numeric", timeZone: "UTC" });

/** Spans: the call, milliseconds of a point, and how its time is written. */
const SPANS = {
  hour: { title: "Hour", path: () => "/data/history", length: MINUTE_MS, timeOf: clock },
  day: { title: "Day", path: () => "/api/analytics?by=hour", length: HOUR_MS, timeOf: clock },
  days: {
    title: "90 days",
    path: () => `/api/analytics?by=day&from=${new Date(Date.now() - 89 * DAY_MS).toISOString().slice(0, 10)}`,
    length: DAY_MS,
    timeOf: day,
  },
};

const OPTIONS = Object.entries(SPANS).map(([name, { title }]) => /** @type {const} */ ([name, title]));

const PARTS = [
  { name: "from caches", tone: "of-hits", stroke: "key" },
  { name: "failed or refused", tone: "of-errors", stroke: "bad" },
];
const TIMES = [
  { name: "median", tone: "of-hits", stroke: "key" },
  { name: "99th percentile", tone: "of-rest", stroke: "soft" },
];
const RATES = [ALL, HITS, { ...ERRORS, name: "failed or refused" }];

/** Rates, hit ratio and errors over a longer time. */
export function History() {
  const [name, setName] = useState(/** @type {keyof typeof SPANS} */ ("hour"));
  const [state, setState] = useState(/** @type {{ name?: string, series?: Point[], error?: Error }} */ ({}));
  const [times, setTimes] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const load = () =>
      call(SPANS[name].path(), { signal: stop.signal })
        .then(({ series }) => setState({ name, series }))
        .catch((error) => stop.signal.aborted || setState({ name, error }));
    load();
    const timer = setInterval(() => document.hidden || load(), MINUTE_MS);
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }, [name, times]);
  const { series, error } = state;
  const isMissing = error instanceof CallError && error.status === 404;
  return html`<section class="card board history" aria-labelledby="history-title">
    <div class="card-heading">
      <h2 id="history-title">History</h2>
      <${Segments} label="Span" options=${OPTIONS} value=${name} onChange=${setName} />
    </div>
    ${isMissing ? html`<p class="soft">Add the plugin <code>analytics()</code> to the configuration to keep hours and days.</p>` : error && html`<${Problem} error=${error} onRetry=${() => setTimes(times + 1)} />`}
    ${state.name === name && series && html`<${Charts} key=${name} span=${SPANS[name]} series=${series} />`}
  </section>`;
}

/** @param {{ span: (typeof SPANS)[keyof typeof SPANS], series: Point[] }} props */
function Charts({ span: { title, length, timeOf }, series }) {
  const [rates, parts, times] = useMemo(() => {
    const starts = series.map(({ time }) => Date.parse(time));
    const seconds = starts.map((start) => start / 1000);
    // The present hour or day is not over.
    const perSecond = (/** @type {number} */ value, /** @type {number} */ at) =>
      (value * 1000) / Math.max(1000, Math.min(length, Date.now() - /** @type {number} */ (starts[at])));
    const ratio = (/** @type {"hits" | "errors"} */ name) =>
      series.map((one) => (one.requests === 0 ? null : one[name] / one.requests));
    return [
      [
        seconds,
        series.map(({ requests }, at) => perSecond(requests, at)),
        series.map(({ hits }, at) => perSecond(hits, at)),
        series.map(({ errors }, at) => perSecond(errors, at) || null),
      ],
      [seconds, ratio("hits"), ratio("errors")],
      [seconds, series.map(({ p50 }) => p50 ?? null), series.map(({ p99 }) => p99 ?? null)],
    ];
  }, [series]);
  const sum = (/** @type {"requests" | "hits" | "errors"} */ name) =>
    series.reduce((all, one) => all + one[name], 0);
  const requests = sum("requests");
  const of = (/** @type {"hits" | "errors"} */ name) => (requests === 0 ? "–" : part(sum(name) / requests));
  return html`
    <p class="soft">${`${count(requests)} requests, ${of("hits")} from caches, ${of("errors")} failed or refused`}</p>
    <${Chart} columns=${rates} lines=${RATES} timeOf=${timeOf} label=${`Requests per second, ${title}: ${count(requests)} in all`} unit="requests per second" />
    <div class="pair">
      <${Chart} columns=${parts} lines=${PARTS} timeOf=${timeOf} textOf=${part} most=${1} label=${`Hit ratio, ${title}: ${of("hits")}; failed or refused: ${of("errors")}`} unit="of the requests" />
      ${series.some(({ p50 }) => p50 !== undefined) && html`<${Chart} columns=${times} lines=${TIMES} timeOf=${timeOf} textOf=${duration} label=${`Median and 99th percentile, ${title}`} unit="time of a response" />`}
    </div>
  `;
}
