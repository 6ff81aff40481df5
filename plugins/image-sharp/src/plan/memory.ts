import { FACES_PRICE, type Size, type Source } from "@mediatap/core";
import type { Pass } from "../operations/pass.ts";
import { firstScale } from "./decoder.ts";
import type { WriteFormat } from "./format.ts";
import type { ImagePlan } from "./image-plan.ts";
import type { Stage } from "./steps.ts";

// Peaks of a process above its idle state, measured with photographs of 25 megapixels, jemalloc, sharp 0.35 (libvips 8.18).

/** Bytes of a pipeline beside its pixels. */
const PIPELINE_BYTES = 8 * 1024 * 1024;

/** Lines of a picture that is read from top to bottom: of the decoder, and of what looks at neighbours. */
const BUFFERED_LINES = 2048;

/** Bytes a pixel of decoders that buffer the whole picture. */
const DECODER_PIXEL_BYTES: Readonly<Record<string, number>> = {
  webp: 4.5,
  avif: 18,
  gif: 6,
  svg: 8,
  apng: 8,
  tiff: 4,
};

/** The same of a progressive JPEG and of an interlaced PNG. */
const INTERLACED_PIXEL_BYTES = 4;

/** Bytes a pixel of encoders, what they have written included. */
const ENCODER_PIXEL_BYTES: Readonly<Record<WriteFormat, number>> = {
  jpeg: 3.5,
  png: 3,
  webp: 3.5,
  avif: 18,
  gif: 8,
};

const area = ({ width, height }: Size) => width * height;

/** Estimated peak of memory in bytes. `decoded`: size in which the source is decoded. */
export function memoryOf(plan: ImagePlan, decoded: Size, source: Source): number {
  const { header, frames, stepsPlan, writes, gainMap } = plan;
  const { decode } = header;
  const download = source.file === undefined || decode ? (decode?.bytes ?? source.metadata.size ?? 0) : 0;
  const decoder = decode ? decode.memory + decode.pixelMemory * area(decoded) : 0;
  const channels = header.alpha || stepsPlan.alpha ? 4 : 3;
  const largest = Math.max(area(stepsPlan.size), ...stepsPlan.steps.map(({ after }) => area(after)));
  const encoder = Math.max(...writes.map(({ format }) => ENCODER_PIXEL_BYTES[format]));
  const copies = Math.max(
    ...stepsPlan.stages.map(copiesOf),
    stepsPlan.stages.length > 1 || writes.length > 1 || writes[0].searched ? 2 : 1,
  );
  const pixels =
    readBytes(plan, decoded, channels) + copies * channels * largest + encoder * area(stepsPlan.size);
  const faces = plan.searches.includes("faces") ? FACES_PRICE.memory : 0;
  return Math.round(PIPELINE_BYTES + download + decoder + faces + frames * pixels * (gainMap ? 2 : 1));
}

/** Bytes of the decoder, and of the copy that turns what it gives upright. */
function readBytes({ header, frames, stepsPlan, shrink }: ImagePlan, size: Size, channels: number): number {
  const scaled = firstScale(stepsPlan.stages);
  const { format, orientation } = header;
  const read = { width: size.width / shrink, height: size.height / shrink };
  // A decoder that scales to any size.
  const decodedPixels = format === "webp" && scaled ? Math.min(area(size), 2 * area(scaled)) : area(read);
  const upright = orientation > 1 ? channels * area(read) : 0;
  const decoderBytes = header.interlaced
    ? INTERLACED_PIXEL_BYTES * area(size)
    : (DECODER_PIXEL_BYTES[format] ?? 0) * decodedPixels;
  const band = channels * read.width * Math.min(read.height, BUFFERED_LINES);
  return upright + (frames > 1 ? Math.max(decoderBytes, channels * area(size)) : decoderBytes || band);
}

/** Slots that need the whole picture at once. */
const WHOLE_PICTURE_SLOTS: readonly (keyof Pass)[] = ["trim", "turn", "rotate", "smart", "blur", "normalise"];

/** Copies of the largest picture that a stage needs, the result included. */
function copiesOf(stage: Stage): number {
  if (stage.kind !== "pass" || stage.pass.over) return 3;
  return WHOLE_PICTURE_SLOTS.some((slot) => stage.pass[slot] !== undefined) ? 2 : 1;
}
