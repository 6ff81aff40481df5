import {
  DEFAULT_LIMITS,
  MediaError,
  type Output,
  printable,
  type Step,
  type StepOf,
  type Transformation,
} from "@mediatap/core";
import { lenient } from "@mediatap/core/language";
import { WITH_PLAYLISTS, whereElse } from "./allowed.ts";
import { condition } from "./condition.ts";
import type { CustomParameter, CustomParameters } from "./custom.ts";
import { isMissing, misplaced, separated } from "./errors.ts";
import { assertExpressions } from "./expression.ts";
import { type Hints, NO_HINTS } from "./hints.ts";
import { readLayer } from "./layer.ts";
import { expand, type NamedTransformations } from "./named.ts";
import { isKey, KEYS, type Key, LAYER_KEYS, PARAMETERS, RETIRED_KEYS, type Values } from "./parameters.ts";
import type { Reading } from "./reading.ts";
import { unknownParameter } from "./respell.ts";
import { stepsOf } from "./steps.ts";
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
const ONCE: ReadonlySet<string> = new Set(
  "pg f q lo pr cp md dn di orig vc ac so eo du sr spd vol".split(" "),
);

/** Those of them that a condition can decide. */
const BRANCHED: ReadonlySet<string> = new Set(["f", "q", "lo", "pr", "cp", "md"]);

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
  assertCounts(chain, limits);
  if (wanted.kind === "info" && chain.length > 0) {
    throw new MediaError("EINVAL", "Expected no transformation with ik-info.json");
  }
  const original = find(chain, "orig", "true");
  if (original) {
    if (wanted.kind === "master" || wanted.kind === "part") {
      throw misplaced("orig", original.value, "outside of streams");
    }
    return ORIGINAL;
  }
  const resolutions = wanted.kind === "part" ? find(written, "sr") : undefined;
  if (resolutions) throw misplaced("sr", resolutions.value, WITH_PLAYLISTS);
  const reading: Reading = {
    hints,
    known: "own",
    tokens: limits.expressionTokens,
    missing: [],
    wanted,
    parameters,
    refused: [],
  };
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

/** Each part has been held to the limit on layers; several, in the path and in the query, and names add up. */
function assertCounts(chain: Chain, limits: ChainLimits): void {
  let [steps, layers] = [0, 0];
  const count = (chain: Chain, isLayer: boolean) => {
    for (const step of chain) {
      if (!isLayer) steps++;
      for (const item of step) {
        if (item.kind === "layer") {
          layers++;
          count(item.chain, true);
        } else if (item.kind === "if") {
          count(item.yes, isLayer);
          count(item.no, isLayer);
        }
      }
    }
  };
  count(chain, false);
  if (steps > limits.steps) {
    throw new MediaError("ELIMIT", `Expected at most ${limits.steps} steps but received ${steps}`);
  }
  if (layers > limits.layers) throw new MediaError("ELIMIT", `Expected at most ${limits.layers} layers`);
}

/** The first parameter with this key, and this value. */
function find(chain: Chain, key: string, value?: string): Parameter | undefined {
  for (const step of chain) {
    for (const item of step) {
      if (item.kind !== "parameter" || item.key !== key) continue;
      if (value === undefined || item.value === value) return item;
    }
  }
  return undefined;
}

/** One step of the language. What acts once is noted in `once`, which is left out inside of a condition. */
function readStep(items: readonly Item[], reading: Reading, once?: Values): Step[] {
  const values: Values = {};
  const layers: Step[] = [];
  const custom = new Map<string, Step>();
  for (const item of items) {
    if (item.kind === "if") {
      if (isMoving(reading.wanted)) reading.refused.push(misplaced("if", "", "on pictures only"));
      return readCondition(item, reading);
    } else if (item.kind === "layer") {
      const layer = readLayer(item, reading, readStep);
      if (layer) layers.push(layer);
    } else if (Object.hasOwn(reading.parameters, item.key)) {
      const { read } = reading.parameters[item.key] as CustomParameter;
      if (isMoving(reading.wanted)) reading.refused.push(misplaced(item.key, item.value, "on pictures only"));
      else custom.set(item.key, read(item.value, item.key));
    } else {
      readParameter(item, reading, values, once);
    }
  }
  const steps = stepsOf(values, reading);
  if (custom.size > 0) {
    for (const key of Object.keys(reading.parameters)) {
      const step = custom.get(key);
      if (step) steps.push(step);
    }
  }
  steps.push(...layers);
  if (once) return steps;
  const output = outputOf(values) as StepOf<"write">["output"];
  return Object.keys(output).length > 0 ? [...steps, { op: "write", output }] : steps;
}

/** Reads one parameter into `values`, or into `once`; the last of a name wins. */
function readParameter(item: Parameter, reading: Reading, values: Values, once: Values | undefined): void {
  const { key, value: text } = item;
  if (!isKey(key)) throw unknown(item, reading);
  const value = readValue(key, text);
  const lacks = isMissing(value) ? value : undefined;
  if (!lacks) assertExpressions(value, reading, text, key);
  const where = whereElse(key, text, lacks ? undefined : value, reading.wanted);
  if (typeof where === "string") reading.refused.push(misplaced(key, text, where));
  else if (where) reading.refused.push(where);
  else if (lacks) {
    reading.missing.push(`${lacks.missing} (${printable(text === "" ? key : `${key}-${text}`)})`);
  }
  const isOnce = ONCE.has(key);
  if (isOnce && !once) assertInCondition(key, value, reading);
  // A dimension that is too large to count is no value.
  if (lacks || value === undefined) return;
  const into: Record<string, unknown> = isOnce && once ? once : values;
  into[key] = value;
}

/** With a hint where a parameter is written behind another sign than a comma. */
function readValue(key: Key, text: string): unknown {
  try {
    return PARAMETERS[key](text, key);
  } catch (error) {
    throw separated(error, text);
  }
}

/** A condition stands alone in its step, which the tokenizer has seen to. */
function readCondition(block: IfBlock, reading: Reading): Step[] {
  const branch = (chain: Chain) => chain.flatMap((step) => readStep(step, reading));
  const [test, yes, no] = [condition(block.condition), branch(block.yes), branch(block.no)];
  if (yes.length === 0 && no.length === 0) return [];
  // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
  return [{ op: "when", if: test, then: yes, else: no }];
}

/** The page is the source's and cannot depend on it; what clients accept is asked before the source is known. */
function assertInCondition(key: Key, value: unknown, { known, missing }: Reading): void {
  if (key === "pg") throw new MediaError("EINVAL", "Expected 'pg' outside of conditions");
  if (known !== "own") throw new MediaError("EINVAL", `Expected '${key}' outside of layers`);
  if (!BRANCHED.has(key) || (key === "f" && value === "auto")) {
    missing.push(`this output parameter in conditions (${key})`);
  }
}

/** The error for a key that has no meaning here. */
function unknown({ key, value }: Parameter, { parameters }: Reading): MediaError {
  const shown = printable(key);
  if (RETIRED_KEYS.has(key)) {
    const expected = `Expected a layer (l-image, l-text) but received retired parameter '${shown}'`;
    return new MediaError("EINVAL", expected);
  }
  if (LAYER_KEYS.has(key)) return new MediaError("EINVAL", `Expected '${shown}' inside of a layer only`);
  return unknownParameter(lenient(key), value, new Set([...KEYS, ...Object.keys(parameters)]));
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
    case "info":
      return { info: {} };
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
