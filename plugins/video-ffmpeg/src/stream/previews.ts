import type { Size } from "@mediatap/core";
import { partName, slot } from "@mediatap/core/stream";
import { clock } from "./webvtt.ts";

/** Pixels of a small picture's longer side. */
const SIDE = 160;
/** Pictures of a row, and of a column, of a sheet. */
export const COLUMNS = 10;
export const ROWS = 10;
/** Pictures of a whole video, about; and seconds between two of them, at least. */
const COUNT = 120;
const SHORTEST = 1;

/** Small pictures to seek by. */
export interface Previews {
  readonly width: number;
  readonly height: number;
  /** Seconds from one to the next, whole ones. */
  readonly interval: number;
  readonly count: number;
}

/** Lays out the small pictures of a video of this size that lasts `duration` seconds. */
export function previewsOf({ width, height }: Size, duration: number): Previews {
  const scale = Math.min(1, SIDE / Math.max(width, height));
  const even = (length: number) => Math.max(2, 2 * Math.round((length * scale) / 2));
  const interval = Math.max(SHORTEST, Math.ceil(duration / COUNT));
  return {
    width: even(width),
    height: even(height),
    interval,
    count: Math.max(1, Math.ceil(duration / interval)),
  };
}

export const sheetsOf = ({ count }: Previews) => Math.ceil(count / (COLUMNS * ROWS));

/** Small pictures on one sheet. */
export const countOn = ({ count }: Previews, sheet: number) =>
  Math.min(COLUMNS * ROWS, count - sheet * COLUMNS * ROWS);

/** Which part of which sheet shows which time: WebVTT, with the fragments of Media Fragments URI. */
export function previewTrack(previews: Previews, duration: number): string {
  const { width, height, interval, count } = previews;
  const cues = Array.from({ length: count }, (_, index) => {
    const place = index % (COLUMNS * ROWS);
    const sheet = slot(partName({ kind: "sheet", index: Math.floor(index / (COLUMNS * ROWS)) }));
    const [x, y] = [(place % COLUMNS) * width, Math.floor(place / COLUMNS) * height];
    const end = Math.min(duration, (index + 1) * interval);
    return `${clock(index * interval)} --> ${clock(end)}\n${sheet}#xywh=${x},${y},${width},${height}\n`;
  });
  return `WEBVTT\n\n${cues.join("\n")}`;
}
