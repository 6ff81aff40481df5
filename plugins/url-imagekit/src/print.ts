import { isDeepStrictEqual } from "node:util";
import { isMediaError, type Output, type Step, type StepOf, type Transformation } from "@mediatap/core";
import { type ChainOptions, readChain } from "./chain.ts";
import { printPaint } from "./colours.ts";
import { printCondition } from "./condition.ts";
import { type CustomParameters, printCustom } from "./custom.ts";
import { unprintable } from "./errors.ts";
import { printExpression } from "./expression.ts";
import { printLayer } from "./layer-print.ts";
import { type Items, item, itemsOf, printNumber, wordFor } from "./numbers.ts";
import { printOperation } from "./operations.ts";
import { FORMATS, keyOfMode, MODES, type Mode } from "./parameters.ts";
import { tokenize } from "./tokenize.ts";
import { printFocus } from "./values.ts";
import { printHead, printVideo, splitHead } from "./video.ts";
import { isMoving, PICTURE, VIDEO, type Wanted, wantedFor } from "./wanted.ts";

/**
 * A Transformation → its chain; `""` if there is nothing to say. `parseChain` of the result gives the same
 * steps. Throws `EUNSUPPORTED` for what the language has no words for. `parameters`: those beside the language's own.
 */
export function printChain(transformation: Transformation, parameters: CustomParameters = {}): string {
  const { steps, output } = transformation;
  if (output.format === "original") return "orig-true";
  if (output.info?.form) throw unprintable(`descriptions of ${output.info.form.plugin}`);
  const wanted = wantedFor(transformation);
  const chain = printAll(steps, wanted, parameters);
  if (!readsAs(chain.join(":"), steps, { wanted: withoutPart(wanted), parameters }))
    throw unprintable("this order of steps");
  const last = itemsOf(...(output.video ? printVideo(output.video) : printOutput(output)));
  // A condition stands alone in its step.
  if (last !== "") chain.push(chain.at(-1)?.startsWith("if-") ? last : itemsOf(chain.pop(), last));
  return chain.join(":");
}

/** A playlist's own parameters are no matter of steps. */
function withoutPart(wanted: Wanted): Wanted {
  return wanted.kind === "master" ? { kind: "part", part: { kind: "any" } } : wanted;
}

/** All steps of a chain: what is taken of the source, then what is done to it. */
function printAll(steps: readonly Step[], wanted: Wanted, parameters: CustomParameters): string[] {
  const { head, rest } = splitHead(steps, wanted);
  const [first, ...others] = printSteps(rest, { wanted: isMoving(wanted) ? VIDEO : PICTURE, parameters });
  const taken = itemsOf(...printHead(head));
  if (taken === "") return first === undefined ? [] : [first, ...others];
  // A condition stands alone in its step.
  if (first === undefined || first.startsWith("if-")) return [taken, ...(first ? [first] : []), ...others];
  return [itemsOf(taken, first), ...others];
}

/** Steps of the language: an operation joins the ones before it if that reads back as the same, in the same order. */
function printSteps(steps: readonly Step[], how: Printing): string[] {
  const chain: string[] = [];
  let group: Step[] = [];
  let text: string | undefined;
  for (const step of steps) {
    const item = printStep(step, how.parameters);
    const longer = text === undefined ? undefined : join(text, item);
    if (longer !== undefined && readsAs(longer, [...group, step], how)) {
      group.push(step);
      text = longer;
      continue;
    }
    if (text !== undefined) chain.push(text);
    group = [step];
    text = item;
  }
  if (text !== undefined) chain.push(text);
  return chain;
}

/** Both texts as one; a background that both name is named once. */
function join(text: string, item: string): string {
  const known = new Set(text.split(","));
  return itemsOf(text, ...item.split(",").filter((part) => !known.has(part)));
}

function readsAs(text: string, steps: readonly Step[], how: Printing): boolean {
  try {
    const chain = text === "" ? [] : tokenize(text);
    return isDeepStrictEqual(readChain(chain, how).transformation.steps, steps);
  } catch (error) {
    if (!isMediaError(error)) throw error;
    return false;
  }
}

