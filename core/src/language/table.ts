import type { Asset } from "../model/asset.ts";
import type { Endpoint } from "../model/endpoint.ts";
import { MediaError, printable } from "../model/errors.ts";
import type { AcceptClass, Delivery, Job } from "../model/job.ts";
import type { Limits } from "../model/limits.ts";
import type { Output, Step, Transformation } from "../model/transformation.ts";

/** What the values of a URL are read for. */
export interface ReadContext {
  readonly endpoint: Endpoint;
  readonly limits: Limits;
  /** Kind of the asset, by its name. */
  readonly media: Job["media"];
  /**
   * A request header, or the class of `Accept`: what depends on one is worked out for each request, and the response varies by it. A
   * format that is negotiated by the core (`auto`) needs neither.
   */
  header(name: string): string | undefined;
  accept(): AcceptClass;
}

/** Turns the text of a value, decoded, into what it means. Throws `EINVAL` for text outside the parameter's grammar. */
export type Reader<T> = (text: string, key: string) => T;

/** One parameter of a language: how its value is read, what it stands for, and how it is printed. */
export interface Parameter<T> {
  /** What it does, for the table in the README: a sentence without a full stop. */
  readonly means: string;
  /** Values, for the table: `1–100`. Left out: the parameter is written bare. */
  readonly values?: string;
  /** Other names of the parameter. URLs are printed with the one in the table. */
  readonly also?: readonly string[];
  /** Throws `invalid(key, …)` for text that is wrong, `unsupported(…)` for what no step stands for. */
  readonly read: Reader<T>;
  /** The text of a value. @default String, and nothing for `true` */
  readonly print?: (value: T) => string;
  /** The step that it stands for by itself; `undefined`: this value changes nothing. */
  readonly step?: (value: T, context: ReadContext) => Step | undefined;
  /** The value for a step; `undefined`: the step is not of this parameter. */
  readonly fromStep?: (step: Step) => T | undefined;
  /** What it says about how the result is written. */
  readonly output?: (value: T, context: ReadContext) => Partial<Output>;
  /**
   * The value for an output, of which only the fields are there that a URL would not get by itself; `undefined`: there is nothing to
   * print.
   */
  readonly fromOutput?: (output: Output, transformation: Transformation) => T | undefined;
  /** What it says about the response. */
  readonly delivery?: (value: T, context: ReadContext) => Partial<Delivery>;
  readonly fromDelivery?: (delivery: Delivery) => T | undefined;
  /** What the server cannot do: URLs with the parameter are refused with these words. */
  readonly cannot?: string;
  /** Why the parameter has no effect: it concerns the service alone. */
  readonly ignored?: string;
  /** The only values that are not refused change nothing: tools do not offer it. */
  readonly isNeutral?: boolean;
}

/** The parameters of a language, by name. */
export type Parameters<T> = { readonly [K in keyof T]: Parameter<T[K]> };

/** The rows of a table, whatever their values are. */
export const entriesOf = <T>(parameters: Parameters<T>) =>
  Object.entries(parameters) as unknown as readonly (readonly [keyof T & string, Parameter<unknown>])[];

/** What the parameters of a group mean. */
export type Values<T> = { readonly [K in keyof T]?: T[K] };

/** Several parameters that stand for steps together, such as width, height and fit. */
export interface Rule<T> {
  readonly uses: readonly (keyof T & string)[];
  /** Steps for the values of one group; none, if these parameters are not there. */
  steps(values: Values<T>, context: ReadContext): readonly Step[];
  /**
   * The values for a step; `undefined`: the step is not of this rule; none: what else the URL contains implies the step. Of several, the
   * first ones that are read as the step. Throws `unprintable` for one that has no words.
   */
  fromStep(step: Step): Values<T> | readonly Values<T>[] | undefined;
}

/** One parameter as a URL writes it, decoded. */
export interface Item {
  readonly key: string;
  readonly value: string;
}

/** Parameters whose order does not matter. Groups follow each other, each with the result of the one before. */
export type Group = readonly Item[];

