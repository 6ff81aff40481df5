import { invalid, MediaError, printable } from "@mediatap/core";
import type { Key, Values } from "./parameters.ts";
import type { Parameter } from "./tokenize.ts";
import { isMoving, type Wanted } from "./wanted.ts";

/** Parameters that mean something of a video; those of pictures are more. */
export const MOVING: ReadonlySet<string> = new Set(
  "w h ar dpr c cm fo x y xc yc bg r b rt fl f q vc ac so eo du spd vol orig".split(" "),
);

/** Parameters that mean nothing of a picture. */
const TIMED: ReadonlySet<Key> = new Set<Key>(["vc", "ac", "so", "eo", "du", "spd", "vol"]);

/** Parameters that a stream settles itself. */
const SETTLED: ReadonlySet<Key> = new Set<Key>(["w", "h", "ar", "dpr", "f", "vc", "ac", "q"]);

/** How a video meets its box, and what lies around it. */
const MODES: ReadonlySet<string> = new Set([
  "maintain_ratio",
  "force",
  "at_max",
  "at_least",
  "pad_resize",
  "extract",
]);

/**
 * The error for a parameter that has its value but no meaning where it stands; `undefined`: it has. `value` is `undefined` for
 * what no step stands for.
 */
export function misplaced(item: Parameter, values: Values, wanted: Wanted): MediaError | undefined {
  const key = item.key as Key;
  if (key === "sr") {
    // A name may stand for the chain of the playlist: `readChain` has seen to what is written here.
    const fits = wanted.kind === "master" || wanted.kind === "part";
    return fits ? undefined : elsewhere(item, "with ik-master.m3u8 or ik-master.mpd only");
  }
  if (isMoving(wanted)) return misplacedOfVideo(item, values, wanted);
  const isTimed = TIMED.has(key) || (key === "f" && isContainer(values.f));
  if (wanted.kind === "picture") return isTimed ? elsewhere(item, "on videos only") : undefined;
  if (key === "pg") return elsewhere(item, "on pictures and documents only");
  const isMoment = key === "so" || key === "eo" || key === "du";
  return isTimed && !isMoment ? elsewhere(item, "on videos that stay videos only") : undefined;
}

function misplacedOfVideo(item: Parameter, values: Values, wanted: Wanted): MediaError | undefined {
  const key = item.key as Key;
  if (!MOVING.has(key)) return elsewhere(item, "on pictures only");
  if (wanted.kind !== "video" && SETTLED.has(key)) return elsewhere(item, "outside of streams");
  switch (key) {
    case "rt":
      return (values.rt ?? 0) % 90 === 0
        ? undefined
        : invalid("rt of a video", "0, 90, 180, 270 or 360", item.value);
    case "w":
    case "h":
    case "dpr":
      return values[key] === "auto" ? elsewhere(item, "on pictures only") : undefined;
    case "c":
    case "cm":
      return MODES.has(item.value) ? undefined : elsewhere(item, "on pictures only");
    case "fo":
      return isGravity(values.fo) ? undefined : elsewhere(item, "on pictures only");
    case "bg":
      return values.bg?.kind === "color" || values.bg?.kind === "blurred"
        ? undefined
        : elsewhere(item, "on pictures only");
    case "q":
      return typeof values.q === "number" ? undefined : elsewhere(item, "on pictures only");
    case "f":
      return isContainer(values.f) || values.f === "auto" ? undefined : elsewhere(item, "on pictures only");
  }
  return undefined;
}

const isContainer = (format: Values["f"]) => format === "mp4" || format === "webm";

const isGravity = (focus: Values["fo"]) =>
  focus !== undefined &&
  focus !== "attention" &&
  focus !== "entropy" &&
  focus !== "faces" &&
  focus !== "custom";

/** The error for what stands where it means nothing. */
export function elsewhere({ key, value }: Pick<Parameter, "key" | "value">, where: string): MediaError {
  return new MediaError("EINVAL", `Expected '${printable(value === "" ? key : `${key}-${value}`)}' ${where}`);
}
