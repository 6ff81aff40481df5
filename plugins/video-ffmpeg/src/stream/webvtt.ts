import { type Cue, decode, readCues, secondsOf, TIME } from "../transcode/cues.ts";

/** What a stream shows of its source, in seconds. */
export interface Stretch {
  readonly start: number;
  readonly duration: number;
}

/** Whether a file begins like WebVTT, or SubRip in any encoding. Origins may answer a page for whatever they lack. */
export function isSubtitles(head: Uint8Array): boolean {
  const text = Buffer.from(head).toString("latin1").replaceAll("\0", "");
  return /^(?:\xef\xbb\xbf)?WEBVTT(?:\s|$)/.test(text) || /^[^<]*\d[.,]\d{1,3} *-->/.test(text);
}

/**
 * The subtitles of a stretch as WebVTT, by the stretch's own time. Of WebVTT all that says how cues look is kept, of SubRip bold
 * and italic. Throws `UNIDENTIFIED` for what is neither.
 */
export function webVttOf(bytes: Uint8Array, stretch: Stretch): string {
  const text = decode(bytes).replace(/\r\n?/g, "\n");
  const blocks = /^WEBVTT(?:[ \t\n]|$)/.test(text)
    ? blocksOf(text, stretch)
    : readCues(bytes).flatMap((cue) => cueOf(cue.start, cue.end, "", markUp(cue), stretch));
  return `${["WEBVTT", ...blocks].join("\n\n")}\n`;
}

const TIMES = new RegExp(`^\\s*${TIME}\\s*-->\\s*${TIME}(.*)$`);
/** Times within a cue, at which what follows is said. */
const WITHIN = new RegExp(`<${TIME}>`, "g");

function blocksOf(text: string, stretch: Stretch): readonly string[] {
  // What the header says beside its name, as where its times lie in some other stream, holds no more.
  const lines = text.slice(text.indexOf("\n") < 0 ? text.length : text.indexOf("\n") + 1);
  return lines.split(/\n{2,}/).flatMap((block) => {
    const lines = block.split("\n").filter((line) => line !== "");
    if (/^(?:STYLE|REGION)[ \t]*$/.test(lines[0] ?? "")) return [lines.join("\n")];
    const at = lines.findIndex((line) => line.includes("-->"));
    const times = TIMES.exec(lines[at] ?? "");
    if (!times) return [];
    const said = lines
      .slice(at + 1)
      .join("\n")
      .replaceAll("-->", "--&gt;")
      .replace(WITHIN, (_, ...parts: string[]) => {
        return `<${clock(Math.max(0, secondsOf(["", ...parts], 1) - stretch.start))}>`;
      });
    return cueOf(secondsOf(times, 1), secondsOf(times, 5), times[9] ?? "", said, stretch);
  });
}

/** A cue as it is shown within a stretch; none where it is not. */
function cueOf(start: number, end: number, settings: string, said: string, stretch: Stretch): string[] {
  const from = Math.max(0, start - stretch.start);
  const to = Math.min(stretch.duration, end - stretch.start);
  return to > from ? [`${clock(from)} --> ${clock(to)}${settings}\n${said}`] : [];
}

/** Text in which nothing but our own tags is one, and no line is empty, which would end the cue. */
function markUp({ runs }: Cue): string {
  return runs
    .map(({ text, bold, italic }) => {
      const plain = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
      const slanted = italic ? `<i>${plain}</i>` : plain;
      return bold ? `<b>${slanted}</b>` : slanted;
    })
    .join("")
    .replace(/\n\s*\n/g, "\n")
    .trim();
}

/** As WebVTT writes a time: `00:01:02.500`. */
export function clock(seconds: number): string {
  const milliseconds = Math.round(seconds * 1_000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const rest = String(milliseconds % 1_000).padStart(3, "0");
  return `${two(milliseconds / 3_600_000)}:${two((milliseconds / 60_000) % 60)}:${two((milliseconds / 1_000) % 60)}.${rest}`;
}
