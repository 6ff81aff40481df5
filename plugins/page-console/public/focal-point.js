import { useEffect, useRef, useState } from "preact/hooks";
import { call, send, session } from "./api.js";
import { html, Pill } from "./ui.js";

/** Shapes of crops that show what a focal point does: width / height. */
const SHAPES = /** @type {const} */ ([
  ["Square", 1],
  ["Wide", 16 / 9],
  ["Tall", 9 / 16],
]);

const CENTRE = { x: 0.5, y: 0.5 };

/** @typedef {{ x: number, y: number }} Point */

/** @param {number} value */
const within = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;

/** @param {string} url */
const pathOf = (url) => `/api/v1/focal-points?${new URLSearchParams({ url })}`;

/**
 * An image and its focal point, which is set by a click, or by two sliders.
 * @param {{ url: string, src: string, name: string }} props
 */
export function FocalPoint({ url, src, name }) {
  const [saved, setSaved] = useState(/** @type {Partial<Point> | undefined} */ (undefined));
  const [point, setPoint] = useState(/** @type {Point} */ (CENTRE));
  const [ratio, setRatio] = useState(0);
  const [problem, setProblem] = useState("");
  const [state, setState] = useState("");
  const image = useRef(/** @type {HTMLImageElement | null} */ (null));
  const isDragged = useRef(false);

  useEffect(() => {
    let isOver = false;
    call(pathOf(url)).then(
      (found) => {
        if (isOver) return;
        setSaved(found);
        if (found.x !== undefined) setPoint(found);
      },
      (error) => {
        if (!isOver) setProblem(textOf(error));
      },
    );
    return () => {
      isOver = true;
    };
  }, []);

  const move = (/** @type {PointerEvent} */ event) => {
    const box = image.current?.getBoundingClientRect();
    if (!saved || !box) return;
    change({
      x: within((event.clientX - box.left) / box.width),
      y: within((event.clientY - box.top) / box.height),
    });
  };
  const change = (/** @type {Partial<Point>} */ next) => {
    setPoint((before) => ({ ...before, ...next }));
    setState("");
  };
  const onPointerDown = (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    isDragged.current = true;
    /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
    move(event);
  };
  const save = async (/** @type {Point | undefined} */ next) => {
    setState("busy");
    try {
      if (next) await call("/api/v1/focal-points", { method: "PUT", body: { url, ...next } });
      else await send(pathOf(url), { method: "DELETE" });
      setSaved(next ?? {});
      if (!next) setPoint(CENTRE);
      setProblem("");
      setState(next ? "set" : "removed");
    } catch (error) {
      setState("");
      setProblem(textOf(error));
    }
  };

  const isSet = saved?.x !== undefined;
  const isChanged = saved?.x !== point.x || saved?.y !== point.y;
  const canSet = saved !== undefined && session.value?.isSignedIn;
  const isShown = isSet || isChanged;
  return html`<div class="focal">
    <div class="frame preview">
      <div
        class=${`focal-picture ${canSet ? "settable" : ""}`}
        onPointerDown=${canSet ? onPointerDown : undefined}
        onPointerMove=${(/** @type {PointerEvent} */ event) => isDragged.current && move(event)}
        onPointerUp=${() => {
          isDragged.current = false;
        }}
        onPointerCancel=${() => {
          isDragged.current = false;
        }}
      >
        <img
          ref=${image}
          src=${src}
          alt=${name}
          draggable=${false}
          onLoad=${() => setRatio((image.current?.naturalWidth ?? 0) / (image.current?.naturalHeight ?? 1))}
        />
        ${canSet && isShown && html`<span class="marker" style=${{ left: `${point.x * 100}%`, top: `${point.y * 100}%` }}></span>`}
      </div>
    </div>
    ${
      canSet &&
      html`<fieldset class="focal-form">
        <legend>Focal point <span class="soft small">${isSet ? "is set" : "is not set: crops use the centre"}</span></legend>
        <div class="focal-sliders">
          ${(
            /** @type {const} */ ([
              ["x", "From the left"],
              ["y", "From the top"],
            ])
          ).map(
            ([axis, label]) => html`<label key=${axis}>
              <span class="focal-label">${label}</span>
              <input type="range" min="0" max="100" step="1" value=${point[axis] * 100}
                aria-valuetext=${`${Math.round(point[axis] * 100)} percent`}
                onInput=${(/** @type {Event} */ event) => change({ [axis]: within(Number(/** @type {HTMLInputElement} */ (event.target).value) / 100) })} />
              <output>${Math.round(point[axis] * 100)} %</output>
            </label>`,
          )}
        </div>
        ${
          ratio > 0 &&
          html`<div class="crops" aria-hidden="true">
            ${SHAPES.map(
              ([title, shape]) => html`<figure key=${title}>
                <span class="crop" style=${{ aspectRatio: shape }}><img src=${src} alt="" style=${{ objectPosition: positionOf(point, ratio, shape) }} /></span>
                <figcaption class="soft small">${title}</figcaption>
              </figure>`,
            )}
          </div>`
        }
        <div class="focal-actions">
          <button type="button" class="main" disabled=${state === "busy" || !isChanged} onClick=${() => save(point)}>Set focal point</button>
          ${isSet && html`<button type="button" class="quiet" disabled=${state === "busy"} onClick=${() => save(undefined)}>Remove</button>`}
          <span role="status">${(state === "set" || state === "removed") && html`<${Pill} tone="good">${state}<//>`}</span>
        </div>
        <p class="soft small">URLs with <code>fo-custom</code> crop around it, on all machines at once.</p>
      </fieldset>`
    }
    ${!canSet && saved !== undefined && html`<p class="soft small">Sign in with a private key to set a focal point.</p>`}
    ${problem && html`<p class=${canSet ? "bad small" : "soft small"} role=${canSet ? "alert" : undefined}>${problem}</p>`}
  </div>`;
}

/** @param {unknown} error */
function textOf(error) {
  const { status, code, message } = /** @type {import("./api.js").CallError} */ (error);
  if (status === 501) return "Focal points can be set if a plugin keeps state, such as state-sqlite.";
  if (status === 404 && code === "ENOENT" && /call/.test(message))
    return "Focal points can be set if the plugin manage-imagekit is installed.";
  return message;
}

/**
 * Where an image of a ratio lies in a box that it covers, so that a point is as near to the box's centre as the image reaches.
 * @param {Point} point @param {number} ratio @param {number} shape
 */
function positionOf({ x, y }, ratio, shape) {
  const along = (/** @type {number} */ at, /** @type {number} */ length) =>
    length <= 1 ? 50 : (Math.min(1, Math.max(0, (at * length - 0.5) / (length - 1))) || 0) * 100;
  const isWide = ratio > shape;
  return `${along(x, isWide ? ratio / shape : 1)}% ${along(y, isWide ? 1 : shape / ratio)}%`;
}
