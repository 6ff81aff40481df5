import type { Stretch } from "@mediatap/core/steps";
import { type Cue, decode, readBlock, readCues, secondsOf, TIME } from "../transcode/cues.ts";

/** Whether a file begins like WebVTT, or SubRip in any encoding. Origins may send a page for missing files. */
export function isSubtitles(head: Uint8Array): boolean {
  const text = Buffer.from(head).toString("latin1").replaceAll("\0", "");
  return /^(?:\xef\xbb\xbf)?WEBVTT(?:\s|$)/.test(text) || /^[^<]*\d[.,]\d{1,3} *-->/.test(text);
}

/**
 * The subtitles of a stretch as WebVTT, in the stretch's own time. Styles and settings of WebVTT are kept, of SubRip bold
 * and italic. Throws `UNIDENTIFIED` for anything else.
 */
export function webVttOf(bytes: Uint8Array, stretch: Stretch): string {
  const text = decode(bytes);
  const blocks = /^WEBVTT(?:[ \t\n]|$)/.test(text)
    ? blocksOf(text, stretch)
    : readCues(bytes).flatMap((cue) => cueOf(cue.start, cue.end, "", markUp(cue), stretch));
  return `${["WEBVTT", ...blocks].join("\n\n")}\n`;
}

/** Times within a cue, at which the text after them is shown. */
const INLINE_TIMESTAMPS = new RegExp(`<${TIME}>`, "g");

function blocksOf(text: string, stretch: Stretch): readonly string[] {
  // The header may map its times to another stream, and is dropped.
  const [, ...body] = text.split("\n");
  return body
    .join("\n")
    .split(/\n{2,}/)
    .flatMap((block) => {
      const lines = block.split("\n").filter((line) => line !== "");
      if (/^(?:STYLE|REGION)[ \t]*$/.test(lines[0] ?? "")) return [lines.join("\n")];
      const cue = readBlock(lines);
      if (!cue) return [];
      const shifted = cue.text
        .replaceAll("-->", "--&gt;")
        .replace(INLINE_TIMESTAMPS, (_, ...parts: string[]) => {
          return `<${timestamp(Math.max(0, secondsOf(["", ...parts], 1) - stretch.start))}>`;
        });
      return cueOf(cue.start, cue.end, cue.settings, shifted, stretch);
    });
}

/** A cue as it is shown within a stretch; none where it is not. */
function cueOf(start: number, end: number, settings: string, text: string, stretch: Stretch): string[] {
  const from = Math.max(0, start - stretch.start);
  const to = Math.min(stretch.duration, end - stretch.start);
  return to > from ? [`${timestamp(from)} --> ${timestamp(to)}${settings}\n${text}`] : [];
}

/** Text without other tags than ours, and without empty lines, which would end the cue. */
function markUp({ runs }: Cue): string {
  return runs
    .map(({ text, bold, italic }) => {
      const plain = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
      const styled = italic ? `<i>${plain}</i>` : plain;
      return bold ? `<b>${styled}</b>` : styled;
    })
    .join("")
    .replace(/\n\s*\n/g, "\n")
    .trim();
}

/** A WebVTT timestamp: `00:01:02.500`. */
export function timestamp(seconds: number): string {
  const milliseconds = Math.round(seconds * 1_000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const fraction = String(milliseconds % 1_000).padStart(3, "0");
  return `${two(milliseconds / 3_600_000)}:${two((milliseconds / 60_000) % 60)}:${two((milliseconds / 1_000) % 60)}.${fraction}`;
}
