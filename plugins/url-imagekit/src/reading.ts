import type { Hints } from "./hints.ts";

/** What goes along while a chain is read. */
export interface Reading {
  readonly hints: Hints;
  /** What was asked for and the Transformation cannot say, in the order found. */
  readonly missing: string[];
}
