import type { z } from "zod";
import { MediaError, printable } from "../model/errors.ts";
import { didYouMean } from "../util/did-you-mean.ts";
import { isSecret, maskText, type SecretFields } from "../util/redact.ts";

/**
 * Checks options against a zod schema and returns them with their defaults. Throws `ECONFIG` with one line a problem,
 * each naming `where` and the field: `origins.photos.path: Expected string but received 5`. A message of the schema's
 * own is shown as it is when it begins with "Expected".
 */
export function parseOptions<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  // A value of the wrong kind fails further checks, too: the first tells.
  const issues = result.error.issues.filter((issue, at, all) => at === firstAt(issue, all));
  const lines = issues.flatMap((issue) => explain(issue, { schema, value, where }));
  throw new MediaError("ECONFIG", lines.join("\n"));
}

type Issue = z.core.$ZodIssue;

/** Index of the first issue about the same value and, as a mapping's further names are its own, of the same sort. */
function firstAt({ path, code }: Issue, all: readonly Issue[]): number {
  const isNames = code === "unrecognized_keys";
  const at = path.join("\0");
  return all.findIndex(
    (issue) => issue.path.join("\0") === at && (issue.code === "unrecognized_keys") === isNames,
  );
}

interface Context {
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly where: string;
}

function explain(issue: Issue, context: Context): string[] {
  const { schema, value, where } = context;
  const at = [where, ...issue.path.map(String)].filter(Boolean).join(".");
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => `${at ? `${at}.` : ""}${key}: unknown field${didYouMean(key, known)}`);
  }
  const line = (expected: string, received: string) => [
    `${at || "configuration"}: Expected ${expected} but ${received}`,
  ];
  if (issue.code === "invalid_key") {
    const [nested] = issue.issues;
    return line(nested ? expectedOf(nested) : "another name", `is named '${lastOf(issue.path)}'`);
  }
  if (issue.code === "invalid_union") {
    const deeper = issue.errors.find((branch) => branch.some(isDeeper));
    if (deeper)
      return deeper.flatMap((nested) =>
        explain({ ...nested, path: [...issue.path, ...nested.path] } as Issue, context),
      );
  }
  const kind = issue.code === "invalid_type" ? issue.expected : undefined;
  const [expected, found] = [expectedOf(issue), valueAt(value, issue.path)];
  if (isUnset(value, issue.path)) {
    return line(expected, "it is undefined: is an environment variable not set?");
  }
  return line(expected, received(found, issue.path, kind) + unitHint(expected, found, lastOf(issue.path)));
}

/** Whether a field is written down but undefined, as an environment variable is that is not set. */
function isUnset(value: unknown, path: readonly PropertyKey[]): boolean {
  const name = path.at(-1);
  const above = valueAt(value, path.slice(0, -1));
  if (name === undefined || above === null || typeof above !== "object") return false;
  return Object.hasOwn(above, name) && (above as Record<PropertyKey, unknown>)[name] === undefined;
}

const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, min: 6e4, h: 36e5, d: 864e5 };

/** For a number that is written with its unit: what to write instead. All sizes are bytes, times are as the field's name says. */
function unitHint(expected: string, found: unknown, field: string): string {
  if (typeof found !== "string" || !/\b(?:number|integer)\b/.test(expected)) return "";
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([a-z]{0,3})$/i.exec(found) ?? [];
  const [, prefix] = /^([kmgt]i?|)b$/i.exec(unit) ?? [];
  const bytes = prefix === undefined ? undefined : BYTES[prefix.toLowerCase()];
  if (bytes !== undefined) return `: sizes are in bytes, write ${Math.round(Number(digits) * bytes)}`;
  const time = MILLISECONDS[unit.toLowerCase()];
  if (time === undefined) return "";
  const inSeconds = /seconds$/i.test(field);
  const amount = Math.round((Number(digits) * time) / (inSeconds ? 1000 : 1));
  return `: times are in ${inSeconds ? "seconds" : "milliseconds"}, write ${amount}`;
}

/** Whether an issue of one form of a union shows that this form was meant: it got past the kind of value. */
function isDeeper(issue: Issue): boolean {
  if (issue.path.length > 0 || issue.code === "unrecognized_keys") return true;
  return issue.code !== "invalid_type" && issue.code !== "invalid_value" && issue.code !== "invalid_union";
}

