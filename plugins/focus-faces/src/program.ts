import { readFile } from "node:fs/promises";
import type { FaceBox, RawFrame } from "@mediatap/core";
import type { ThreadProgram } from "@mediatap/core/decode";
import { detect } from "./detect.ts";
import { readNetwork } from "./network.ts";

// Runs in a thread of its own: one picture, one answer.

/** What a search starts from. */
export interface Search {
  readonly frame: RawFrame;
  readonly confidence: number;
}

const MODEL = new URL("../model/face_detection_full_range.tflite", import.meta.url);

const search: ThreadProgram<Search, readonly FaceBox[]> = async ({ frame, confidence }) =>
  detect(frame, readNetwork(await readFile(MODEL)), confidence);

export default search;
