import type { Size } from "../expression.ts";

/** A rectangle; `left` and `top` from the upper left corner. */
export interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

/** Upper left corner of a box. */
export type Corner = Omit<Box, keyof Size>;
