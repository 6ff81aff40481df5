import { bodyOf, type PlanResult, type RenderContext } from "@mediatap/core";
import type { Settings } from "./options.ts";
import type { Command } from "./process/command.ts";
import type { Tools } from "./process/tools.ts";

/** What every part of this plugin works with. */
export interface Engine {
  readonly settings: Settings;
  /** Rejects with `EUNSUPPORTED` if there is no ffmpeg. */
  tools(): Promise<Tools>;
}

/** The program of a run that makes a part of a stream, and its limits. */
export async function segmentCommand(
  { settings, tools }: Engine,
  { signal, limits }: Pick<RenderContext, "signal" | "limits">,
): Promise<Omit<Command, "args">> {
  const { ffmpeg } = await tools();
  return { program: ffmpeg, signal, timeout: limits.videoSegment, niceness: settings.niceness };
}

/** A rendition whose bytes are in memory. */
export const renditionOf = (bytes: Uint8Array, type: string, format: string): PlanResult => ({
  body: bodyOf(bytes),
  type,
  format,
});
