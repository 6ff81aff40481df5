import type { ThreadProgram } from "@mediatap/core/decode";
import { SaxesParser } from "saxes";
import { sanitize, Unreadable } from "./sanitize.ts";

// Runs in a worker thread.

export interface SanitizeTask {
  readonly text: string;
  readonly maxElements: number;
}

// The time that jsdom takes grows with the square of these. Browsers read no deeper, either (libxml2's own limit).
const MAX_DEPTH = 256;
const MAX_ATTRIBUTES_PER_ELEMENT = 1000;

const program: ThreadProgram<SanitizeTask, string> = ({ text, maxElements }, { fail }) => {
  const { elements, depth, attributes } = measure(text);
  if (elements > maxElements) {
    return fail("ELIMIT", `Expected at most ${maxElements} elements of an SVG but received ${elements}`);
  }
  if (depth > MAX_DEPTH) return fail("ELIMIT", `Expected an SVG at most ${MAX_DEPTH} levels deep`);
  if (attributes > MAX_ATTRIBUTES_PER_ELEMENT) {
    return fail("ELIMIT", `Expected at most ${MAX_ATTRIBUTES_PER_ELEMENT} attributes of an element`);
  }
  try {
    return sanitize(text);
  } catch (error) {
    if (error instanceof Unreadable) return fail("UNIDENTIFIED", "The file is not a well-formed SVG");
    throw error;
  }
};

export default program;

/** Counts without building anything; of a document that is not well-formed, up to there. */
function measure(text: string) {
  const parser = new SaxesParser();
  let [elements, depth, deepest, maxAttributes] = [0, 0, 0, 0];
  parser.on("opentag", ({ attributes }) => {
    elements++;
    maxAttributes = Math.max(maxAttributes, Object.keys(attributes).length);
    deepest = Math.max(deepest, ++depth);
  });
  parser.on("closetag", () => {
    depth--;
  });
  // Its reader decides whether it is readable.
  parser.on("error", () => {});
  parser.write(text).close();
  return { elements, depth: deepest, attributes: maxAttributes };
}
