import { extname } from "node:path";
import type { Plugin } from "@mediatap/core";
import type { FocusFacesOptions } from "./options.ts";
import { focusFacesBy } from "./plugin.ts";

export type { FocusFacesOptions } from "./options.ts";

/** The thread's program is beside this module, in source and in built form. */
const PROGRAM = new URL(`./program${extname(import.meta.url)}`, import.meta.url);

/**
 * Finds faces for crops that focus on them. Each picture is searched once, small, in a worker thread; if that fails,
 * the crop focuses on the salient region, and clients cache it for a few seconds only.
 */
export function focusFaces(options: FocusFacesOptions = {}): Plugin {
  return focusFacesBy(PROGRAM, options);
}

export default focusFaces;
