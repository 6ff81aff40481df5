import { extname } from "node:path";
import type { Plugin } from "@mediatap/core";
import type { FocusFacesOptions } from "./options.ts";
import { focusFacesBy } from "./plugin.ts";

export type { FocusFacesOptions } from "./options.ts";

/** The thread's program lies beside this module, as source or as built. */
const PROGRAM = new URL(`./program${extname(import.meta.url)}`, import.meta.url);

/**
 * Finds faces, for the crops that look at them. A picture is looked at once, small, in a thread of its own; where that fails,
 * the crop looks at what catches the eye, and clients keep it for a few seconds only.
 */
export function focusFaces(options: FocusFacesOptions = {}): Plugin {
  return focusFacesBy(PROGRAM, options);
}

export default focusFaces;
