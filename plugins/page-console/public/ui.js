import htm from "htm";
import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export const html = htm.bind(h);

/** Line drawings on a square of 24. */
export const ICONS = {
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  dot: "M8 12h8",
  warn: "M12 7v6M12 16.5h.01",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L20 20",
  pulse: "M3 12h4l3-7 4 14 3-7h4",
  alert: "M12 4l9 16H3zM12 10v4M12 17h.01",
  broom: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  bars: "M5 20V10M12 20V4M19 20v-7",
  layers: "M12 4l9 5-9 5-9-5zM3 14l9 5 9-5",
  flame:
    "M12 3c1 4 6 6 6 11a6 6 0 0 1-12 0c0-2 1-4 2.500-5 .5 2 1.500 2.500 2 2.500C10.500 8.500 10.500 6 12 3z",
  film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9.700h4M4 14.300h4M16 9.700h4M16 14.300h4",
  upload: "M12 15V4M7 9l5-5 5 5M4 15v5h16v-5",
  folder: "M3 6.5h6l2 2.5h10v10.5H3z",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  bucket: "M5 6l1.5 14h11L19 6M5 6c0-1.7 3.1-3 7-3s7 1.3 7 3-3.100 3-7 3-7-1.300-7-3z",
  link: "M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1",
  history: "M4 5v5h5M4.500 10a8 8 0 1 1-.4 4M12 8v4l3 2",
  key: "M8 19a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM11 12l8-8M15 8l3 3",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  up: "M6 15l6-6 6 6",
  down: "M6 9l6 6 6-6",
  sliders: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
  menu: "M4 7h16M4 12h16M4 17h16",
  sign: "M4 20l4-1L19 8l-3-3L5 16zM14 7l3 3",
};

/** @param {{ name: keyof typeof ICONS }} props */
export const Icon = ({ name }) =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${ICONS[name]} /></svg>`;

/**
 * A button that copies a text.
 * @param {{ text: string, label?: string, children?: unknown }} props
 */
export function Copy({ text, label, children = "Copy" }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without TLS browsers keep the clipboard to themselves.
      const area = Object.assign(document.createElement("textarea"), { value: text, className: "unseen" });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    setCopied(true);
  };
  return html`<button type="button" class="quiet" aria-label=${label} onClick=${copy}>
    ${isCopied ? "Copied" : children}
  </button>`;
}

/** @param {{ tone?: string, children: unknown }} props */
export const Pill = ({ tone = "", children }) => html`<span class=${`pill ${tone}`}>${children}</span>`;

/** @param {{ title: string, children?: unknown }} props */
export const Empty = ({ title, children }) =>
  html`<div class="empty"><h2>${title}</h2><div>${children}</div></div>`;

/** @param {{ error: Error, onRetry?: () => void }} props */
export const Problem = ({ error, onRetry }) =>
  html`<div class="problem" role="alert">
    <${Icon} name="alert" />
    <div>
      <strong>${/** @type {any} */ (error).status ? `This did not work (${/** @type {any} */ (error).status})` : "No response"}</strong>
      <p>${error.message}</p>
    </div>
    ${onRetry && html`<button type="button" class="main" onClick=${onRetry}>Try again</button>`}
  </div>`;

/**
 * A choice of one, as buttons.
 * @param {{ label: string, options: readonly (readonly [string, unknown])[], value: string, onChange: (value: string) => void }} props
 */
export const Segments = ({ label, options, value, onChange }) =>
  html`<div class="segments" role="group" aria-label=${label}>
    ${options.map(
      ([name, text]) =>
        html`<button type="button" key=${name} aria-pressed=${String(name === value)} onClick=${() => onChange(name)}>
          ${text}
        </button>`,
    )}
  </div>`;

/**
 * The heading of a page, which gets the focus when the page is opened by a link.
 * @param {{ title: string, children?: unknown }} props
 */
export function Heading({ title, children }) {
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  useEffect(() => {
    document.title = `${title} · Mediatap`;
    if (hasMoved) heading.current?.focus({ preventScroll: true });
    hasMoved = true;
  }, []);
  return html`<div class="heading"><h1 tabindex="-1" ref=${heading}>${title}</h1>${children}</div>`;
}
let hasMoved = false;

/**
 * What a call returns: loads at once, and again every `interval` milliseconds while the page is visible.
 * @template T
 * @param {() => Promise<T>} load
 * @param {{ interval?: number }} [options]
 */
export function useLoaded(load, { interval } = {}) {
  const [state, setState] = useState(/** @type {{ data?: T, error?: Error }} */ ({}));
  const again = useRef(() => {});
  useEffect(() => {
    let isOver = false;
    const run = async () => {
      try {
        const data = await load();
        if (!isOver) setState({ data });
      } catch (error) {
        if (!isOver)
          setState(({ data }) => ({ .../** @type {any} */ (data === undefined ? {} : { data }), error }));
      }
    };
    again.current = run;
    run();
    const timer = interval && setInterval(() => document.hidden || run(), interval);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, []);
  return { ...state, reload: () => again.current() };
}
