import { axisTop, bytes, count, duration, part, span } from "./words.js";

const EACH = 2000;
const WIDTH = 1000;
const HEIGHT = 200;

const $ = (id) => document.getElementById(id);

function element(tag, props = {}, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
}

function write(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

const STATES = { closed: "available", "half-open": "being probed", open: "skipped" };

function show(data) {
  write("rate", `${count(data.perSecond)}/s`);
  write("rate-note", `${bytes(data.bytesPerSecond)}/s, ${count(data.total)} in all`);
  write("failed", data.errorRatio === null ? "–" : part(data.errorRatio));
  write("failed-note", data.errors ? `${count(data.errors)} in the last minute` : "none in the last minute");
  $("failed-figure").className = data.errors ? "failing" : "";
  write("ratio", data.hitRatio === null ? "–" : part(data.hitRatio));
  write("p50", duration(data.p50));
  write("p99", duration(data.p99));
  write("waiting", count(data.work.waiting));
  write(
    "waiting-note",
    data.work.waiting ? `${duration(data.work.waitingCost)} of one core` : "nothing waits",
  );
  write("memory", bytes(data.memory.rss));
  write("memory-note", `${bytes(data.memory.heapUsed)} JavaScript, ${bytes(data.memory.external)} buffers`);
  write("uptime", span(data.uptime));
  const workers = data.workers > 1 ? `${data.workers} workers, ` : "";
  write("version", `${workers}Mediatap ${data.version}, Node ${data.node.slice(1)}`);
  places(data.work);
  chart(data.series, data.slot / 1000);
  $("origins").replaceChildren(...data.origins.map(origin));
  const failures = data.failures.length ? data.failures.map(failure) : [nothing("None since the start.")];
  $("failures").replaceChildren(...failures);
}

const nothing = (text) => element("li", { className: "soft", textContent: text });

function places({ places, running }) {
  const shown = Math.min(places, 24);
  const marks = Array.from({ length: shown }, (_, at) =>
    element("i", { className: at < (running * shown) / places ? "place busy" : "place" }),
  );
  $("places").replaceChildren(...marks);
  write("work-note", `${running} of ${places} at once`);
}

function origin({ name, type, breaker, asked, failed }) {
  const calls = asked === 0 ? "not requested yet" : `requested ${count(asked)}×`;
  return element(
    "li",
    { className: breaker === "closed" ? "" : "failing" },
    element("b", { textContent: name }),
    element("span", { className: "soft", textContent: type }),
    element("span", { className: "soft end", textContent: calls }),
    ...(failed ? [element("span", { className: "bad", textContent: `failed ${count(failed)}×` })] : []),
    element("span", { className: `pill ${breaker}`, textContent: STATES[breaker] ?? breaker }),
  );
}

function failure({ time, times, code, message, status, origin, url }) {
  const at = new Date(time);
  return element(
    "li",
    {},
    element("time", { dateTime: at.toISOString(), textContent: at.toLocaleTimeString() }),
    element("b", { className: "bad", textContent: status ? `${status} ${code}` : code }),
    element("span", { textContent: origin ? `${message} (${origin})` : message }),
    ...(times > 1 ? [element("span", { className: "soft end", textContent: `${count(times)}×` })] : []),
    element("code", { textContent: times > 1 ? `last: ${url}` : url }),
  );
}

/** Hits below, what was made above them; the line is all of it. */
function chart(series, seconds) {
  const top = axisTop(Math.max(...series.map(({ requests }) => requests)) / seconds);
  const most = top * seconds;
  const x = (at) => ((at / (series.length - 1)) * WIDTH).toFixed(1);
  const y = (value) => (HEIGHT - (value / most) * HEIGHT).toFixed(1);
  const points = (read) => series.map((slot, at) => `${x(at)} ${y(read(slot))}`).join("L");
  const area = (read) => `M0 ${HEIGHT}L${points(read)}L${WIDTH} ${HEIGHT}Z`;
  $("all").setAttribute(
    "d",
    area(({ requests }) => requests),
  );
  $("hit").setAttribute(
    "d",
    area(({ hits }) => hits),
  );
  $("line").setAttribute("d", `M${points(({ requests }) => requests)}`);
  $("error").setAttribute(
    "d",
    area(({ errors }) => errors),
  );
  write("axis-top", `${count(top)}/s`);
  write("axis-middle", count(top / 2));
}

function live(on, text) {
  $("live").className = `live ${on ? "on" : "off"}`;
  document.querySelector("main").classList.toggle("stale", !on);
  write("live-text", text);
}

async function poll() {
  if (!document.hidden) {
    try {
      const answer = await fetch("/-/status/data", { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error(`${answer.status}`);
      show(await answer.json());
      live(true, "Live");
    } catch (error) {
      live(
        false,
        /^\d+$/.test(error.message)
          ? `The server responded with ${error.message}`
          : "The server does not respond",
      );
    }
  }
  setTimeout(poll, EACH);
}

poll();
