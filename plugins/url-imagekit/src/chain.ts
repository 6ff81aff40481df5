import {
  DEFAULT_LIMITS,
  MediaError,
  type Output,
  printable,
  type Step,
  type StepOf,
  type Transformation,
} from "@mediatap/core";
import { elsewhere, misplaced } from "./allowed.ts";
import { condition } from "./condition.ts";
import type { CustomParameter, CustomParameters } from "./custom.ts";
import { assertExpressions } from "./expression.ts";
import { type Hints, NO_HINTS } from "./hints.ts";
import { readLayer } from "./layer.ts";
import { expand, type NamedTransformations } from "./named.ts";
import { isKey, KEYS, type Key, LAYER_KEYS, RETIRED_KEYS, readInto, type Values } from "./parameters.ts";
import { lenient } from "./query.ts";
import type { Reading } from "./reading.ts";
import { unknownParameter } from "./respell.ts";
import { stepsOf } from "./steps.ts";
import { separated } from "./suggest.ts";
import {
  type Chain,
  type ChainLimits,
  type IfBlock,
  type Item,
  type Parameter,
  tokenize,
} from "./tokenize.ts";
import { headOf, isStretch, movingFormat, videoOutputOf } from "./video.ts";
import { isMoving, PICTURE, type Wanted } from "./wanted.ts";

/** Parameters that describe the answer or the source: they act once, wherever they stand, and the last one wins. */
const ONCE = "pg f q lo pr cp md dn di orig vc ac so eo du sr spd vol".split(" ") as readonly Key[];

export interface ChainOptions {
  /** What `n-` may name. @default {} */
  readonly named?: NamedTransformations;
  /** @default the server's defaults */
  readonly limits?: ChainLimits;
  /** What `w-auto` and `dpr-auto` read. Left out: both are ignored. */
  readonly hints?: Hints;
  /** What the chain is for. @default a picture */
  readonly wanted?: Wanted;
  /** Parameters beside those of the language. @default {} */
  readonly parameters?: CustomParameters;
}

export interface ParsedChain {
  readonly transformation: Transformation;
  /** Value of `di`: path of the picture that stands in for a missing one. */
  readonly fallback?: string;
  /** `cp-true` was said, which keeps AVIF from being chosen. */
  readonly keepsProfile: boolean;
}

/** The untouched bytes. */
export const ORIGINAL: ParsedChain = {
  transformation: { steps: [], output: { format: "original" } },
  keepsProfile: false,
};

/**
 * A chain such as `w-400,h-300:rt-90` → its Transformation. Throws `EINVAL` for text outside the language,
 * `EUNSUPPORTED` for requests that the Transformation cannot say, `ELIMIT` for chains that are too long.
 */
export function parseChain(text: string, options: ChainOptions = {}): Transformation {
  const { limits = DEFAULT_LIMITS } = options;
  return readChain(tokenize(text, { limits }), options).transformation;
}

/** As `parseChain`, of a chain that has been split already. */
export function readChain(written: Chain, options: ChainOptions = {}): ParsedChain {
  const {
    named = {},
    hints = NO_HINTS,
    limits = DEFAULT_LIMITS,
    wanted = PICTURE,
    parameters = {},
  } = options;
  const chain = expand(written, named, limits);
  const length = lengthOf(chain);
  if (length > limits.steps) {
    throw new MediaError("ELIMIT", `Expected at most ${limits.steps} steps but received ${length}`);
  }
  // Each part has been held to this; several, in the path and in the query, and names add up.
  if (layersOf(chain) > limits.layers) {
    throw new MediaError("ELIMIT", `Expected at most ${limits.layers} layers`);
  }
  const original = chain.flat().find(isOriginal);
  if (original) {
    if (isStream(wanted)) throw elsewhere(original, "outside of streams");
    return ORIGINAL;
  }
  const reading: Reading = {
    hints,
    known: "own",
    tokens: limits.expressionTokens,
    missing: [],
    wanted,
    parameters,
    refused: [],
  };
  const resolutions = wanted.kind === "part" ? written.flat().find(isResolutions) : undefined;
  if (resolutions) throw elsewhere(resolutions, "with ik-master.m3u8 or ik-master.mpd only");
  const once: Values = {};
  const steps = chain.flatMap((step) => readStep(step, reading, once));
  // Only now: an invalid chain is the client's to mend, whatever it asks for beside.
  const [refused] = reading.refused;
  if (refused) throw refused;
  const [missing] = reading.missing;
  if (missing) throw new MediaError("EUNSUPPORTED", `Not supported here: ${missing}`);
  return {
    transformation: { steps: [...headOf(once, wanted), ...steps], output: outputFor(once, wanted) },
    keepsProfile: once.cp === true,
    ...(once.di !== undefined && { fallback: once.di }),
  };
}

/** Steps of a chain, those in the branches of conditions included. */
function lengthOf(chain: Chain): number {
  const inner = (item: Item) => (item.kind === "if" ? lengthOf(item.yes) + lengthOf(item.no) : 0);
  return chain.reduce((sum, step) => sum + 1 + step.reduce((more, item) => more + inner(item), 0), 0);
}

/** Layers of a chain, those on layers and in the branches of conditions included. */
function layersOf(chain: Chain): number {
  return chain.flat().reduce((sum, item) => {
    if (item.kind === "if") return sum + layersOf(item.yes) + layersOf(item.no);
    return item.kind === "layer" ? sum + 1 + layersOf(item.chain) : sum;
  }, 0);
}

/** Those of them that a condition can decide. */
const BRANCHED: readonly Key[] = ["f", "q", "lo", "pr", "cp", "md"];

