import { invalid, type Output, type Step, type StepOf } from "@mediatap/core";
import {
  type Group,
  type GroupReader,
  type Item,
  type Meaning,
  type ReadContext,
  unsupported,
  type Values,
} from "@mediatap/core/language";
import type { VideoOutput } from "@mediatap/core/steps";
import { condition } from "./conditions.ts";
import { withNames, withVariables } from "./expand.ts";
import { LAYER_FLAGS } from "./flags.ts";
import { isExtension, type Names, SAME, uploadsOf } from "./grammar.ts";
import { isBlend, isPlace, type LayerParts, overlayOf } from "./layers.ts";
import type { CloudinaryValues } from "./parameters.ts";
import { type Format, format as readFormat } from "./values.ts";

/** What is taken of the source comes before all else, wherever a URL asks for it. */
const FIRST = new Set<Step["op"]>(["frame", "clip", "speed", "volume"]);

type Read = GroupReader<CloudinaryValues>;

/** What a part of the components means. */
interface Part {
  readonly steps: readonly Step[];
  readonly output: Partial<Output>;
  readonly delivery: Meaning["delivery"];
  readonly values: Values<CloudinaryValues>;
}

/** The reader of all components of a URL, and of the extension that it ends in. */
export const createRead =
  (names: Names) =>
  (all: readonly Group[], context: ReadContext, read: Read): Meaning => {
    const { media, limits, endpoint } = context;
    const written = all.filter((group) => !isExtension(group));
    const [requested] = all.find(isExtension) ?? [];
    const extension = requested?.value;
    const components = withVariables(withNames(written, endpoint, limits.steps));
    if (extension === "raw") throw unsupported("transformations of raw files", "raw");
    if (components.length === 0 && extension === undefined) {
      return { transformation: { steps: [], output: { format: "original" } }, delivery: {} };
    }
    const { steps, output, values, ...part } = partOf(components, context, read, names);
    const delivery = inFolder(part.delivery, names);
    const format = values.f ?? (extension === undefined ? undefined : readFormat(extension, "the extension"));
    if (format === "mp4" || format === "webm" || format === "m3u8" || format === "mpd") {
      if (media !== "video") throw unsupported("videos of images", "the extension", format);
      return meaning(steps, { ...output, video: videoOf(values, format) }, delivery);
    }
    if (media !== "video") {
      // A file keeps its format: the extension says no more than that.
      const isKept = values.f === undefined && requested?.key === SAME;
      const isOnWhite = format === "jpeg" && (!isKept || steps.some(isClearing));
      const kind = format === undefined || isKept ? "source" : format;
      return meaning(isOnWhite ? onWhite(steps) : steps, { format: kind, ...output }, delivery);
    }
    if (format === undefined || format === "auto") {
      return meaning(steps, { ...output, video: videoOf(values, "auto") }, delivery);
    }
    const { q } = values;
    const picture = { ...output, format, ...(q !== undefined && { quality: q }) };
    return meaning(picturesOf(steps, values), picture, delivery);
  };

/** No default image is one of a protected type. */
function inFolder(delivery: Meaning["delivery"], names: Names): Meaning["delivery"] {
  const { fallback } = delivery;
  if (!fallback) return delivery;
  return { ...delivery, fallback: { ...fallback, path: `${uploadsOf(names, "image")}${fallback.path}` } };
}

function meaning(steps: readonly Step[], output: Output, delivery: Meaning["delivery"]): Meaning {
  return { transformation: { steps: hoisted(steps), output }, delivery };
}

/** What components mean, one after the other: layers and conditions span several. */
function partOf(groups: readonly Group[], context: ReadContext, read: Read, names: Names): Part {
  const parts: Part[] = [];
  let at = 0;
  while (at < groups.length) {
    const group = groups[at] as Group;
    const start = group.find(({ key }) => key === "if");
    if (start) {
      const block = blockOf(groups, at, start.value);
      const branch = (inner: readonly Group[]) => branchSteps(partOf(inner, context, read, names), context);
      parts.push(only(whenOf(start.value, branch(block.yes), branch(block.no))));
      at = block.next;
      continue;
    }
    const layer = group.find(({ key }) => key === "l");
    if (layer) {
      const { parts: layerParts, next } = layerAt(groups, at, layer);
      parts.push(only(overlayOf(layerParts, context, read, names)));
      at = next;
      continue;
    }
    const part = read(group, context);
    const flag = part.values.fl?.find((word) => LAYER_FLAGS.has(word));
    if (flag !== undefined) throw unsupported("this flag without a layer", "fl", flag);
    parts.push(part);
    at++;
  }
  return {
    steps: parts.flatMap(({ steps }) => steps),
    output: Object.assign({}, ...parts.map(({ output }) => output)),
    delivery: Object.assign({}, ...parts.map(({ delivery }) => delivery)),
    values: Object.assign({}, ...parts.map(({ values }) => values)),
  };
}

