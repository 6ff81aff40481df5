import { distance } from "fastest-levenshtein";

/** Characters above which a word resembles no name: the comparison takes time in proportion to the length. */
const MAX_WORD_LENGTH = 64;

/** The known name closest to `word` (Levenshtein distance, in any case); `undefined` if none is close. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > MAX_WORD_LENGTH) return undefined;
  let best: { readonly name: string; readonly far: number } | undefined;
  for (const name of known) {
    const far = distance(word.toLowerCase(), name.toLowerCase());
    if (!best || far < best.far) best = { name, far };
  }
  return best && best.far <= Math.max(2, Math.floor(word.length / 3)) ? best.name : undefined;
}

/** `, did you mean "origins"?` if a known name is close; else the known names, if they are few. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  if (near !== undefined) return `, did you mean "${near}"?`;
  return known.length > 0 && known.length <= 24 ? `; known are ${known.join(", ")}` : "";
}
