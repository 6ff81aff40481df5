import { MediaError, type Output, type Step } from "@mediatap/core";
import {
  type Group,
  type GroupReader,
  type Meaning,
  type ReadContext,
  unsupported,
  type Values,
} from "@mediatap/core/language";
import type { VideoOutput } from "@mediatap/core/steps";
import { LAYER_FLAGS } from "./flags.ts";
import { CHANGED, SAME } from "./grammar.ts";
import type { CloudinaryValues } from "./parameters.ts";
import { type Format, format as readFormat } from "./values.ts";

/** What is taken of the source comes before all else, wherever a URL asks for it. */
const FIRST = new Set<Step["op"]>(["frame", "clip", "speed", "volume"]);

const isExtension = ([item]: Group) => item?.key === CHANGED || item?.key === SAME;

/** The components of a URL, and the extension that it ends in. */
export function read(
  all: readonly Group[],
  context: ReadContext,
  readGroup: GroupReader<CloudinaryValues>,
): Meaning {
  const { media, limits } = context;
  const components = all.filter((group) => !isExtension(group));
  const [asked] = all.find(isExtension) ?? [];
  const extension = asked?.value;
  if (components.length > limits.steps) {
    throw new MediaError(
      "ELIMIT",
      `Expected at most ${limits.steps} components but received ${components.length}`,
    );
  }
  if (extension === "raw") throw unsupported("transformations of raw files", "raw");
  if (components.length === 0 && extension === undefined) {
    return { transformation: { steps: [], output: { format: "original" } }, delivery: {} };
  }
  const readings = components.map((group) => readGroup(group, context));
  const values: Values<CloudinaryValues> = Object.assign({}, ...readings.map(({ values }) => values));
  for (const { values } of readings) {
    const flag = values.fl?.find((word) => LAYER_FLAGS.has(word));
    if (flag !== undefined) throw unsupported("this flag without a layer", "fl", flag);
  }
  const format = values.f ?? (extension === undefined ? undefined : readFormat(extension, "the extension"));
  const steps = readings.flatMap(({ steps }) => steps);
  const output: Output = Object.assign({}, ...readings.map(({ output }) => output));
  const delivery = Object.assign({}, ...readings.map(({ delivery }) => delivery));
  if (format === "mp4" || format === "webm" || format === "m3u8" || format === "mpd") {
    if (media !== "video") throw unsupported("videos of images", "the extension", format);
    return written(steps, { ...output, video: videoOf(values, format) }, delivery);
  }
  if (media !== "video") {
    // A file keeps its format: the extension says no more than that.
    const isKept = values.f === undefined && asked?.key === SAME;
    const isOnWhite = format === "jpeg" && (!isKept || steps.some(isClearing));
    const kind = format === undefined || isKept ? "source" : format;
    return written(isOnWhite ? onWhite(steps) : steps, { format: kind, ...output }, delivery);
  }
  if (format === undefined || format === "auto") {
    return written(steps, { ...output, video: videoOf(values, "auto") }, delivery);
  }
  const { q } = values;
  const picture = { ...output, format, ...(q !== undefined && { quality: q }) };
  return written(picturesOf(steps, values), picture, delivery);
}

function written(steps: readonly Step[], output: Output, delivery: Meaning["delivery"]): Meaning {
  return { transformation: { steps: hoisted(steps), output }, delivery };
}

const WHITE: Step = {
  op: "flatten",
  background: { kind: "color", color: { r: 255, g: 255, b: 255, alpha: 1 } },
};

/** Whether a step leaves clear parts. */
function isClearing(step: Step): boolean {
  if (step.op === "when") return [...step.then, ...step.else].some(isClearing);
  if (step.op === "rotate") return step.angle % 90 !== 0 && !step.background;
  if (step.op === "round" || step.op === "opacity") return true;
  return (
    step.op === "resize" &&
    step.fit === "contain" &&
    step.background?.kind === "color" &&
    step.background.color.alpha < 1
  );
}

/** Cloudinary lays images on white that are written in a format without transparency. */
function onWhite(steps: readonly Step[]): readonly Step[] {
  const last = steps.findLastIndex((step) => step.op === "flatten");
  return last >= 0 && !steps.slice(last).some(isClearing) ? steps : [...steps, WHITE];
}

const hoisted = (steps: readonly Step[]): readonly Step[] =>
  steps.some(({ op }, index) => index > 0 && FIRST.has(op))
    ? [...steps.filter(({ op }) => FIRST.has(op)), ...steps.filter(({ op }) => !FIRST.has(op))]
    : steps;

function videoOf({ q, vc, ac }: Values<CloudinaryValues>, format: Format): VideoOutput {
  return {
    ...((format === "mp4" || format === "webm" || format === "auto") && { format }),
    ...(vc !== undefined && vc !== "auto" && { codec: vc }),
    ...(ac !== undefined && { audio: ac }),
    ...(typeof q === "number" && { quality: q }),
  };
}

/** The steps of a picture of a video: of the moment at `so`, or of a stretch that moves. */
function picturesOf(steps: readonly Step[], { so, eo, du }: Values<CloudinaryValues>): readonly Step[] {
  if (eo !== undefined || du !== undefined) return steps;
  const time = so ?? (["div", "originalDuration", 2] as const);
  return [{ op: "frame", page: 1, time }, ...steps.filter(({ op }) => op !== "clip" && op !== "frame")];
}