const only = (step: Step): Part => ({ steps: [step], output: {}, delivery: {}, values: {} });

/** A component of a layer, and those up to `fl_layer_apply`; without it, the component says all. */
function layerAt(
  groups: readonly Group[],
  at: number,
  layer: Item,
): { readonly parts: LayerParts; readonly next: number } {
  const own = (groups[at] ?? []).filter((item) => item !== layer);
  const isLayer = (group: Group) => group.some(({ key }) => key === "l");
  const isEnd = (group: Group) =>
    group.some(({ key, value }) => key === "fl" && value.split(".").includes("layer_apply"));
  const end = isEnd(own)
    ? at
    : groups.findIndex((group, index) => index > at && (isLayer(group) || isEnd(group)));
  const last = groups[end];
  const source = layer.value;
  if (end <= at || !last || isLayer(last)) {
    const isOfPlace = ({ key, value }: Item) =>
      isPlace(key) || key === "fl" || (key === "e" && isBlend(value));
    return {
      parts: { source, inner: [own.filter((item) => !isOfPlace(item))], place: own.filter(isOfPlace) },
      next: at + 1,
    };
  }
  const inner = [own, ...groups.slice(at + 1, end)].filter((group) => group.length > 0);
  return { parts: { source, inner, place: last }, next: end + 1 };
}

/** The components of `if_…` up to `if_else` and `if_end`. A component with parameters beside it can stand alone. */
function blockOf(groups: readonly Group[], at: number, text: string) {
  if (text === "else" || text === "end") throw invalid("if", "if_<condition> before", `if_${text}`);
  const beside = (index: number) => (groups[index] ?? []).filter(({ key }) => key !== "if");
  const markOf = (index: number) => groups[index]?.find(({ key }) => key === "if")?.value;
  let depth = 0;
  let otherwise: number | undefined;
  for (let index = at + 1; index < groups.length; index++) {
    const marker = markOf(index);
    if (marker === undefined) continue;
    if (marker === "end" && depth > 0) depth--;
    else if (marker === "end") {
      const yes = [beside(at), ...groups.slice(at + 1, otherwise ?? index)];
      const no = otherwise === undefined ? [] : [beside(otherwise), ...groups.slice(otherwise + 1, index)];
      const isFull = (group: Group) => group.length > 0;
      return { yes: yes.filter(isFull), no: no.filter(isFull), next: index + 1 };
    } else if (marker === "else") otherwise = depth === 0 ? index : otherwise;
    else if (beside(index).length === 0) depth++;
  }
  if (beside(at).length === 0) throw invalid("if", "if_end after it", `if_${text}`);
  return { yes: [beside(at)], no: [], next: at + 1 };
}

const whenOf = (text: string, yes: readonly Step[], no: readonly Step[]): Step => ({
  op: "when",
  if: condition(text),
  // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
  then: yes,
  else: no,
});

/** Fields of the output that a branch can change. */
const WRITABLE = new Set<string>([
  "format",
  "quality",
  "lossless",
  "progressive",
  "colorProfile",
  "metadata",
]);

/** The steps of a branch; what it says of the output becomes a step, too. */
function branchSteps({ steps, output, delivery, values }: Part, { media }: ReadContext): readonly Step[] {
  const other = Object.keys(output).find((field) => !WRITABLE.has(field)) ?? Object.keys(delivery)[0];
  const isOfVideo =
    media === "video" && [values.f, values.q, values.vc, values.ac].some((value) => value !== undefined);
  if (other !== undefined || output.format === "auto" || isOfVideo || steps.some(({ op }) => FIRST.has(op))) {
    throw unsupported(`${other ?? "a source or an automatic format"} in a condition`, "if");
  }
  if (Object.keys(output).length === 0) return steps;
  return [...steps, { op: "write", output: output as StepOf<"write">["output"] }];
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
