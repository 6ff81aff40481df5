/** A colour: red, green and blue from 0 to 255, alpha from 0 (clear) to 1 (opaque). */
export interface Rgba {
  readonly r: number;
  readonly g: number;
  readonly b: number;
  readonly alpha: number;
}

/** What fills an empty area. */
export type Paint =
  | { readonly kind: "color"; readonly color: Rgba }
  /** A blurred copy of the picture. `intensity` 0–100 or `auto`, `brightness` -255–255. */
  | { readonly kind: "blurred"; readonly intensity: number | "auto"; readonly brightness: number }
  /** The dominant colour of the picture's border. */
  | { readonly kind: "dominant" }
  /** A gradient of 2 (linear) or 4 (corners) colours of the picture. */
  | { readonly kind: "gradient"; readonly colors: 2 | 4 };
