import { invalid, MediaError, printable, type Step } from "@mediatap/core";
import type { ImageFormat, VideoOutput } from "@mediatap/core/steps";
import { printExpression } from "./expression.ts";
import { type Items, item, printNumber } from "./numbers.ts";
import type { Values } from "./parameters.ts";
import type { Wanted } from "./wanted.ts";

/** What goes together: container, sound, picture. */
const SETS: readonly (readonly [VideoOutput["format"], VideoOutput["audio"], VideoOutput["codec"]])[] = [
  ["mp4", "aac", "h264"],
  ["mp4", "aac", "none"],
  ["mp4", "none", "h264"],
  ["webm", "opus", "vp9"],
  ["webm", "opus", "none"],
  ["webm", "none", "vp9"],
  ["webm", "opus", "av1"],
  ["webm", "none", "av1"],
];

/** How a video is written. Throws `EINVAL` for codecs that do not go together, or not into the container. */
export function videoOutputOf({ f, vc, ac, q }: Values): VideoOutput {
  const container = f === "mp4" || f === "webm" ? f : undefined;
  const fits = SETS.some(
    ([format, audio, codec]) =>
      (container ?? format) === format && (ac ?? audio) === audio && (vc ?? codec) === codec,
  );
  if (!fits) {
    const requested = Object.entries({ f: container, vc, ac })
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}-${value}`);
    throw new MediaError(
      "EINVAL",
      `Expected f, vc and ac that fit together (mp4 with h264 and aac; webm with vp9 or av1 and opus) but received '${printable(requested.join(","))}'`,
    );
  }
  return {
    ...((container ?? f === "auto") && { format: container ?? ("auto" as const) }),
    ...(vc !== undefined && { codec: vc }),
    ...(ac !== undefined && { audio: ac }),
    ...(typeof q === "number" && { quality: q }),
  };
}

/** Formats of pictures that move. */
const MOVING: readonly (ImageFormat | "auto")[] = ["gif", "webp", "avif", "auto"];

/** Format of the picture of a stretch of a video. Throws `EINVAL` for one that holds a single frame only. */
export function movingFormat(f: Values["f"]): ImageFormat | "auto" {
  const format = MOVING.find((known) => known === (f ?? "auto"));
  if (!format) throw invalid("f beside du or eo", "one of gif, webp, avif, auto", f);
  return format;
}

/** Whether a picture of a video shows a stretch of it, not one moment. */
export const isStretch = ({ eo, du }: Values) => eo !== undefined || du !== undefined;

/** The steps that come before all others, wherever in the chain they were asked for: what is taken of the source. */
export function headOf(values: Values, wanted: Wanted): Step[] {
  const { so, eo, du, spd, vol } = values;
  if (wanted.kind === "picture") {
    const page = values.pg ?? wanted.page;
    return page === undefined ? [] : [{ op: "frame", page }];
  }
  if (wanted.kind === "still" && !isStretch(values)) return [{ op: "frame", page: 1, time: so ?? 0 }];
  const clip: Step = {
    op: "clip",
    ...(so !== undefined && { start: so }),
    ...(eo !== undefined && { end: eo }),
    ...(du !== undefined && { duration: du }),
  };
  return [
    ...(so !== undefined || isStretch(values) ? [clip] : []),
    ...(spd === undefined ? [] : [{ op: "speed", factor: spd } as const]),
    ...(vol === undefined ? [] : [{ op: "volume", gain: vol } as const]),
  ];
}

/** Splits what `headOf` gives off the steps. */
export function splitHead(steps: readonly Step[], wanted: Wanted): { head: Step[]; rest: readonly Step[] } {
  const isHead = (step: Step) =>
    wanted.kind !== "picture" &&
    (step.op === "frame" ? step.time !== undefined : ["clip", "speed", "volume"].includes(step.op));
  const end = steps.findIndex((step) => !isHead(step));
  const length = end < 0 ? steps.length : end;
  return { head: steps.slice(0, length), rest: steps.slice(length) };
}

/** The parameters for what is taken of the source. */
export function printHead(head: readonly Step[]): Items {
  return head.flatMap((step) => {
    switch (step.op) {
      case "frame":
        return [item("so", step.time || undefined, printExpression)];
      case "clip":
        return [
          item("so", step.start, printExpression),
          item("eo", step.end, printExpression),
          item("du", step.duration, printExpression),
        ];
      case "speed":
        return [item("spd", step.factor, printNumber)];
      case "volume":
        return [item("vol", step.gain, printNumber)];
    }
    return [];
  });
}

/** The parameters for how a video is written. The parts of a stream say nothing of it. */
export function printVideo({ format, codec, audio, quality, part }: VideoOutput): Items {
  if (part?.kind === "master") return [`sr-${part.rungs.join("_")}`];
  if (part) return [];
  return [
    item("f", format, String),
    item("vc", codec, String),
    item("ac", audio, String),
    item("q", quality, printNumber),
  ];
}
