import type { Ladder } from "../options.ts";

/** One quality of the pictures that players choose from. */
export interface Rung {
  /** Its height as ImageKit names it: 240, 360 … */
  readonly name: number;
  /** The codec that it is encoded in. */
  readonly ladder: Ladder;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Bits a second, at most. */
  readonly maxrate: number;
  /** The same of pictures that fill its box: what a viewer of this rung is ready for. */
  readonly boxRate: number;
  /** Level of its codec times ten. */
  readonly level: number;
}
