import type { Face } from "./fonts.ts";

/** Characters of a text; longer texts are cut. */
export const MAX_CHARACTERS = 2500;

const UNPRINTABLE = /[\p{Cc}\p{Cs}]/gu;

/** Only lines and what can be drawn: no control characters, one kind of line break, no half characters. */
export function linesOf(text: string): readonly string[] {
  return text
    .slice(0, MAX_CHARACTERS)
    .toWellFormed()
    .replace(/\r\n?|[\v\f\u0085\u2028\u2029]/g, "\n")
    .split("\n")
    .map((line) => line.replaceAll("\t", " ").replace(UNPRINTABLE, ""));
}

/** Some text of a line, and the face that has signs for it. */
export interface Run {
  readonly face: Face;
  text: string;
}

/** Replaces characters that no face has a glyph for. */
const REPLACEMENT = "\ufffd";

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * Divides a line by faces, so that fontconfig chooses none: which one it takes depends on the machine. A letter and its
 * accents stay together.
 */
export async function runsOf(
  line: string,
  main: Face,
  others: { readonly text: readonly Face[]; readonly emoji: readonly Face[] },
): Promise<readonly Run[]> {
  const known = new Map<string, Run>();
  const find = async (cluster: string): Promise<Run> => {
    const codes = Array.from(cluster.replace(/\p{Default_Ignorable_Code_Point}/gu, ""), (char) =>
      char.codePointAt(0),
    ) as number[];
    const wantsEmoji = /\p{Emoji_Presentation}|\ufe0f/u.test(cluster) && !cluster.includes("\ufe0e");
    const candidates = wantsEmoji
      ? [...(main.custom ? [main] : []), ...others.emoji, main, ...others.text]
      : [main, ...others.text, ...others.emoji];
    for (const face of candidates) {
      const coverage = await face.coverage();
      if (codes.every((code) => coverage.has(code))) return { face, text: cluster };
    }
    // If no face has the accent, the letter is drawn without it.
    const [first = 0, ...marks] = codes;
    if (marks.length > 0) return find(String.fromCodePoint(first));
    if (/^\s/u.test(cluster)) return { face: main, text: " " };
    return cluster === REPLACEMENT ? { face: main, text: "?" } : find(REPLACEMENT);
  };
  const runs: Run[] = [];
  for (const { segment } of graphemes.segment(line)) {
    let run = known.get(segment);
    if (!run) {
      run = await find(segment);
      known.set(segment, run);
    }
    const last = runs.at(-1);
    if (last?.face === run.face) last.text += run.text;
    else runs.push({ ...run });
  }
  return runs;
}

const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Left to right mark, first strong isolate, its end. */
const [LRM, FSI, PDI] = ["\u200e", "\u2068", "\u2069"];

/**
 * A line for Pango, which takes left for right in lines that run from right to left: so each is an inset of one that runs
 * from left to right (Unicode Standard Annex 9, isolates).
 */
export const inset = (line: string): string =>
  RIGHT_TO_LEFT.test(line) ? `${LRM}${FSI}${line}${PDI}` : line;

/** Scripts that write no spaces between words: Thai, Lao, Myanmar, Khmer. */
const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]/u;

const words = new Intl.Segmenter("th", { granularity: "word" });

/** Marks where a line may be broken in scripts whose word boundaries need a dictionary: Pango has none. */
export function withBreaks(line: string): string {
  if (!UNSPACED.test(line)) return line;
  let result = "";
  for (const { segment } of words.segment(line)) {
    const joins = UNSPACED.test(result.at(-1) ?? "") && UNSPACED.test(segment[0] ?? "");
    result += joins ? `\u200b${segment}` : segment;
  }
  return result;
}
