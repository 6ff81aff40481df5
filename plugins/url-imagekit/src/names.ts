import type { Variable } from "@mediatap/core/steps";

/** The language's names of variables. */
export const VARIABLE_NAMES: Readonly<Record<Variable, string>> = {
  originalWidth: "iw",
  originalHeight: "ih",
  originalRatio: "iar",
  currentWidth: "cw",
  currentHeight: "ch",
  currentRatio: "car",
  parentWidth: "bw",
  parentHeight: "bh",
  parentRatio: "bar",
  originalDuration: "idu",
  parentDuration: "bdu",
  originalDensity: "idn",
};

/** The language's names of what messages of the core and of engines are about. */
export const PARAMETER_NAMES: Readonly<Record<string, string>> = {
  ...VARIABLE_NAMES,
  "clip.start": "so",
  "clip.end": "eo",
  "clip.duration": "du",
  "rotate.angle": "rt",
};
