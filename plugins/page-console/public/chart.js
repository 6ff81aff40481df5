import { useEffect, useRef } from "preact/hooks";
import { html } from "./ui.js";
import { count } from "./words.js";

const HEIGHT = 230;
const dark = matchMedia("(prefers-color-scheme: dark)");

/** uPlot is no module: it is loaded with the first chart. */
let library = /** @type {Promise<any> | undefined} */ (undefined);

function loadLibrary() {
  library ??= new Promise((resolve, reject) => {
    const style = Object.assign(document.createElement("link"), {
      rel: "stylesheet",
      href: "/-/console/lib/uPlot.min.css",
    });
    const script = Object.assign(document.createElement("script"), {
      src: "/-/console/lib/uPlot.iife.min.js",
    });
    script.onload = () => resolve(/** @type {any} */ (globalThis).uPlot);
    script.onerror = () => reject(new Error("The chart could not be loaded"));
    document.head.append(style, script);
  });
  return library;
}

/** A colour of the style sheet as a canvas needs it. */
function colour(/** @type {string} */ name) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/**
 * Seconds since 1970, and requests each second: all, from caches, failed.
 * @param {any} now
 */
function columnsOf({ series, slot, end }) {
  const seconds = slot / 1000;
  const times = series.map(
    (/** @type {unknown} */ _, /** @type {number} */ at) => end / 1000 - (series.length - at) * seconds,
  );
  const rates = [0, 1, 2].map((column) =>
    series.map((/** @type {number[]} */ one) => /** @type {number} */ (one[column]) / seconds),
  );
  const [all, hits, errors] = rates;
  // No line along the bottom where nothing failed.
  return [times, all, hits, errors.map((/** @type {number} */ rate) => rate || null)];
}

/** @param {any} UPlot @param {HTMLElement} place @param {any[]} columns */
function draw(UPlot, place, columns) {
  const [key, all, bad, soft, line] = ["key", "all", "bad", "soft", "line"].map(colour);
  const axis = {
    stroke: soft,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  return new UPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      padding: [14, 30, 0, 0],
      legend: { show: false },
      cursor: { points: { size: 6 }, drag: { x: false, y: false } },
      scales: {
        y: {
          range: (/** @type {unknown} */ _, /** @type {number} */ _min, /** @type {number} */ max) => [
            0,
            Math.max(1, max * 1.08),
          ],
        },
      },
      series: [
        {},
        { stroke: soft, width: 1.5, fill: all, points: { show: false } },
        { stroke: key, width: 1.5, fill: key, points: { show: false } },
        { stroke: bad, width: 1.5, fill: bad, points: { show: false } },
      ],
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 30,
          space: 70,
          values: (/** @type {unknown} */ _, /** @type {number[]} */ times) =>
            times.map((time) =>
              new Date(time * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }),
            ),
        },
        {
          ...axis,
          size: 52,
          space: 46,
          values: (/** @type {unknown} */ _, /** @type {number[]} */ rates) => rates.map(count),
        },
      ],
    },
    columns,
    place,
  );
}

/**
 * Requests each second in the last ten minutes.
 * @param {{ now: any }} props
 */
export function Chart({ now }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {any} */ (null));
  const latest = useRef(now);
  latest.current = now;

  useEffect(() => {
    let isOver = false;
    const make = async () => {
      const UPlot = await loadLibrary();
      if (isOver || !place.current) return;
      plot.current?.destroy();
      plot.current = draw(UPlot, place.current, columnsOf(latest.current));
    };
    const size = new ResizeObserver(() => {
      if (plot.current && place.current)
        plot.current.setSize({ width: place.current.clientWidth, height: HEIGHT });
    });
    make().catch(() => {});
    if (place.current) size.observe(place.current);
    dark.addEventListener("change", make);
    return () => {
      isOver = true;
      size.disconnect();
      dark.removeEventListener("change", make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);

  useEffect(() => plot.current?.setData(columnsOf(now)), [now]);

  const most =
    Math.max(...now.series.map((/** @type {number[]} */ [requests]) => requests)) / (now.slot / 1000);
  return html`<figure class="chart">
    <div ref=${place} class="plot" role="img" aria-label=${`Requests per second in the last ten minutes, at most ${count(most)}`}></div>
    <figcaption>
      <ul class="legend">
        <li><i class="swatch of-hits"></i>from caches</li>
        <li><i class="swatch of-rest"></i>rendered, fetched or refused</li>
        <li><i class="swatch of-errors"></i>failed</li>
      </ul>
      <span class="soft">requests per second</span>
    </figcaption>
  </figure>`;
}
