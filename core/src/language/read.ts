import { invalid, isMediaError, MediaError } from "../model/errors.ts";
import type { Delivery } from "../model/job.ts";
import type { Output, Step, Transformation } from "../model/transformation.ts";
import { suggesting } from "./readers.ts";
import {
  entriesOf,
  type Group,
  type Parameter,
  type Parameters,
  type ReadContext,
  type Rule,
  type Values,
} from "./table.ts";

/** What a language consists of beside its grammar. */
export interface Vocabulary<T> {
  readonly parameters: Parameters<T>;
  /**
   * Parameters with a step of their own, and rules, in the order in which the steps of one group are done, however the URL orders
   * them. Left out: the parameters in the order of the table.
   */
  readonly order?: readonly ((keyof T & string) | Rule<T>)[];
}

/** What a transformation of a URL means. */
export interface Meaning {
  readonly transformation: Transformation;
  readonly delivery: Partial<Delivery>;
}

/** The parameters of one group. */
export interface Reading<T> {
  readonly values: Values<T>;
  readonly steps: readonly Step[];
  readonly output: Output;
  readonly delivery: Partial<Delivery>;
}

export type GroupReader<T> = (group: Group, context: ReadContext) => Reading<T>;

/** The name in the table, by each name that a URL can contain. */
export function namesOf<T>(parameters: Parameters<T>): ReadonlyMap<string, keyof T & string> {
  return new Map(
    entriesOf(parameters).flatMap(([key, { also = [] }]) =>
      [key, ...also].map((name) => [name, key] as const),
    ),
  );
}

/** Parameters and rules in the order of their steps. */
export const orderOf = <T>({ parameters, order }: Vocabulary<T>) =>
  order ?? (Object.keys(parameters) as (keyof T & string)[]);

/**
 * Throws `TypeError` for a table in which a parameter would be dropped: each has a step, an output or a delivery of its own, takes
 * part in a rule, or is refused or without effect, with a reason.
 */
export function assertVocabulary<T>(vocabulary: Vocabulary<T>): void {
  const { parameters } = vocabulary;
  const order = orderOf(vocabulary);
  const used = new Set(order.flatMap((entry) => (typeof entry === "object" ? entry.uses : [])) as string[]);
  for (const [key, parameter] of entriesOf(parameters)) {
    const { step, output, delivery, cannot, ignored, isNeutral } = parameter;
    if (step && !order.includes(key as never))
      throw new TypeError(`${key} has a step, but is not in the order`);
    const isUsed =
      [step, output, delivery, cannot, ignored, isNeutral].some((use) => use !== undefined) || used.has(key);
    if (!isUsed)
      throw new TypeError(`${key} stands for nothing: neither a step, an output, a delivery nor a rule`);
  }
  const count = entriesOf(parameters).reduce((sum, [, { also = [] }]) => sum + 1 + also.length, 0);
  if (namesOf(parameters).size < count) throw new TypeError("Two parameters of the language have one name");
}

/**
 * Reads groups of parameters. All values of a group are read before one that is not supported is refused: what is wrong is the client's
 * to correct, whatever it asks for beside. The last value of a name wins; of two parameters for one field of the output, the one that the
 * table lists later.
 */
export function createGroupReader<T>(vocabulary: Vocabulary<T>): GroupReader<T> {
  const { parameters } = vocabulary;
  const order = orderOf(vocabulary);
  const names = namesOf(parameters);
  const keys = Object.keys(parameters) as (keyof T & string)[];
  const parameterOf = (key: keyof T & string) => parameters[key] as unknown as Parameter<unknown>;

  function valuesOf(group: Group): Values<T> {
    const values: { [K in keyof T]?: unknown } = {};
    let missing: MediaError | undefined;
    for (const { key: written, value } of group) {
      const key = names.get(written);
      if (key === undefined)
        throw suggesting(names.keys(), written, invalid("the URL", "a parameter of its language", written));
      try {
        values[key] = parameterOf(key).read(value, written);
      } catch (error) {
        if (!isMediaError(error) || error.code !== "EUNSUPPORTED") throw error;
        missing ??= error;
      }
    }
    if (missing) throw missing;
    return values as Values<T>;
  }

  function stepsOf(values: Values<T>, context: ReadContext): readonly Step[] {
    return order.flatMap((entry): readonly Step[] => {
      if (typeof entry === "object") return entry.steps(values, context);
      const value = values[entry];
      const step = value === undefined ? undefined : parameterOf(entry).step?.(value, context);
      return step ? [step] : [];
    });
  }

  return (group, context) => {
    const values = valuesOf(group);
    const present = keys.filter((key) => values[key] !== undefined);
    return {
      values,
      steps: stepsOf(values, context),
      output: Object.assign({}, ...present.map((key) => parameterOf(key).output?.(values[key], context))),
      delivery: Object.assign({}, ...present.map((key) => parameterOf(key).delivery?.(values[key], context))),
    };
  };
}

/** The groups of a URL, one after the other. What describes the output acts once, and the last one wins. */
export function readGroups<T>(groups: readonly Group[], context: ReadContext, read: GroupReader<T>): Meaning {
  const { steps: limit } = context.limits;
  if (groups.length > limit) {
    throw new MediaError("ELIMIT", `Expected at most ${limit} steps but received ${groups.length}`);
  }
  const readings = groups.map((group) => read(group, context));
  return {
    transformation: {
      steps: readings.flatMap(({ steps }) => steps),
      output: Object.assign({}, ...readings.map(({ output }) => output)),
    },
    delivery: Object.assign({}, ...readings.map(({ delivery }) => delivery)),
  };
}
