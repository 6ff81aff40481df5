import { MediaError } from "@mediatap/core";

/** A text and its times, in seconds. */
export interface Cue {
  readonly start: number;
  readonly end: number;
  /** Runs of text, in which lines are broken. */
  readonly runs: readonly { readonly text: string; readonly bold: boolean; readonly italic: boolean }[];
}

const MAX_CUES = 20_000;
const MAX_CUE_CHARACTERS = 2_500;

/**
 * Reads SubRip, WebVTT or (Advanced) SubStation Alpha, distinguished by content: times and text, bold and italic, without other
 * styles and positions. Throws `UNIDENTIFIED` for anything else.
 */
export function readCues(bytes: Uint8Array): readonly Cue[] {
  const text = decode(bytes);
  const cues = /^\s*\[Script Info\]/i.test(text)
    ? readScript(text)
    : readBlocks(text).flatMap(({ start, end, text }) => cueOf(start, end, runsOf(text)));
  if (cues.length === 0) {
    throw new MediaError("UNIDENTIFIED", "Expected a file of subtitles", { status: 400 });
  }
  if (cues.length > MAX_CUES) throw new MediaError("ELIMIT", `Expected at most ${MAX_CUES} subtitles`);
  return cues;
}

/** UTF-8, UTF-16 with a byte order mark, else Windows-1252; lines end in `\n`. */
export function decode(bytes: Uint8Array): string {
  const byteOrderMark = Buffer.from(bytes.subarray(0, 2)).toString("hex");
  const encoding = { fffe: "utf-16le", feff: "utf-16be" }[byteOrderMark] ?? "utf-8";
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    text = new TextDecoder("windows-1252").decode(bytes);
  }
  return text.replace(/\r\n?/g, "\n");
}

/** A time of SubRip and WebVTT: hours, minutes, seconds and their fraction. */
export const TIME = String.raw`(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})`;
const TIMES_LINE = new RegExp(`^\\s*${TIME}\\s*-->\\s*${TIME}(.*)$`);

/** A block of SubRip or WebVTT: two times with an arrow between them, and text with tags. */
export interface CueBlock {
  readonly start: number;
  readonly end: number;
  /** Settings of WebVTT, as they are written. */
  readonly settings: string;
  readonly text: string;
}

const readBlocks = (text: string): readonly CueBlock[] =>
  text.split(/\n[ \t]*\n/).flatMap((block) => readBlock(block.split("\n")) ?? []);

/** `undefined`: the lines contain no times. */
export function readBlock(lines: readonly string[]): CueBlock | undefined {
  const at = lines.findIndex((line) => TIMES_LINE.test(line));
  const times = TIMES_LINE.exec(lines[at] ?? "");
  if (!times) return undefined;
  const text = lines.slice(at + 1).join("\n");
  return { start: secondsOf(times, 1), end: secondsOf(times, 5), settings: times[9] ?? "", text };
}

/** Seconds of a time that was matched. */
export const secondsOf = (match: readonly (string | undefined)[], from: number): number => {
  const [hours = "0", minutes = "0", seconds = "0", fraction = "0"] = match.slice(from, from + 4);
  return (
    Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(fraction.padEnd(3, "0")) / 1000
  );
};

const SCRIPT_TIME = new RegExp(`^${TIME}$`);

/** SubStation Alpha: `Dialogue: layer, start, end, style, name, margins × 3, effect, text`. */
function readScript(script: string): Cue[] {
  return script.split("\n").flatMap((line) => {
    const [, payload] = /^Dialogue:(.*)$/.exec(line) ?? [];
    const fields = payload?.split(",");
    if (!fields || fields.length < 10) return [];
    const [start, end] = [fields[1], fields[2]].map((field) => SCRIPT_TIME.exec(field?.trim() ?? ""));
    if (!start || !end) return [];
    const text = fields
      .slice(9)
      .join(",")
      .replace(/\\[Nn]/g, "\n")
      .replace(/\\h/g, " ");
    return cueOf(secondsOf(start, 1), secondsOf(end, 1), runsOf(text, false));
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

/** Text without its tags; only bold and italic have an effect. */
function runsOf(text: string, withEntities = true): Cue["runs"] {
  const runs: { text: string; bold: boolean; italic: boolean }[] = [];
  let [bold, italic] = [0, 0];
  for (const token of text
    .slice(0, MAX_CUE_CHARACTERS)
    .trim()
    .split(/(<[^<>\n]*>|\{\\[^{}\n]*\})/)) {
    const [, closes, tag] = /^<(\/?)([bi])(?:[ .][^>]*)?>$/i.exec(token) ?? [];
    const by = closes ? -1 : 1;
    if (tag?.toLowerCase() === "b") bold = Math.max(0, bold + by);
    else if (tag) italic = Math.max(0, italic + by);
    else if (!/^(?:<[^<>\n]*>|\{\\[^{}\n]*\})$/.test(token) && token !== "") {
      const shown = withEntities
        ? token.replace(/&(\w+);/g, (match, name: string) => ENTITIES[name] ?? match)
        : token;
      runs.push({ text: shown, bold: bold > 0, italic: italic > 0 });
    }
  }
  return runs;
}