/** What would have been right, as it follows "Expected". */
function expectedOf(issue: Issue): string {
  const own = /^Expected (.+)/s.exec(issue.message)?.[1];
  if (own !== undefined) return own;
  switch (issue.code) {
    case "invalid_type":
      return KINDS[issue.expected] ?? issue.expected;
    case "invalid_value":
      return issue.values.length === 1
        ? String(issue.values[0])
        : `one of ${issue.values.map(String).join(", ")}`;
    case "invalid_union":
      return issue.errors.length > 0
        ? issue.errors.map((branch) => (branch[0] ? expectedOf(branch[0]) : "")).join(" or ")
        : `another ${"discriminator" in issue ? String(issue.discriminator) : "form"}`;
    case "too_small":
      return amount(issue.origin, issue.minimum, issue.inclusive === false ? "more than" : "at least");
    case "too_big":
      return amount(issue.origin, issue.maximum, issue.inclusive === false ? "less than" : "at most");
    case "invalid_format":
      return issue.format === "regex"
        ? `text that matches ${issue.pattern}`
        : (FORMATS[issue.format] ?? issue.format);
    default:
      return `another value (${issue.message})`;
  }
}

const KINDS: Readonly<Record<string, string>> = { int: "integer", record: "object", nan: "NaN" };
const FORMATS: Readonly<Record<string, string>> = { url: "URL", ipv4: "IPv4 address", ipv6: "IPv6 address" };

function amount(of: string, bound: number | bigint, words: string): string {
  if (of === "string")
    return bound === 1 && words === "at least" ? "text that is not empty" : `${words} ${bound} characters`;
  if (of === "array" || of === "set") return `${words} ${bound} ${bound === 1 ? "entry" : "entries"}`;
  return `number of ${words} ${bound}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value as Record<PropertyKey, unknown> | null | undefined;
  for (const part of path) at = at?.[part] as Record<PropertyKey, unknown> | null | undefined;
  return at;
}

/** Names of the fields that the schema knows at a path; of a union, those of each form. */
function keysAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  const forms = formsOf(schema);
  const [part, ...rest] = path;
  if (part === undefined) return forms.flatMap((form) => Object.keys(form.shape ?? {}));
  return forms.flatMap((form) => {
    const below = form.shape?.[part] ?? form.element ?? form.valueType;
    return below === undefined ? [] : keysAt(below, rest);
  });
}

/** Marks a field of a schema as one whose value is never shown. */
export function secret<S extends z.ZodType>(schema: S): S {
  return schema.meta({ secret: true });
}

/**
 * Which fields are secret by a schema: those that `secret` marks. Keys of a mapping are names that people choose. Fields that the
 * schema leaves to others are secret by their names.
 */
export function secretsOf(schema: unknown): SecretFields {
  return {
    field(name) {
      const forms = formsOf(schema).flatMap((form) =>
        form.element === undefined ? form : formsOf(form.element),
      );
      const known = forms.flatMap(({ shape, valueType }) => shape?.[name] ?? valueType ?? []);
      if (known.length === 0) return { secret: isSecret(name) };
      const below = known.map(secretsOf);
      return { secret: known.some(isMarked), below: { field: (name) => firstOf(below, name) } };
    },
  };
}

/** What the first form says, unless another one knows better that it is a secret. */
function firstOf(forms: readonly SecretFields[], name: string): ReturnType<SecretFields["field"]> {
  const found = forms.map((form) => form.field(name));
  return found.find((field) => field.secret) ?? (found[0] as (typeof found)[0]);
}

/** Whether `secret` marked a schema, or what it wraps. */
function isMarked(schema: unknown): boolean {
  const { meta, def } = schema as SchemaParts & { meta?: () => { secret?: unknown } | undefined };
  const inner = def?.innerType ?? def?.in;
  return meta?.call(schema)?.secret === true || (inner !== undefined && isMarked(inner));
}

interface SchemaParts {
  readonly shape?: Record<PropertyKey, unknown>;
  readonly element?: unknown;
  readonly valueType?: unknown;
  readonly options?: readonly unknown[];
  readonly def?: { readonly innerType?: unknown; readonly in?: unknown };
}

function formsOf(schema: unknown): SchemaParts[] {
  const parts = schema as SchemaParts;
  const inner = parts.def?.innerType ?? parts.def?.in;
  if (inner !== undefined) return formsOf(inner);
  // An enumeration has options, too: its words.
  const options = parts.options?.filter((option) => typeof option === "object") ?? [];
  return options.length > 0 ? options.flatMap(formsOf) : [parts];
}

function lastOf(path: readonly PropertyKey[]): string {
  return printable(String(path.at(-1) ?? ""));
}

/** Kinds of value that no secret is. */
const PLAIN: ReadonlySet<string> = new Set(["number", "int", "boolean"]);

/** `received 'abc'`, `is missing`: never a secret. */
function received(value: unknown, path: readonly PropertyKey[], expected?: string): string {
  if (value === undefined) return "it is missing";
  if (typeof value === "function") return "received a function";
  if (value !== null && typeof value === "object")
    return `received ${Array.isArray(value) ? "an array" : "an object"}`;
  const isHidden =
    path.some((part) => typeof part === "string" && isSecret(part)) && !PLAIN.has(expected ?? "");
  if (isHidden && value !== "") return "received ***";
  return `received ${typeof value === "string" ? `'${printable(maskText(value))}'` : String(value)}`;
}
