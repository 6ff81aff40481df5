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
 * A line of a chart: its colours by name, and what it means.
 * @typedef {{ name: string, tone: string, stroke: string, fill?: string }} Line
 */

/** Lines of requests. */
export const ALL = { name: "rendered, fetched or refused", tone: "of-rest", stroke: "soft", fill: "all" };
export const HITS = { name: "from caches", tone: "of-hits", stroke: "key", fill: "key" };
export const ERRORS = { name: "failed", tone: "of-errors", stroke: "bad", fill: "bad" };

/** @param {number} time seconds since 1970 */
export const clock = (time) =>
  new Date(time * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/**
 * Columns: seconds since 1970, then the values of each line; `null`: none.
 * @typedef {{ columns: readonly (readonly (number | null)[])[], lines: readonly Line[], label: string, unit: string,
 *   textOf?: (value: number) => string, timeOf?: (time: number) => string, most?: number }} ChartProps
 */

/**
 * The values without a neighbour: no line leads through them.
 * @param {{ data: readonly (readonly (number | null)[])[] }} plot @param {number} at
 */
function lonely({ data }, at) {
  const values = data[at] ?? [];
  const isThere = (/** @type {number} */ index) => typeof values[index] === "number";
  return [...values.keys()].filter((index) => isThere(index) && !isThere(index - 1) && !isThere(index + 1));
}

/** @param {any} UPlot @param {HTMLElement} place @param {ChartProps} props */
function draw(UPlot, place, { columns, lines, textOf = count, timeOf = clock, most }) {
  const [soft, line] = ["soft", "line"].map(colour);
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
            most ?? Math.max(1, max * 1.08),
          ],
        },
      },
      series: [
        {},
        ...lines.map(({ stroke, fill }) => ({
          stroke: colour(stroke),
          width: 1.5,
          ...(fill && { fill: colour(fill) }),
          points: { show: true, size: 5, filter: lonely },
        })),
      ],
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 30,
          space: 70,
          values: (/** @type {unknown} */ _, /** @type {number[]} */ times) => times.map(timeOf),
        },
        {
          ...axis,
          size: 52,
          space: 46,
          values: (/** @type {unknown} */ _, /** @type {number[]} */ values) => values.map(textOf),
        },
      ],
    },
    columns,
    place,
  );
}

/** @param {ChartProps} props */
export function Chart(props) {
  const { columns, lines, label, unit } = props;
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {any} */ (null));
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    let isOver = false;
    const make = async () => {
      const UPlot = await loadLibrary();
      if (isOver || !place.current) return;
      plot.current?.destroy();
      plot.current = draw(UPlot, place.current, latest.current);
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

  useEffect(() => plot.current?.setData(columns), [columns]);

  return html`<figure class="chart">
    <div ref=${place} class="plot" role="img" aria-label=${label}></div>
    <figcaption>
      <ul class="legend">${lines.map(({ name, tone }) => html`<li key=${name}><i class=${`swatch ${tone}`}></i>${name}</li>`)}</ul>
      <span class="soft">${unit}</span>
    </figcaption>
  </figure>`;
}
