import type { Rgba } from "@mediatap/core/steps";
import type { FontRef } from "./fonts.ts";

/** A text and how it looks, all in pixels. */
export interface TextBox {
  /** Plain text; nothing in it is markup. What exceeds 2500 characters is cut. */
  readonly text: string;
  /** Height of the font, at least 1. */
  readonly size: number;
  /** Left out: the default family. */
  readonly font?: FontRef;
  readonly bold: boolean;
  readonly italic: boolean;
  readonly strikethrough: boolean;
  readonly color: Rgba;
  /** Of the lines, whichever way they are read. */
  readonly align: "left" | "center" | "right";
  /** Width, padding included, in which lines are wrapped. Left out: as wide as the text. */
  readonly width?: number;
  /** From one line to the next. Left out: the font's own. */
  readonly lineHeight?: number;
  /** Clockwise from the top. */
  readonly padding: readonly [number, number, number, number];
  /** Of the box, which then is as wide as `width`, if that is given. */
  readonly background?: Rgba;
}
