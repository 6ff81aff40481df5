import { Readable } from "node:stream";
import { bodyOf, type Job, type RenderContext, type Rendition, type Source } from "@mediatap/core";
import type { Layout } from "./layout.ts";

/** What a part is planned of. */
export interface Asked {
  readonly job: Job;
  readonly source: Source;
  readonly context: RenderContext;
  readonly layout: Layout;
}

export function renditionOf(bytes: Uint8Array, type: string, format: string): Rendition {
  return { body: bodyOf(bytes, (part) => Readable.from([part])), type, format };
}
