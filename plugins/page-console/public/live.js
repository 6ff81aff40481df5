import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { loadSession } from "./api.js";
import { ALL, Chart, ERRORS, HITS } from "./chart.js";
import { History } from "./history.js";
import { Heading, html, Pill, Problem } from "./ui.js";
import { bytes, cacheName, count, duration, part, span } from "./words.js";

const data = signal(/** @type {any} */ (undefined));
const state = signal(/** @type {"connecting" | "live" | "lost"} */ ("connecting"));

/** Milliseconds without an event after which the server counts as lost: it sends one every two seconds. */
const SILENCE_MS = 8000;

/** Receives events while the page is shown. */
function useEvents() {
  useEffect(() => {
    const events = new EventSource("/-/console/data/events");
    let timer = setTimeout(() => {}, 0);
    const lost = () => {
      state.value = "lost";
      // The key may be gone.
      loadSession().catch(() => {});
    };
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(lost, SILENCE_MS);
    };
    wait();
    events.onmessage = (event) => {
      data.value = JSON.parse(event.data);
      state.value = "live";
      wait();
    };
    // A browser that was refused does not ask again.
    events.onerror = () => {
      if (events.readyState === EventSource.CLOSED) lost();
    };
    return () => {
      clearTimeout(timer);
      events.close();
      state.value = "connecting";
    };
  }, []);
}

const STATES = { connecting: "Connecting", live: "Live", lost: "The server does not respond" };

export function Live() {
  useEvents();
  const now = data.value;
  return html`
    <${Heading} title="Live">
      <p class="lead">The last minute, with ten minutes in the chart, and the time before.</p>
      <p class=${`live end ${state.value}`} role="status"><i class="lamp"></i>${STATES[state.value]}</p>
    <//>
    ${now === undefined ? state.value === "lost" && html`<${Problem} error=${new Error(STATES.lost)} />` : html`<div class=${state.value === "lost" ? "faded" : ""}><${Board} now=${now} /></div>`}
  `;
}

/** @param {{ title: string, value: string, note?: string, tone?: string }} props */
const Figure = ({ title, value, note = "", tone = "" }) =>
  html`<div class=${`figure ${tone}`}><dt>${title}</dt><dd><strong class="figure-value">${value}</strong><span>${note}</span></dd></div>`;

/** @param {{ now: any }} props */
function Board({ now }) {
  const { server, machines = [] } = now;
  const isOne = machines.length < 2;
  return html`
    ${!isOne && html`<${Machines} machines=${machines} />`}
    <section class="card board" aria-label="The last minute">
      ${!isOne && html`<h2>This machine</h2>`}
      <dl class="figures">
        <${Figure} title="Requests" value=${`${count(now.perSecond)}/s`} note=${`${bytes(now.bytesPerSecond)}/s, ${count(now.total)} in all`} />
        <${Figure} title="From caches" value=${now.hitRatio === null ? "–" : part(now.hitRatio)} note=${`of ${count(now.requests)} requests`} tone="key-figure" />
        <${Figure} title="Errors" value=${now.refusedRatio === null ? "–" : part(now.refusedRatio)} note=${now.errors ? `${count(now.errors)} by an origin or the server` : now.refused ? `${count(now.refused)}, none by an origin or the server` : "none"} tone=${now.errors ? "bad-figure" : ""} />
        <${Figure} title="Median time" value=${duration(now.p50)} note="half are faster" />
        <${Figure} title="99th percentile" value=${duration(now.p99)} note="one in a hundred is slower" />
      </dl>
      <${Rates} now=${now} />
    </section>
    <${History} />
    <div class="halves">
      <div>
        <${Tiers} now=${now} />
        <${OriginList} origins=${now.origins} />
      </div>
      ${server && html`<${Server} server=${server} title=${isOne ? "Server" : "This machine"} />`}
    </div>
  `;
}

const RATES = [ALL, HITS, ERRORS];

/**
 * Requests each second in the last ten minutes.
 * @param {{ now: any }} props
 */
function Rates({ now }) {
  const columns = useMemo(() => {
    const { series, slot, end } = now;
    const times = series.map(
      (/** @type {unknown} */ _, /** @type {number} */ at) => (end - (series.length - at) * slot) / 1000,
    );
    const [all, hits, errors] = [0, 1, 2].map((column) =>
      series.map((/** @type {number[]} */ one) => (one[column] ?? 0) * (1000 / slot)),
    );
    // No line along the bottom where nothing failed.
    return [times, all, hits, errors.map((/** @type {number} */ rate) => rate || null)];
  }, [now]);
  const label = `Requests per second in the last ten minutes, at most ${count(Math.max(...columns[1]))}`;
  return html`<${Chart} columns=${columns} lines=${RATES} label=${label} unit="requests per second" />`;
}

