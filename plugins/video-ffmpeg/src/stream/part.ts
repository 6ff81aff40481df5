import { Readable } from "node:stream";
import { bodyOf, type Flight, type Job, type Rendition, type Source } from "@mediatap/core";
import type { Layout } from "./layout.ts";

/** What a part is planned of. */
export interface Asked {
  readonly job: Job;
  readonly source: Source;
  readonly flight: Flight;
  readonly layout: Layout;
}

export function renditionOf(bytes: Buffer, type: string, format: string): Rendition {
  return { body: bodyOf(bytes, (part) => Readable.from([part])), type, format };
}
