import { useState } from "preact/hooks";
import { html } from "./ui.js";
import { bytes, formatOf, part } from "./words.js";

/**
 * @typedef {{ src: string, width: number, height: number }} Picture
 * @typedef {{ status: number, headers: [string, string][], type: string, bytes: number, milliseconds: number, text: string, picture?: Picture }} Answer
 * @typedef {{ picture?: Picture | undefined, isPreview?: boolean, bytes?: number | undefined, width?: number, height?: number, format?: string, error?: Error }} Original
 */

/**
 * Whether a result has the shape of the original, but for the pixels that rounding takes.
 * @param {Picture} before
 * @param {Picture} after
 */
function isSameShape({ width, height }, { width: w, height: h }) {
  return Math.abs(h - (w * height) / width) <= 1 || Math.abs(w - (h * width) / height) <= 1;
}

/**
 * Original and result.
 * @param {{ answer?: Answer, original?: Original, isBusy: boolean, explanation: import("./journey.js").Seen, onRequest: () => void }} props
 */
export function Stage({ answer, original, isBusy, explanation, onRequest }) {
  const [view, setView] = useState("slider");
  if (!answer && isBusy) {
    return html`<section class="card stage" aria-label="Result"><div class="nothing"><p>Requesting it …</p></div></section>`;
  }
  if (!answer) {
    return html`<section class="card stage" aria-label="Result">
      <div class="nothing">
        <p>Videos are not requested by themselves: to encode one takes a while.</p>
        <button type="button" class="main" disabled=${isBusy} onClick=${onRequest}>${isBusy ? "Requesting …" : "Request it"}</button>
      </div>
    </section>`;
  }
  const { picture } = answer;
  if (!picture) {
    return answer.text
      ? html`<section class="card stage" aria-label="Result"><pre class="text" tabindex="0">${answer.text}</pre></section>`
      : html`<section class="card stage" aria-label="Result"><div class="nothing"><p>${formatOf(answer.type)}, ${bytes(answer.bytes)}: not a picture that browsers show.</p></div></section>`;
  }
  const before = original?.picture;
  const canSlide = before !== undefined && isSameShape(before, picture);
  const isSlider = canSlide && view === "slider";
  const saved = original?.bytes ? 1 - answer.bytes / original.bytes : undefined;
  return html`<section class="card stage" aria-label="Original and result">
    <div class="stage-head">
      <div class="pane-facts">
        <b>Original</b>
        <span>${factsOfOriginal(original, explanation, isBusy)}</span>
      </div>
      ${
        canSlide &&
        html`<div class="segments" role="group" aria-label="View">
          <button type="button" aria-pressed=${String(isSlider)} onClick=${() => setView("slider")}>Slider</button>
          <button type="button" aria-pressed=${String(!isSlider)} onClick=${() => setView("sides")}>Side by side</button>
        </div>`
      }
      <div class="pane-facts end">
        <b>Result</b>
        <span>${formatOf(answer.type)} · ${picture.width} × ${picture.height} · ${bytes(answer.bytes)}</span>
      </div>
    </div>
    ${isSlider ? html`<${Slider} before=${before} after=${picture} />` : html`<${Sides} before=${before} after=${picture} note=${noteOf(original, isBusy, explanation)} />`}
    ${
      saved !== undefined &&
      html`<div class="saving">
        <div class="meter" aria-hidden="true"><i style=${{ width: `${Math.min(100, Math.max(0.5, (1 - saved) * 100))}%` }}></i></div>
        <p><strong>${saved >= 0 ? `${part(saved)} saved` : `${part(-saved)} larger`}</strong> <span class="soft">${bytes(original?.bytes)} → ${bytes(answer.bytes)}${original?.isPreview ? ", original shown as a preview" : ""}</span></p>
      </div>`
    }
  </section>`;
}

/** @param {Original | undefined} original @param {import("./journey.js").Seen} explanation @param {boolean} isBusy */
function factsOfOriginal(original, explanation, isBusy) {
  const { header } = explanation.metadata;
  if (typeof header !== "object") return isBusy ? "…" : bytes(explanation.source?.size);
  return `${formatOf(header.format)} · ${header.width} × ${header.height} · ${bytes(explanation.source?.size ?? original?.bytes)}`;
}

/** @param {Original | undefined} original @param {boolean} isBusy @param {import("./journey.js").Seen} explanation */
function noteOf(original, isBusy, explanation) {
  if (original?.error) return original.error.message;
  if (!explanation.source) return "No original";
  return isBusy ? "Loading the original …" : "The original cannot be shown.";
}

/** @param {{ before: Picture, after: Picture }} props */
function Slider({ before, after }) {
  const [cut, setCut] = useState(50);
  return html`<div class="frame slider" style=${{ "--cut": `${cut}%`, "--ratio": `${after.width} / ${after.height}` }}>
    <img src=${after.src} alt="The result" />
    <img class="before" src=${before.src} alt="The original" />
    <span class="handle" aria-hidden="true"></span>
    <span class="tag left" aria-hidden="true">Original</span>
    <span class="tag right" aria-hidden="true">Result</span>
    <input
      type="range"
      min="0"
      max="100"
      step="0.5"
      value=${cut}
      aria-label="How much of the original is shown"
      aria-valuetext=${`${Math.round(cut)} % original`}
      onInput=${(/** @type {any} */ event) => setCut(Number(event.target.value))}
    />
  </div>`;
}

/** @param {{ before?: Picture | undefined, after: Picture, note: string }} props */
const Sides = ({ before, after, note }) =>
  html`<div class="sides">
    <div class="frame">${before ? html`<img src=${before.src} alt="The original" />` : html`<p class="soft">${note}</p>`}</div>
    <div class="frame"><img src=${after.src} alt="The result" /></div>
  </div>`;