/** @param {{ now: any }} props */
function Tiers({ now }) {
  const { requests, caches } = now;
  const hits = Object.values(caches).reduce((sum, value) => sum + value, 0);
  const rows = [
    ...Object.entries(caches).map(([name, value], at) => ({
      name: cacheName(name),
      value,
      tone: `tone-${at % 4}`,
    })),
    { name: "Rendered, fetched or refused", value: Math.max(0, requests - hits), tone: "tone-rest" },
  ].sort((a, b) => Number(a.tone === "tone-rest") - Number(b.tone === "tone-rest") || b.value - a.value);
  return html`<section class="card" aria-labelledby="tiers-title">
    <h2 id="tiers-title">Where responses came from</h2>
    ${
      requests === 0
        ? html`<p class="soft">No requests in the last minute.</p>`
        : html`<div class="stack" aria-hidden="true">${rows.map(({ name, value, tone }) => html`<i key=${name} class=${tone} style=${{ width: `${(value / requests) * 100}%` }}></i>`)}</div>
            <ul class="shares">
              ${rows.map(({ name, value, tone }) => html`<li key=${name}><i class=${`swatch ${tone}`} aria-hidden="true"></i><span>${name}</span><b>${part(value / requests)}</b><span class="soft number">${count(value)}</span></li>`)}
            </ul>`
    }
  </section>`;
}

/**
 * The machines that share a state store, in the last minute.
 * @param {{ machines: any[] }} props
 */
const Machines = ({ machines }) =>
  html`<section class="card" aria-labelledby="machines-title">
    <h2 id="machines-title">Machines <span class="soft">the last minute, every ten seconds</span></h2>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="machines-title">
      <table>
        <thead><tr><th scope="col">Machine</th><th scope="col">Requests</th><th scope="col">From caches</th><th scope="col">Errors</th><th scope="col">99th percentile</th><th scope="col">Queue</th><th scope="col">Memory</th><th scope="col">Running for</th></tr></thead>
        <tbody>
          ${machines.map(
            (one) => html`<tr key=${one.id} class=${one.isSilent ? "faded" : ""}>
              <th scope="row"><span class="machine">${one.name} ${one.isThis && html`<${Pill}>this one<//>`}${one.isSilent && html`<${Pill} tone="bad">silent<//>`}${one.open.length > 0 && html`<${Pill} tone="warn">skips ${one.open.join(", ")}<//>`}</span></th>
              <td data-label="Requests">${count(one.perSecond)}/s</td><td data-label="From caches">${one.hitRatio === null ? "–" : part(one.hitRatio)}</td><td data-label="Errors">${one.requests === 0 ? "–" : part(one.errors / one.requests)}</td><td data-label="99th percentile">${duration(one.p99)}</td><td data-label="Queue">${one.work.waiting ? duration(one.work.waitingCost) : "empty"}</td><td data-label="Memory">${bytes(one.memory)}</td><td data-label="Running for">${span(one.uptime)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;

/** @param {{ server: any, title: string }} props */
function Server({ server, title }) {
  const { work, memory, traffic } = server;
  const shown = Math.min(work.places, 32);
  return html`<section class="card" aria-labelledby="server-title">
    <h2 id="server-title">${title} <span class="soft">Mediatap ${server.version}, Node ${server.node.slice(1)}</span></h2>
    <dl class="figures small-figures">
      <div class="figure">
        <dt>Running</dt>
        <dd>
          <span class="places" aria-hidden="true">${Array.from({ length: shown }, (_, at) => html`<i class=${`place ${at < (work.running * shown) / work.places ? "busy" : ""}`}></i>`)}</span>
          <span>${work.running} of ${work.places} at once</span>
        </dd>
      </div>
      <${Figure} title="Queue" value=${duration(work.waitingCost)} note=${work.waiting ? `of one core, ${count(work.waiting)} waiting` : "nothing waits"} />
      <${Figure} title="Memory" value=${bytes(memory.rss)} note=${`${bytes(memory.heapUsed)} JavaScript, ${bytes(work.memory)} for renders`} />
      <${Figure} title="Connections" value=${count(traffic.connections)} note=${`${count(traffic.requests)} in progress`} />
      <${Figure} title="Workers" value=${count(server.workers)} note=${`${server.plugins} plugins`} />
      <${Figure} title="Running for" value=${span(server.uptime)} note=${`configuration ${server.configuration}`} />
    </dl>
  </section>`;
}

const BREAKERS = /** @type {const} */ ({
  closed: ["good", "available"],
  "half-open": ["warn", "being probed"],
  open: ["bad", "skipped"],
});

/** @param {{ origins: any[] }} props */
const OriginList = ({ origins }) =>
  html`<section class="card" aria-labelledby="origins-title">
    <h2 id="origins-title">Origins</h2>
    <ul class="rows">
      ${origins.map(({ name, type, breaker, asked, failed }) => {
        const [tone, words] = BREAKERS[/** @type {keyof typeof BREAKERS} */ (breaker)];
        return html`<li class="origin" key=${name}>
          <b>${name}</b>
          <span class="soft">${type}</span>
          <span class="soft end">${asked === 0 ? "not requested yet" : `requested ${count(asked)}×`}</span>
          ${failed > 0 && html`<span class="bad">failed ${count(failed)}×</span>`}
          <${Pill} tone=${tone}>${words}<//>
        </li>`;
      })}
    </ul>
  </section>`;
