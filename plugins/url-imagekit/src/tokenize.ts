import { DEFAULT_LIMITS, type Limits, MediaError, printable } from "@mediatap/core";
import { decodeText } from "@mediatap/core/language";

/** A parameter, its key split from its value; the value is `""` if there is none. */
export interface Parameter {
  readonly kind: "parameter";
  readonly key: string;
  readonly value: string;
}

/** `l-<type>,…,l-end`. */
export interface LayerBlock {
  readonly kind: "layer";
  readonly type: string;
  readonly chain: Chain;
}

/** `if-<condition>,…,if-else,…,if-end`. */
export interface IfBlock {
  readonly kind: "if";
  readonly condition: string;
  readonly yes: Chain;
  readonly no: Chain;
}

export type Item = Parameter | LayerBlock | IfBlock;
/** Steps, each a list of items. */
export type Chain = readonly (readonly Item[])[];

/** A block that is still open while the text is read. */
interface Frame {
  readonly kind: "chain" | "layer" | "if";
  /** Type of the layer, or condition. */
  readonly head: string;
  /** The finished first branch, once `if-else` has been read. */
  yes?: Chain;
  steps: Item[][];
}

/** Blocks in blocks; far above what the limits on layers allow, far below what hurts. */
const MAX_DEPTH = 8;

/** Limits on what a chain may hold. */
export type ChainLimits = Pick<Limits, "steps" | "layers" | "layerDepth" | "expressionTokens">;

export interface TokenizeOptions {
  /** Values are percent-encoded; they are decoded here, after the separators have been found. @default false */
  readonly encoded?: boolean;
  readonly limits?: ChainLimits;
}

/** Text → steps and blocks, in one pass from left to right. */
export function tokenize(
  text: string,
  { encoded = false, limits = DEFAULT_LIMITS }: TokenizeOptions = {},
): Chain {
  if (text === "") throw new MediaError("EINVAL", "Expected a transformation but received none");
  const frames: Frame[] = [open("chain", "")];
  let layers = 0;
  let start = 0;
  let separator = ",";
  while (start <= text.length) {
    const end = endOfItem(text, start);
    const token = text.slice(start, end);
    if (token === "") throw malformed("a parameter between separators", text);
    const frame = frames.at(-1) as Frame;
    if (separator === ":") {
      checkStep(frame, text);
      frame.steps.push([]);
    }
    if (token === "l-end" || token === "if-end") {
      const block = close(frame, token, text);
      frames.pop();
      frames.at(-1)?.steps.at(-1)?.push(block);
    } else if (token === "if-else") {
      if (frame.kind !== "if" || frame.yes) throw malformed("if-else after if-", text);
      frame.yes = finish(frame, text);
      frame.steps = [[]];
    } else if (token.startsWith("l-") || token.startsWith("if-")) {
      const isLayer = token.startsWith("l-");
      if (isLayer) layers++;
      frames.push(isLayer ? open("layer", token.slice(2)) : open("if", token.slice(3)));
      checkDepth(frames, layers, limits);
    } else {
      frame.steps.at(-1)?.push(parameter(token, encoded));
    }
    separator = text[end] ?? "";
    start = end + 1;
  }
  const [root, unclosed] = frames;
  if (!root || unclosed) throw malformed(unclosed?.kind === "if" ? "if-end" : "l-end", text);
  return finish(root, text);
}

/** Where the item that begins at `start` ends. `:` separates steps, except in `ar-4:3` and `di-https:@@@@host:8080@@…`. */
function endOfItem(text: string, start: number): number {
  let end = start;
  while (end < text.length && text[end] !== "," && (text[end] !== ":" || isOfAddress(text, end))) end++;
  if (text[end] !== ":" || !text.startsWith("ar-", start)) return end;
  let second = end + 1;
  while (/[0-9.]/.test(text[second] ?? "")) second++;
  const follows = text[second] ?? ",";
  return second > end + 1 && (follows === "," || follows === ":") ? second : end;
}

/** No step begins with slashes or is a number before one, but the host of an address and its port are. */
function isOfAddress(text: string, colon: number): boolean {
  return /^(?:@@|\/\/|[0-9]{1,5}(?:@@|\/))/.test(text.slice(colon + 1, colon + 8));
}

/** Keys of effects hold a hyphen themselves: `e-usm-2-2-0.8-0.024`. */
export function splitParameter(text: string): { readonly key: string; readonly value: string } {
  const dash = text.indexOf("-", text.startsWith("e-") ? 2 : 0);
  return dash < 0 ? { key: text, value: "" } : { key: text.slice(0, dash), value: text.slice(dash + 1) };
}

function parameter(token: string, encoded: boolean): Parameter {
  const { key, value } = splitParameter(token);
  return { kind: "parameter", key, value: encoded ? decodeText(value, key) : value };
}

const open = (kind: Frame["kind"], head: string): Frame => ({ kind, head, steps: [[]] });

/** The last step of a frame is complete. */
function checkStep({ steps }: Frame, text: string): void {
  const step = steps.at(-1) ?? [];
  if (step.length === 0) throw malformed("a parameter between separators", text);
  if (step.length > 1 && step.some((item) => item.kind === "if")) {
    throw malformed("if- alone in its step", text);
  }
}

function finish(frame: Frame, text: string): Chain {
  checkStep(frame, text);
  return frame.steps;
}

function close(frame: Frame, token: string, text: string): Item {
  if (frame.kind === "layer" && token === "l-end") {
    return { kind: "layer", type: frame.head, chain: finish(frame, text) };
  }
  if (frame.kind === "if" && token === "if-end") {
    const last = finish(frame, text);
    return { kind: "if", condition: frame.head, yes: frame.yes ?? last, no: frame.yes ? last : [] };
  }
  throw malformed(`${token} only after its beginning`, text);
}

function checkDepth(frames: readonly Frame[], layers: number, limits: ChainLimits): void {
  const depth = frames.filter((frame) => frame.kind === "layer").length;
  if (depth > limits.layerDepth) {
    throw new MediaError("ELIMIT", `Expected layers at most ${limits.layerDepth} deep`);
  }
  if (layers > limits.layers) {
    throw new MediaError("ELIMIT", `Expected at most ${limits.layers} layers`);
  }
  if (frames.length > MAX_DEPTH) {
    throw new MediaError("ELIMIT", `Expected blocks at most ${MAX_DEPTH} deep`);
  }
}

function malformed(expected: string, text: string): MediaError {
  return new MediaError("EINVAL", `Expected ${expected} in transformation '${printable(text)}'`);
}
