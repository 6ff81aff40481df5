import { readFile } from "node:fs/promises";
import type { FaceBox, RawFrame } from "@mediatap/core";
import type { ThreadProgram } from "@mediatap/core/decode";
import { detect } from "./detect.ts";
import { readNetwork } from "./network.ts";

// Runs in a worker thread: one picture, one result.

/** What a search starts from. */
export interface Search {
  readonly frame: RawFrame;
  readonly confidence: number;
}

const MODEL = new URL("../model/face_detection_full_range.tflite", import.meta.url);

const search: ThreadProgram<Search, readonly FaceBox[]> = async ({ frame, confidence }) =>
  detect(opaque(frame), readNetwork(await readFile(MODEL)), confidence);

/** Background of clear pixels: neither light nor dark. */
const GREY = 128;

/** The frame with three channels. */
function opaque(frame: RawFrame): RawFrame {
  const { data, width, height, channels } = frame;
  if (channels !== 4) return frame;
  const pixels = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const alpha = (data[pixel * 4 + 3] as number) / 255;
    for (let channel = 0; channel < 3; channel++) {
      const value = data[pixel * 4 + channel] as number;
      pixels[pixel * 3 + channel] = Math.round(value * alpha + GREY * (1 - alpha));
    }
  }
  return { data: pixels, width, height, channels: 3 };
}

export default search;