/** What a chain is printed for, and with. */
type Printing = Required<Pick<ChainOptions, "wanted" | "parameters">>;

type Printers = { readonly [K in Step["op"]]?: (step: StepOf<K>, parameters: CustomParameters) => string };

const PRINTERS: Printers = {
  frame: ({ page, time }) => {
    if (time !== undefined) throw unprintable("moments of a video after other steps");
    return `pg-${page}`;
  },
  resize: printResize,
  extract: printExtract,
  flatten: ({ background }) => `bg-${printPaint(background)}`,
  write: ({ output }) => itemsOf(...printOutput(output)),
  overlay: (step, parameters) => printLayer(step, (steps, wanted) => printAll(steps, wanted, parameters)),
  when: (step, parameters) => {
    const test = printCondition(step.if);
    const otherwise = step.else.length === 0 ? undefined : `if-else,${printBranch(step.else, parameters)}`;
    return itemsOf(`if-${test}`, printBranch(step.then, parameters), otherwise, "if-end");
  },
};

/** A branch may not be empty: turning by nothing stands for nothing. */
function printBranch(steps: readonly Step[], parameters: CustomParameters): string {
  return steps.length === 0 ? "rt-0" : printSteps(steps, { wanted: PICTURE, parameters }).join(":");
}

function printStep(step: Step, parameters: CustomParameters): string {
  const printer = PRINTERS[step.op] as ((step: Step, parameters: CustomParameters) => string) | undefined;
  const text = printer ? printer(step, parameters) : (printOperation(step) ?? printCustom(step, parameters));
  if (text === undefined) throw unprintable(step.op);
  return text;
}

function printResize(step: StepOf<"resize">): string {
  return itemsOf(...size(step), modeOf(step), ...looking(step), item("bg", step.background, printPaint));
}

/** The item for a scaling mode; without both sides there is no box, and only enlarging matters. */
function modeOf({ width, height, ratio, fit, enlarge }: StepOf<"resize">): string | undefined {
  const box = (width !== undefined && height !== undefined) || ratio !== undefined;
  if (!box) return enlarge ? undefined : "c-at_max";
  const mode = modeFor({ fit, enlarge });
  if (!mode) throw unprintable(`resize with fit ${fit} that never enlarges`);
  return mode === "maintain_ratio" ? undefined : `${keyOfMode(mode)}-${mode}`;
}

const modeFor = (how: object): Mode | undefined =>
  (Object.keys(MODES) as Mode[]).find((mode) => isDeepStrictEqual(MODES[mode], how));

function printExtract(step: StepOf<"extract">): string {
  const { at, outside, shrink, background } = step;
  const sized = step.width !== undefined || step.height !== undefined || at !== undefined;
  if (step.focus === "faces" && !sized) return itemsOf(...size(step), ...looking(step));
  const c = at?.from === "center" ? "c" : "";
  return itemsOf(
    ...size(step),
    `cm-${modeFor({ outside, shrink }) ?? "extract"}`,
    item(`x${c}`, at?.x, printExpression),
    item(`y${c}`, at?.y, printExpression),
    ...looking(step),
    item("bg", background, printPaint),
  );
}

const looking = ({ focus, zoom }: StepOf<"resize"> | StepOf<"extract">): Items => [
  item("fo", focus, printFocus),
  item("z", zoom, printNumber),
];

const size = ({ width, height, ratio, dpr }: StepOf<"resize"> | StepOf<"extract">): Items => [
  item("w", width, printExpression),
  item("h", height, printExpression),
  item("ar", ratio, printExpression),
  item("dpr", dpr, printExpression),
];

function printOutput(output: Output): Items {
  const { format, quality, lossless, progressive, colorProfile, metadata, density } = output;
  const printKeep = (value: string) => String(value === "keep");
  return [
    item("f", format, (format) => wordFor(FORMATS, format) ?? format),
    // The language has no word for it: the endpoint's own rule, where it came from, says it again.
    item("q", quality === "auto" ? undefined : quality, printNumber),
    item("lo", lossless, String),
    item("pr", progressive, String),
    item("cp", colorProfile, printKeep),
    item("md", metadata, printKeep),
    item("dn", density, printExpression),
  ];
}
