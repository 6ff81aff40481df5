import { readFile } from "node:fs/promises";
import type { Spot } from "@mediatap/test";

/** One of the files that `fixtures/make.sh` wrote. */
export const heic = (name: string): Promise<Buffer> =>
  readFile(new URL(`./fixtures/${name}.heic`, import.meta.url));

export const SIZE = { width: 128, height: 96 };
export const RED = [255, 0, 0, 255] as const;
export const GREEN = [0, 255, 0, 255] as const;
export const BLUE = [0, 0, 255, 255] as const;
export const WHITE = [255, 255, 255, 255] as const;

/** Red, green / blue, white. */
export const QUARTERS: readonly Spot[] = [
  [0.25, 0.25, RED],
  [0.75, 0.25, GREEN],
  [0.25, 0.75, BLUE],
  [0.75, 0.75, WHITE],
];
