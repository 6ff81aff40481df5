import { MediaError } from "@mediatap/core";

/** What is said, and when, in seconds. */
export interface Cue {
  readonly start: number;
  readonly end: number;
  /** Runs of text, in which lines are broken. */
  readonly runs: readonly { readonly text: string; readonly bold: boolean; readonly italic: boolean }[];
}

/** Cues of a file. */
const MOST = 20_000;
/** Characters of a cue. */
const LONGEST = 2_500;

/**
 * Reads SubRip, WebVTT or (Advanced) SubStation Alpha, told by content: times and text, bold and italic; whatever else such a
 * file says of looks and places is left aside. Throws `UNIDENTIFIED` for what is none of them.
 */
export function readCues(bytes: Uint8Array): readonly Cue[] {
  const text = decode(bytes).replace(/\r\n?/g, "\n");
  const cues = /^\s*\[Script Info\]/i.test(text) ? readScript(text) : readBlocks(text);
  if (cues.length === 0) {
    throw new MediaError("UNIDENTIFIED", "Expected a file of subtitles", { status: 400 });
  }
  if (cues.length > MOST) throw new MediaError("ELIMIT", `Expected at most ${MOST} subtitles`);
  return cues;
}

/** UTF-8, UTF-16 where its mark says so, else what Western Windows wrote. */
export function decode(bytes: Uint8Array): string {
  const mark =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? "utf-16le"
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? "utf-16be"
        : "utf-8";
  try {
    return new TextDecoder(mark, { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** A time as SubRip and WebVTT write it: hours, minutes, seconds and their part. */
export const TIME = String.raw`(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})`;
const TIMES = new RegExp(`^\\s*${TIME}\\s+-->\\s+${TIME}`);

/** SubRip and WebVTT: blocks with an arrow between two times. */
function readBlocks(text: string): Cue[] {
  return text.split(/\n[ \t]*\n/).flatMap((block) => {
    const lines = block.split("\n");
    const at = lines.findIndex((line) => TIMES.test(line));
    const times = at < 0 ? undefined : TIMES.exec(lines[at] as string);
    if (!times) return [];
    return cueOf(secondsOf(times, 1), secondsOf(times, 5), runsOf(lines.slice(at + 1).join("\n")));
  });
}

/** Seconds of a time that was found. */
export const secondsOf = (found: readonly (string | undefined)[], from: number): number => {
  const [hours = "0", minutes = "0", seconds = "0", part = "0"] = found.slice(from, from + 4);
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(part.padEnd(3, "0")) / 1000;
};

const SCRIPT_TIME = new RegExp(`^${TIME}$`);

/** SubStation Alpha: `Dialogue: layer, start, end, style, name, margins × 3, effect, text`. */
function readScript(text: string): Cue[] {
  return text.split("\n").flatMap((line) => {
    const [, rest] = /^Dialogue:(.*)$/.exec(line) ?? [];
    const fields = rest?.split(",");
    if (!fields || fields.length < 10) return [];
    const [start, end] = [fields[1], fields[2]].map((field) => SCRIPT_TIME.exec(field?.trim() ?? ""));
    if (!start || !end) return [];
    const said = fields
      .slice(9)
      .join(",")
      .replace(/\\[Nn]/g, "\n")
      .replace(/\\h/g, " ");
    return cueOf(secondsOf(start, 1), secondsOf(end, 1), runsOf(said, false));
  });
}

function cueOf(start: number, end: number, runs: Cue["runs"]): Cue[] {
  return end > start && runs.some(({ text }) => text.trim() !== "") ? [{ start, end, runs }] : [];
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  nbsp: "\u00a0",
  lrm: "\u200e",
  rlm: "\u200f",
};

/** Text with its tags taken out; of them only bold and italic are heeded. */
function runsOf(text: string, withEntities = true): Cue["runs"] {
  const runs: { text: string; bold: boolean; italic: boolean }[] = [];
  let [bold, italic] = [0, 0];
  for (const part of text
    .slice(0, LONGEST)
    .trim()
    .split(/(<[^<>\n]*>|\{\\[^{}\n]*\})/)) {
    const [, closes, tag] = /^<(\/?)([bi])(?:[ .][^>]*)?>$/i.exec(part) ?? [];
    const by = closes ? -1 : 1;
    if (tag?.toLowerCase() === "b") bold = Math.max(0, bold + by);
    else if (tag) italic = Math.max(0, italic + by);
    else if (!/^(?:<[^<>\n]*>|\{\\[^{}\n]*\})$/.test(part) && part !== "") {
      const shown = withEntities
        ? part.replace(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole)
        : part;
      runs.push({ text: shown, bold: bold > 0, italic: italic > 0 });
    }
  }
  return runs;
}
