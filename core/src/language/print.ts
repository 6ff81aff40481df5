import { canonicalSteps, canonicalTransformation, stableJson } from "../model/canonical.ts";
import { isMediaError } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import type { StepRegistry } from "../model/steps/registry.ts";
import type { Output, Step } from "../model/transformation.ts";
import { type GroupReader, type Meaning, orderOf, type Vocabulary } from "./read.ts";
import { printNumber } from "./readers.ts";
import {
  entriesOf,
  type Group,
  type Item,
  type Parameter,
  type ReadContext,
  unprintable,
  type Values,
} from "./table.ts";

interface PrintParts<T> {
  readonly vocabulary: Vocabulary<T>;
  readonly read: GroupReader<T>;
  /** As in `Grammar`. */
  readonly chains: boolean;
  /** Reads all groups, as a URL's are read. */
  readonly readAll: (groups: readonly Group[], context: ReadContext) => Meaning;
  readonly registry: StepRegistry;
}

/** A job in the words of a language, and what it has no words for. */
export interface Printed {
  readonly groups: readonly Group[];
  /** What the groups do not express: operations, fields of the output. */
  readonly missing: readonly string[];
}

/** A step, and the values of parameters that stand for it. */
interface Worded<T> {
  readonly step: Step;
  readonly values: Values<T>;
}

/** Fields of the output that no language needs to write: the server's configuration decides. */
const SERVER_FIELDS: ReadonlySet<string> = new Set(["allowed", "smallest", "fidelity"]);

/** Whether a field need not be written: no URL can turn sanitising of SVGs off. */
const isServerField = (field: keyof Output, output: Output): boolean =>
  SERVER_FIELDS.has(field) || (field === "sanitizeSvg" && output.sanitizeSvg === undefined);

/**
 * A job in canonical form → groups of parameters. Operations join one group as long as they read back as the same steps in the same
 * order. What cannot be written is named, never left out silently: the result is read again and compared.
 */