/** One step of the language. What acts once is noted in `once`, which is left out inside of a condition. */
function readStep(items: readonly Item[], reading: Reading, once?: Values): Step[] {
  const { missing } = reading;
  const values: Values = {};
  const layers: Step[] = [];
  const custom = new Map<string, Step>();
  for (const item of items) {
    if (item.kind === "parameter" && Object.hasOwn(reading.parameters, item.key)) {
      if (isMoving(reading.wanted)) reading.refused.push(elsewhere(item, "on pictures only"));
      else custom.set(item.key, (reading.parameters[item.key] as CustomParameter).read(item.value, item.key));
    } else if (item.kind === "parameter") {
      const key = known(item, reading);
      const lacks = readValue(values, key, item.value);
      assertExpressions(values[key], reading, item.value, key);
      const wrong = misplaced(item, values, reading.wanted);
      if (wrong) reading.refused.push(wrong);
      else if (lacks) missing.push(`${lacks.missing} (${printable(nameOf(item))})`);
      if (!once && ONCE.includes(key)) checkInCondition(key, values, reading);
    } else if (item.kind === "if") {
      if (isMoving(reading.wanted))
        reading.refused.push(elsewhere({ key: "if", value: "" }, "on pictures only"));
      return readCondition(item, reading);
    } else {
      const layer = readLayer(item, reading, readStep);
      if (layer) layers.push(layer);
    }
  }
  for (const key of ONCE) if (values[key] !== undefined) Object.assign(once ?? {}, { [key]: values[key] });
  const output = once ? {} : outputOf(only(BRANCHED, values));
  const write: Step[] =
    Object.keys(output).length > 0 ? [{ op: "write", output: output as StepOf<"write">["output"] }] : [];
  const own = Object.keys(reading.parameters).flatMap((key) => custom.get(key) ?? []);
  return [...stepsOf(values, reading), ...own, ...layers, ...write];
}

function only(keys: readonly Key[], values: Values): Values {
  return Object.fromEntries(keys.flatMap((key) => (key in values ? [[key, values[key]]] : [])));
}

/** A condition stands alone in its step, which the tokenizer has seen to. */
function readCondition(block: IfBlock, reading: Reading): Step[] {
  const test = condition(block.condition);
  const [yes = [], no = []] = [block.yes, block.no].map((branch) =>
    branch.flatMap((step) => readStep(step, reading)),
  );
  if (yes.length === 0 && no.length === 0) return [];
  // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
  return [{ op: "when", if: test, then: yes, else: no }];
}

/** The page is the source's and cannot depend on it; what clients accept is asked before the source is known. */
function checkInCondition(key: Key, values: Values, { known, missing }: Reading): void {
  if (key === "pg") throw new MediaError("EINVAL", "Expected 'pg' outside of conditions");
  if (known !== "own") throw new MediaError("EINVAL", `Expected '${key}' outside of layers`);
  if (!BRANCHED.includes(key) || (key === "f" && values.f === "auto")) {
    missing.push(`this output parameter in conditions (${key})`);
  }
}

/** As `readInto`, with a hint where a parameter is written behind another sign than a comma. */
function readValue(values: Values, key: Key, text: string) {
  try {
    return readInto(values, key, text);
  } catch (error) {
    throw separated(error, text);
  }
}

/** The parameter's key. Throws `EINVAL` for one that has no meaning here. */
function known(item: Parameter, { parameters }: Reading): Key {
  if (isKey(item.key)) return item.key;
  const shown = printable(item.key);
  if (RETIRED_KEYS.has(item.key)) {
    throw new MediaError(
      "EINVAL",
      `Expected a layer (l-image, l-text) but received retired parameter '${shown}'`,
    );
  }
  if (LAYER_KEYS.has(item.key)) throw new MediaError("EINVAL", `Expected '${shown}' inside of a layer only`);
  throw unknownParameter(lenient(item.key), item.value, new Set([...KEYS, ...Object.keys(parameters)]));
}

function nameOf({ key, value }: Parameter): string {
  return value === "" ? key : `${key}-${value}`;
}

function isResolutions(item: Item): item is Parameter {
  return item.kind === "parameter" && item.key === "sr";
}

function isStream({ kind }: Wanted): boolean {
  return kind === "master" || kind === "part";
}

function isOriginal(item: Item): item is Parameter {
  return item.kind === "parameter" && item.key === "orig" && item.value === "true";
}

function outputFor(values: Values, wanted: Wanted): Output {
  switch (wanted.kind) {
    case "video":
      return { video: videoOutputOf(values) };
    case "part":
      return { video: { part: wanted.part } };
    case "master": {
      const { protocol } = wanted;
      if (!values.sr) throw new MediaError("EINVAL", "Expected resolutions (sr) for a stream");
      return { video: { part: { kind: "master", protocol, rungs: values.sr } } };
    }
    case "still":
      return { ...outputOf(values), ...(isStretch(values) && { format: movingFormat(values.f) }) };
    case "picture":
      return outputOf(values);
  }
}

function outputOf(values: Values): Output {
  // Metadata include the colour profile, unless the chain says otherwise.
  const profile = values.cp ?? (values.md ? true : undefined);
  return {
    ...(values.f !== undefined && values.f !== "mp4" && values.f !== "webm" && { format: values.f }),
    ...(values.q !== undefined && { quality: values.q }),
    ...(values.lo !== undefined && { lossless: values.lo }),
    ...(values.pr !== undefined && { progressive: values.pr }),
    ...(profile !== undefined && { colorProfile: profile ? "keep" : "srgb" }),
    ...(values.md !== undefined && { metadata: values.md ? "keep" : "strip" }),
    ...(values.dn !== undefined && { density: values.dn }),
  };
}
