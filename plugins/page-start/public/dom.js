export const $ = (id) => document.getElementById(id);

export function element(tag, props = {}, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** A line drawing on a square of 24, from the data of a path. */
export function icon(d) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", d);
  svg.append(path);
  return svg;
}

export function size(bytes) {
  if (!Number.isFinite(bytes)) return "–";
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 999_500 ? `${(bytes / 1000).toPrecision(3)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

export const duration = (ms) =>
  ms < 9.95 ? `${ms.toFixed(1)} ms` : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;

const FORMATS = {
  jpg: "JPEG",
  webp: "WebP",
  "svg+xml": "SVG",
  "vnd.apple.mpegurl": "HLS",
  "dash+xml": "DASH",
  webm: "WebM",
  quicktime: "QuickTime",
  "x-matroska": "Matroska",
  plain: "text",
  vtt: "WebVTT",
  "octet-stream": "unknown",
};

export function formatOf(type) {
  const sub = (type ?? "").split(";")[0].split("/")[1] ?? "";
  return FORMATS[sub] ?? (sub.toUpperCase() || "unknown");
}

export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS browsers keep the clipboard to themselves.
    const area = element("textarea", { value: text, className: "unseen" });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const { textContent } = button;
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = textContent === "Copied" ? "Copy" : textContent;
  }, 1200);
}

/** A button that copies what `text` returns; `label` for those who do not see what it stands beside. */
export function copyButton(text, label) {
  const button = element("button", { type: "button", className: "quiet", textContent: "Copy" });
  if (label) button.ariaLabel = label;
  button.onclick = () => copy(text(), button);
  return button;
}
