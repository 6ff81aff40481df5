import type { MediaError } from "@mediatap/core";
import type { CustomParameters } from "./custom.ts";
import type { Known } from "./expression.ts";
import type { Hints } from "./hints.ts";
import type { Wanted } from "./wanted.ts";

/** What goes along while a chain is read. */
export interface Reading {
  readonly hints: Hints;
  /** Whose variables expressions may name. */
  readonly known: Known;
  /** Operands and operators that an expression may have. */
  readonly tokens: number;
  /** What was asked for and the Transformation cannot say, in the order found. */
  readonly missing: string[];
  /** What the chain, or the layer that is read, is for. */
  readonly wanted: Wanted;
  /** Parameters beside those of the language. */
  readonly parameters: CustomParameters;
  /** What has no meaning in such a chain, in the order found. */
  readonly refused: MediaError[];
}