export function createPrinter<T>({ vocabulary, read, readAll, chains, registry }: PrintParts<T>) {
  const { parameters } = vocabulary;
  const entries = entriesOf(parameters);
  const order = orderOf(vocabulary);

  /** The values for a step. `undefined`: no parameter stands for it. */
  function valuesFor(step: Step, context: ReadContext): Values<T> | undefined {
    for (const entry of order) {
      if (typeof entry === "object") {
        const found = entry.fromStep(step);
        const values = isSeveral(found) ? found.find((one) => readsAs(one, [step], context)) : found;
        if (values) return values;
      } else {
        const value = (parameters[entry] as unknown as Parameter<unknown>).fromStep?.(step);
        if (value !== undefined) return { [entry]: value } as Values<T>;
      }
    }
    return undefined;
  }

  const itemsOf = (values: Values<T>): Item[] =>
    entries.flatMap(([key, { print }]) => {
      const value: unknown = values[key];
      return value === undefined ? [] : [{ key, value: print ? print(value) : printed(value) }];
    });

  function readsAs(values: Values<T>, steps: readonly Step[], context: ReadContext): boolean {
    try {
      const found = canonicalSteps(read(itemsOf(values), context).steps, registry);
      return isSame(found, canonicalSteps(steps, registry));
    } catch (error) {
      if (!isMediaError(error)) throw error;
      return false;
    }
  }

  /** One group for all steps: where one stands may depend on those after it. `undefined`: there is none. */
  function oneGroup(words: readonly Worded<T>[], context: ReadContext): Values<T> | undefined {
    let values: Values<T> | undefined = {};
    for (const word of words) values = values && joinedWith(values, word.values);
    const steps = words.map(({ step }) => step);
    return values && readsAs(values, steps, context) ? values : undefined;
  }

  function groupsOf(steps: readonly Step[], context: ReadContext, missing: string[]): Values<T>[] {
    const words = steps.flatMap((step): Worded<T>[] => {
      const values = wordsFor(step, context, missing);
      return !values || Object.keys(values).length === 0 ? [] : [{ step, values }];
    });
    const whole = oneGroup(words, context);
    if (whole) return [whole];
    const groups: Values<T>[] = [];
    let current: { readonly values: Values<T>; readonly steps: readonly Step[] } | undefined;
    for (const { step, values } of words) {
      const joined = current && joinedWith(current.values, values);
      if (current && joined && readsAs(joined, [...current.steps, step], context)) {
        current = { values: joined, steps: [...current.steps, step] };
        continue;
      }
      if (!readsAs(values, [step], context)) missing.push(step.op);
      else if (current && !chains) missing.push(`${step.op} after ${current.steps.at(-1)?.op}`);
      else {
        if (current) groups.push(current.values);
        current = { values, steps: [step] };
      }
    }
    return current ? [...groups, current.values] : groups;
  }

  function wordsFor(step: Step, context: ReadContext, missing: string[]): Values<T> | undefined {
    try {
      const values = valuesFor(step, context);
      if (!values) missing.push(step.op);
      return values;
    } catch (error) {
      if (!isMediaError(error)) throw error;
      missing.push(error.message.replace(`${unprintable("").message}`, ""));
      return undefined;
    }
  }

  /** The output of a URL that asks for nothing, in canonical form. */
  const usualOutput = (context: ReadContext): Output =>
    canonicalTransformation(readAll([], context).transformation, context.endpoint, registry).output;

  return (job: Job, context: ReadContext): Printed => {
    const { transformation, delivery } = job;
    const missing: string[] = [];
    const groups = groupsOf(transformation.steps, context, missing);
    const differing = differences(transformation.output, usualOutput(context));
    const last: { [K in keyof T]?: unknown } = { ...groups.pop() };
    for (const [key, { fromOutput, fromDelivery }] of entries) {
      const value = fromOutput?.(differing, transformation) ?? fromDelivery?.(delivery);
      if (value !== undefined) last[key] = value;
    }
    const items = [...groups, last as Values<T>].map(itemsOf).filter((group) => group.length > 0);
    if (missing.length === 0) missing.push(...unequal(items, job, context));
    return { groups: items, missing };
  };

  /** What reads back as something else than it was. */
  function unequal(groups: readonly Group[], job: Job, context: ReadContext): string[] {
    const { transformation, delivery } = readAll(groups, context);
    const found = canonicalTransformation(transformation, context.endpoint, registry);
    const { steps, output } = job.transformation;
    const fields = new Set([...Object.keys(output), ...Object.keys(found.output)] as (keyof Output)[]);
    const isEqual = (one: unknown, other: unknown) => stableJson(one) === stableJson(other);
    return [
      ...(isSame(found.steps, steps) ? [] : ["this order of steps"]),
      ...[...fields].filter(
        (field) => !isServerField(field, output) && !isEqual(found.output[field], output[field]),
      ),
      ...(["attachment", "filename", "fallback"] as const).filter(
        (field) => !isEqual(delivery[field], job.delivery[field]),
      ),
    ];
  }
}

const isSeveral = <V>(found: V | readonly V[] | undefined): found is readonly V[] => Array.isArray(found);

const isSame = (one: readonly Step[], other: readonly Step[]) =>
  stableJson(withoutRounding(one)) === stableJson(withoutRounding(other));

/** Steps without what moves a crop by one pixel at most: languages differ there, and have no words for it. */
export function withoutRounding<V>(value: V): V {
  if (Array.isArray(value)) return value.map(withoutRounding) as V;
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).filter(([name]) => name !== "rounding");
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutRounding(field)])) as V;
}

/** Both values as one group; `undefined`: they contradict each other. */
function joinedWith<T>(before: Values<T>, values: Values<T>): Values<T> | undefined {
  for (const key of Object.keys(values) as (keyof T)[]) {
    const known = before[key];
    if (known !== undefined && stableJson(known) !== stableJson(values[key])) return undefined;
  }
  return { ...before, ...values };
}

/** The fields of an output that differ from those of a URL that asks for nothing. */
function differences(output: Output, usual: Output): Output {
  const fields = Object.entries(output).filter(
    ([field, value]) => stableJson(value) !== stableJson(usual[field as keyof Output]),
  );
  return Object.fromEntries(fields) as Output;
}

function printed(value: unknown): string {
  if (value === true) return "";
  return typeof value === "number" ? printNumber(value) : String(value);
}
