import type { ThreadProgram } from "@mediatap/core";
import { sanitize, Unreadable } from "./sanitize.ts";

// Runs in a thread of its own.

const program: ThreadProgram<string, string> = (text, { fail }) => {
  try {
    return sanitize(text);
  } catch (error) {
    if (error instanceof Unreadable) return fail("UNIDENTIFIED", "The file is not a well-formed SVG");
    if (error instanceof RangeError) return fail("ELIMIT", "The SVG is nested too deeply");
    throw error;
  }
};

export default program;
