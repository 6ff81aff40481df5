import { invalid, type MediaError } from "@mediatap/core";
import type { Focus } from "@mediatap/core/steps";
import type { Key } from "./parameters.ts";
import { SEARCHED } from "./values.ts";
import { isMoving, type Wanted } from "./wanted.ts";

/** Parameters that mean something of a video; those of pictures are more. */
export const MOVING: ReadonlySet<string> = new Set(
  "w h ar dpr c cm fo x y xc yc bg r b rt fl f q vc ac so eo du spd vol orig".split(" "),
);

/** Parameters that mean nothing of a picture. */
const TIMED: ReadonlySet<Key> = new Set<Key>(["vc", "ac", "so", "eo", "du", "spd", "vol"]);

/** Those of them that a still of a video has, too. */
const MOMENTS: ReadonlySet<Key> = new Set<Key>(["so", "eo", "du"]);

/** Parameters that a stream settles itself. */
const SETTLED: ReadonlySet<Key> = new Set<Key>(["w", "h", "ar", "dpr", "f", "vc", "ac", "q"]);

/** How a video meets its box, and what lies around it. */
const MODES = ["maintain_ratio", "force", "at_max", "at_least", "pad_resize", "extract"];

const isContainer = (value: unknown) => value === "mp4" || value === "webm";
const isNotAutomatic = (value: unknown) => value !== "auto";
const isVideoMode = (value: unknown) => MODES.includes(value as string);

/** Values that mean something of a video, where some do not. */
const OF_VIDEOS: { readonly [K in Key]?: (value: unknown) => boolean } = {
  w: isNotAutomatic,
  h: isNotAutomatic,
  dpr: isNotAutomatic,
  c: isVideoMode,
  cm: isVideoMode,
  fo: (value) => value !== undefined && !SEARCHED.has(value as Focus),
  bg: (value) => ["color", "blurred"].includes((value as { kind?: string } | undefined)?.kind ?? ""),
  q: (value) => typeof value === "number",
  f: (value) => isContainer(value) || value === "auto",
};

export const WITH_PLAYLISTS = "with ik-master.m3u8 or ik-master.mpd only";

/**
 * Where a parameter would have a meaning, or the error, if it has none where it stands; `undefined`: it has. `value` is `undefined`
 * for what no step stands for.
 */
export function whereElse(
  key: Key,
  text: string,
  value: unknown,
  wanted: Wanted,
): string | MediaError | undefined {
  // A name may stand for the chain of the playlist: `readChain` has seen to what is written here.
  if (key === "sr") return wanted.kind === "master" || wanted.kind === "part" ? undefined : WITH_PLAYLISTS;
  if (isMoving(wanted)) {
    if (!MOVING.has(key)) return "on pictures only";
    if (wanted.kind !== "video" && SETTLED.has(key)) return "outside of streams";
    if (key === "rt" && Number(value ?? 0) % 90 !== 0) {
      return invalid("rt of a video", "0, 90, 180, 270 or 360", text);
    }
    return OF_VIDEOS[key]?.(value) === false ? "on pictures only" : undefined;
  }
  const isTimed = TIMED.has(key) || (key === "f" && isContainer(value));
  if (wanted.kind === "picture") return isTimed ? "on videos only" : undefined;
  if (key === "pg") return "on pictures and documents only";
  return isTimed && !MOMENTS.has(key) ? "on videos that stay videos only" : undefined;
}
