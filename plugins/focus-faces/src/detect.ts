import type { FaceBox, RawFrame } from "@mediatap/core";
import type { Network } from "./network.ts";
import { INPUT, sampleView, tilesOf, type View, viewsOf } from "./views.ts";

// Numbers of MediaPipe's full-range model: one answer for each cell of a grid, whose box is told from the cell's middle.

/** Cells along a side. */
const GRID = 48;
/** Values of an answer: middle, size, and six points of the face that are not needed here. */
const VALUES = 16;

/** Boxes of which this much lies in each other are one face. */
const SAME = 0.4;

/** How much of the doubt that is left a closer look takes away. */
const STRICTER = 0.25;

/** A face smaller than this, as a fraction of the longer side, may not be alone: there may be others too small to be seen. */
const SMALL = 0.08;

/**
 * How a head exceeds what the model calls a face, which ends at brows, ears and chin: fractions of its size to the sides, above
 * and below.
 */
const HEAD = { aside: 0.1, above: 0.35, below: 0.1 };

interface Candidate {
  readonly score: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The heads in a picture with three channels, largest first. `confidence`: what the model must at least be sure of, 0–1. Looks
 * at the whole picture first, and closer where there may be small ones: five looks at most.
 */
export function detect(frame: RawFrame, network: Network, confidence: number): readonly FaceBox[] {
  const look = (views: readonly View[], sure: number) =>
    views.flatMap((view) => lookAt(frame, view, network, sure));
  const views = viewsOf(frame);
  let found = distinct(look(views, confidence));
  const side = Math.max(frame.width, frame.height);
  if (views.length === 1 && !found.some(({ width }) => width >= SMALL * side)) {
    // A closer look sees faces in more things that are none.
    found = distinct([...found, ...look(tilesOf(frame), confidence + (1 - confidence) * STRICTER)]);
  }
  return found
    .map((face) => headOf(face, frame))
    .filter(({ width, height }) => width > 0 && height > 0)
    .sort((a, b) => b.width * b.height - a.width * a.height);
}

/** What the network finds in a view, in pixels of the frame. */
function lookAt(frame: RawFrame, view: View, network: Network, confidence: number): Candidate[] {
  const outputs = network(sampleView(frame, view));
  const scores = outputs.find(({ length }) => length === GRID * GRID) as Float32Array;
  const boxes = outputs.find(({ length }) => length === GRID * GRID * VALUES) as Float32Array;
  const found: Candidate[] = [];
  const scale = view.side / INPUT;
  for (let cell = 0; cell < GRID * GRID; cell++) {
    const score = 1 / (1 + Math.exp(-(scores[cell] as number)));
    if (score < confidence) continue;
    const value = (index: number) => boxes[cell * VALUES + index] as number;
    const middle = (place: number, offset: number) => ((place + 0.5) / GRID) * view.side + offset * scale;
    found.push({
      score,
      x: view.left + middle(cell % GRID, value(0)),
      y: view.top + middle(Math.floor(cell / GRID), value(1)),
      width: value(2) * scale,
      height: value(3) * scale,
    });
  }
  return found;
}

/** Of those that mean the same face, the one that is surest. */
function distinct(candidates: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = [];
  for (const candidate of [...candidates].sort((a, b) => b.score - a.score)) {
    if (kept.every((other) => overlap(candidate, other) < SAME)) kept.push(candidate);
  }
  return kept;
}

/** The part of the smaller box that lies in the other. */
function overlap(a: Candidate, b: Candidate): number {
  const along = (x: number, width: number, y: number, other: number) =>
    Math.max(0, Math.min(x + width / 2, y + other / 2) - Math.max(x - width / 2, y - other / 2));
  const shared = along(a.x, a.width, b.x, b.width) * along(a.y, a.height, b.y, b.height);
  return shared / Math.min(a.width * a.height, b.width * b.height);
}

function headOf({ x, y, width, height }: Candidate, frame: RawFrame): FaceBox {
  const within = (value: number) => Math.round(Math.min(1, Math.max(0, value)) * 1e4) / 1e4;
  const left = within((x - width * (0.5 + HEAD.aside)) / frame.width);
  const right = within((x + width * (0.5 + HEAD.aside)) / frame.width);
  const top = within((y - height * (0.5 + HEAD.above)) / frame.height);
  const bottom = within((y + height * (0.5 + HEAD.below)) / frame.height);
  return { left, top, width: right - left, height: bottom - top };
}
