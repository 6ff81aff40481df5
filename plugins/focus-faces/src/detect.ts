import type { FaceBox, RawFrame } from "@mediatap/core";
import type { Network } from "./network.ts";
import { INPUT_SIDE, sampleView, tilesOf, type View, viewsOf } from "./views.ts";

// Numbers of MediaPipe's full-range model: one result for each cell of a grid, whose box is relative to the cell's middle.

/** Cells along a side. */
const CELLS_PER_SIDE = 48;
/** Values of a result: middle, size, and six points of the face that are not needed here. */
const VALUES_PER_CELL = 16;

/** Boxes that overlap by this share of the smaller one are one face. */
const MIN_OVERLAP = 0.4;

/** Share of the remaining doubt by which a tile needs more confidence. */
const TILE_CONFIDENCE_SHARE = 0.25;

/** A face smaller than this, as a fraction of the longer side, may not be alone: there may be others too small to be seen. */
const SMALL_FACE_SHARE = 0.08;

/**
 * How a head exceeds what the model calls a face, which ends at brows, ears and chin: fractions of its size to the sides, above
 * and below.
 */
const HEAD_MARGINS = { aside: 0.1, above: 0.35, below: 0.1 };

interface Candidate {
  readonly score: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The heads in a picture with three channels, largest first. `confidence`: the lowest score of a face, 0–1. Searches
 * the whole picture first, and tiles if there may be small faces: five views at most.
 */
export function detect(frame: RawFrame, network: Network, confidence: number): readonly FaceBox[] {
  const search = (views: readonly View[], minScore: number) =>
    views.flatMap((view) => candidatesIn(frame, view, network, minScore));
  const views = viewsOf(frame);
  let faces = distinct(search(views, confidence));
  const side = Math.max(frame.width, frame.height);
  if (views.length === 1 && !faces.some(({ width }) => width >= SMALL_FACE_SHARE * side)) {
    // Tiles give more false faces.
    faces = distinct([
      ...faces,
      ...search(tilesOf(frame), confidence + (1 - confidence) * TILE_CONFIDENCE_SHARE),
    ]);
  }
  return faces
    .map((face) => headOf(face, frame))
    .filter(({ width, height }) => width > 0 && height > 0)
    .sort((a, b) => b.width * b.height - a.width * a.height);
}

/** What the network finds in a view, in pixels of the frame. */
function candidatesIn(frame: RawFrame, view: View, network: Network, confidence: number): Candidate[] {
  const outputs = network(sampleView(frame, view));
  const scores = outputs.find(({ length }) => length === CELLS_PER_SIDE * CELLS_PER_SIDE) as Float32Array;
  const boxes = outputs.find(
    ({ length }) => length === CELLS_PER_SIDE * CELLS_PER_SIDE * VALUES_PER_CELL,
  ) as Float32Array;
  const faces: Candidate[] = [];
  const scale = view.side / INPUT_SIDE;
  for (let cell = 0; cell < CELLS_PER_SIDE * CELLS_PER_SIDE; cell++) {
    const score = 1 / (1 + Math.exp(-(scores[cell] as number)));
    if (score < confidence) continue;
    const value = (index: number) => boxes[cell * VALUES_PER_CELL + index] as number;
    const middle = (position: number, offset: number) =>
      ((position + 0.5) / CELLS_PER_SIDE) * view.side + offset * scale;
    faces.push({
      score,
      x: view.left + middle(cell % CELLS_PER_SIDE, value(0)),
      y: view.top + middle(Math.floor(cell / CELLS_PER_SIDE), value(1)),
      width: value(2) * scale,
      height: value(3) * scale,
    });
  }
  return faces;
}

/** The candidate with the highest score of each face. */
function distinct(candidates: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = [];
  for (const candidate of [...candidates].sort((a, b) => b.score - a.score)) {
    if (kept.every((other) => overlap(candidate, other) < MIN_OVERLAP)) kept.push(candidate);
  }
  return kept;
}

/** The share of the smaller box that lies in the other. */
function overlap(a: Candidate, b: Candidate): number {
  const along = (x: number, width: number, y: number, other: number) =>
    Math.max(0, Math.min(x + width / 2, y + other / 2) - Math.max(x - width / 2, y - other / 2));
  const shared = along(a.x, a.width, b.x, b.width) * along(a.y, a.height, b.y, b.height);
  return shared / Math.min(a.width * a.height, b.width * b.height);
}

function headOf({ x, y, width, height }: Candidate, frame: RawFrame): FaceBox {
  const within = (value: number) => Math.round(Math.min(1, Math.max(0, value)) * 1e4) / 1e4;
  const left = within((x - width * (0.5 + HEAD_MARGINS.aside)) / frame.width);
  const right = within((x + width * (0.5 + HEAD_MARGINS.aside)) / frame.width);
  const top = within((y - height * (0.5 + HEAD_MARGINS.above)) / frame.height);
  const bottom = within((y + height * (0.5 + HEAD_MARGINS.below)) / frame.height);
  return { left, top, width: right - left, height: bottom - top };
}
