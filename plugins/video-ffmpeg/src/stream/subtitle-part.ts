import type { Plan, Source } from "@mediatap/core";
import { NAME } from "../options.ts";
import { type Asked, renditionOf } from "./part.ts";
import { MOST_TEXT } from "./subtitles.ts";
import { webVttOf } from "./webvtt.ts";

/** The subtitles of a track, by the time of the stream. Nothing in them is a link. */
export function textPart(source: Source, { layout }: Asked, track: string): Plan {
  const { start, duration } = layout;
  return {
    engine: NAME,
    lane: "light",
    cost: 5,
    memory: 4 * MOST_TEXT,
    explain: () => ({ track, file: source.facts.path, start, duration }),
    async run() {
      const text = webVttOf(await source.bytes(MOST_TEXT), { start, duration });
      return renditionOf(Buffer.from(text), "text/vtt; charset=utf-8", "vtt");
    },
  };
}