/** A URL without its signature, exactly as it was sent: the path without the endpoint's prefix and without a leading slash. */
export interface UnsignedUrl {
  readonly path: string;
  /** Without `?`. */
  readonly query: string;
}

/** A URL in two parts: what it is about, and what it asks for. */
export interface Located {
  readonly asset: Pick<Asset, "kind" | "path">;
  /** The transformation as the URL writes it; `""`: there is none. Equal texts are read once. */
  readonly text: string;
  /** Query parameters that are no part of the language: they tell versions of a file apart. */
  readonly query: Job["query"];
  /** Whether the URL hides the path of the asset: a download is not named after it. @default false */
  readonly isHidden?: boolean;
}

/** How a language writes URLs. */
export interface Grammar {
  /**
   * Takes a URL apart. `undefined`: it is none of this language. Throws `EINVAL` or `ENOENT` if it names no asset; what is wrong with
   * the transformation, `tokenize` finds out. `isGenuine` verifies the signature, whatever the rules of the endpoint are; an expired one
   * is genuine.
   */
  locate(url: UnsignedUrl, endpoint: Endpoint, isGenuine?: () => boolean): Located | undefined;
  /** The inverse of `locate`. `isSigned`: whether the URL gets a signature; left out: no. */
  compose(located: Located, isSigned?: boolean): UnsignedUrl;
  /** Splits a transformation into its parameters. */
  tokenize(text: string): readonly Group[];
  /** The inverse of `tokenize`. */
  print(groups: readonly Group[]): string;
  /** Whether a URL can contain more than one group. @default false */
  readonly chains?: boolean;
}

/** The error for a request that is well formed but that no step can express: `capability (key-value)`. */
export const unsupported = (capability: string, key: string, value = "") =>
  new MediaError(
    "EUNSUPPORTED",
    `Not supported here: ${capability} (${printable(value === "" ? key : `${key}: ${value}`)})`,
  );

/** The error for what no URL of a language can express. */
export const unprintable = (what: string) =>
  new MediaError("EUNSUPPORTED", `Not supported in URLs of this language: ${what}`);

/** A parameter that is known and refused, whatever its value. */
export const refused = (cannot: string, also: readonly string[] = []): Parameter<never> => ({
  means: cannot,
  also,
  cannot,
  read: (text, key) => {
    throw unsupported(cannot, key, text);
  },
});

/** A parameter of which one value is known, because it changes nothing. Others that `read` takes are refused. */
export const neutral = <T extends string | number | boolean>(
  value: T,
  capability: string,
  read: Reader<T>,
  also: readonly string[] = [],
): Parameter<T> => ({
  means: `changes nothing; other values are refused: ${capability}`,
  values: `\`${value}\``,
  also,
  isNeutral: true,
  read: (text, key) => {
    if (read(text, key) !== value) throw unsupported(capability, key, text);
    return value;
  },
  print: String,
});

/** A parameter that is known and has no effect here, because it concerns the service alone. */
export const ignored = (reason: string, also: readonly string[] = []): Parameter<true> => ({
  means: reason,
  also,
  ignored: reason,
  read: () => true,
});

/**
 * The parameters as a Markdown table, for the README of the language. A test compares it with the README, so that the documentation is
 * what the code does.
 */
export function parameterTable<T>(parameters: Parameters<T>): string {
  const name = (key: string, { also = [] }: Parameter<unknown>) =>
    [key, ...also].map((word) => `\`${word}\``).join(", ");
  const rows = entriesOf(parameters).map(([key, parameter]) => {
    const { means, values = "", cannot, ignored: without } = parameter;
    const effect =
      cannot !== undefined ? `refused: ${means}` : without !== undefined ? `no effect: ${means}` : means;
    return [name(key, parameter), values, effect];
  });
  const head = ["Parameter", "Values", "Effect"];
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [first = [], ...others] = cells;
  return [line(first), line(widths.map((width) => "-".repeat(width))), ...others.map(line)].join("\n");
}
