import { FACES_PRICE, type Size, type Source } from "@mediatap/core";
import type { Pass } from "../operations/pass.ts";
import { firstScale } from "./decoder.ts";
import type { Draft } from "./image-plan.ts";
import type { WriteFormat } from "./format.ts";
import type { Part } from "./steps.ts";

// Peaks of a process above its idle state, measured with photographs of 25 megapixels, jemalloc, sharp 0.35 (libvips 8.18).

/** What a pipeline takes beside its pixels. */
const BASE = 8 * 1024 * 1024;

/** Lines of a picture that is read from top to bottom: of the decoder, and of what looks at neighbours. */
const LINES = 2048;

/** Bytes a pixel of decoders that hold all of the picture. */
const DECODER: Readonly<Record<string, number>> = { webp: 4.5, avif: 18, gif: 6, svg: 8, apng: 8, tiff: 4 };

/** The same of a progressive JPEG and of an interlaced PNG. */
const INTERLACED = 4;

/** Bytes a pixel of encoders, what they have written included. */
const ENCODER: Readonly<Record<WriteFormat, number>> = { jpeg: 3.5, png: 3, webp: 3.5, avif: 18, gif: 8 };

const area = ({ width, height }: Size) => width * height;

/** Estimated peak of memory in bytes. `decoded`: size in which the source is drawn or read. */
export function memoryOf(draft: Draft, decoded: Size, source: Source): number {
  const { header, frames, plan, writes, gainMap } = draft;
  const { decode } = header;
  const download = source.file === undefined || decode ? (decode?.bytes ?? source.metadata.size ?? 0) : 0;
  const decoder = decode ? decode.memory + decode.pixelMemory * area(decoded) : 0;
  const channels = header.alpha || plan.alpha ? 4 : 3;
  const largest = Math.max(area(plan.size), ...plan.taken.map(({ after }) => area(after)));
  const encoder = Math.max(...writes.map(({ format }) => ENCODER[format]));
  const copies = Math.max(
    ...plan.parts.map(copiesOf),
    plan.parts.length > 1 || writes.length > 1 || writes[0].searched ? 2 : 1,
  );
  const pixels =
    readBytes(draft, decoded, channels) + copies * channels * largest + encoder * area(plan.size);
  const faces = draft.searches.includes("faces") ? FACES_PRICE.memory : 0;
  return Math.round(BASE + download + decoder + faces + frames * pixels * (gainMap ? 2 : 1));
}

/** Bytes of the decoder, and of the copy that turns what it gives upright. */
function readBytes({ header, frames, plan, shrink }: Draft, size: Size, channels: number): number {
  const scaled = firstScale(plan.parts);
  const { format, orientation } = header;
  const read = { width: size.width / shrink, height: size.height / shrink };
  // A decoder that scales to any size.
  const held = format === "webp" && scaled ? Math.min(area(size), 2 * area(scaled)) : area(read);
  const upright = orientation > 1 ? channels * area(read) : 0;
  const whole = header.interlaced ? INTERLACED * area(size) : (DECODER[format] ?? 0) * held;
  const band = channels * read.width * Math.min(read.height, LINES);
  return upright + (frames > 1 ? Math.max(whole, channels * area(size)) : whole || band);
}

/** What needs all of the picture at once. */
const WHOLE: readonly (keyof Pass)[] = ["trim", "turn", "rotate", "smart", "blur", "normalise"];

/** Copies of the largest picture that a part holds, the result included. */
function copiesOf(part: Part): number {
  if (part.kind !== "pass" || part.pass.over) return 3;
  return WHOLE.some((slot) => part.pass[slot] !== undefined) ? 2 : 1;
}
