import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { MediaError, printable } from "./model/errors.ts";

/**
 * Checks options against a zod schema and returns them with their defaults. Throws `ECONFIG` with one line a problem,
 * each naming `where` and the field: `origins.photos.path: Expected string but received number`.
 */
export function parseOptions<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.flatMap((issue) => explain(issue, schema, value, where));
  throw new MediaError("ECONFIG", lines.join("\n"));
}

type Issue = z.core.$ZodIssue;

function explain(issue: Issue, schema: z.ZodType, value: unknown, where: string): string[] {
  const at = [where, ...issue.path.map(String)].filter(Boolean).join(".");
  const received = shown(valueAt(value, issue.path));
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => {
        const known = keysAt(schema, issue.path);
        return `${at ? `${at}.` : ""}${key}: unknown field${didYouMean(key, known)}`;
      });
    case "invalid_type":
      return [
        received === "undefined"
          ? `${at}: Expected ${issue.expected} but it is missing`
          : `${at}: Expected ${issue.expected} but received ${received}`,
      ];
    case "invalid_value":
      return [`${at}: Expected one of ${issue.values.map(String).join(", ")} but received ${received}`];
    case "invalid_union": {
      const nested = issue.errors
        .filter(
          (list) => list.length > 0 && list.every((i) => i.code !== "invalid_type" || i.path.length > 0),
        )
        .at(0);
      if (nested) {
        return nested.flatMap((i) =>
          explain({ ...i, path: [...issue.path, ...i.path] } as Issue, schema, value, where),
        );
      }
      return [`${at}: Expected another form but received ${received}`];
    }
    default:
      return [`${at}: ${issue.message} but received ${received}`];
  }
}

/** `, did you mean "origins"?` when a known name is close. */
export function didYouMean(word: string, known: readonly string[]): string {
  const best = known
    .map((name) => ({ name, far: distance(word.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)[0];
  if (best && best.far <= Math.max(2, Math.floor(word.length / 3))) return `, did you mean "${best.name}"?`;
  return known.length > 0 && known.length <= 24 ? `; known are ${known.join(", ")}` : "";
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value as Record<PropertyKey, unknown> | undefined;
  for (const part of path) at = at?.[part] as Record<PropertyKey, unknown> | undefined;
  return at;
}

/** Names of the fields that the schema knows at a path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const part of path) at = step(unwrap(at), part);
  const shape = (unwrap(at) as { shape?: Record<string, unknown> } | undefined)?.shape;
  return shape ? Object.keys(shape) : [];
}

function unwrap(schema: unknown): unknown {
  const inner = (schema as { def?: { innerType?: unknown; in?: unknown } } | undefined)?.def;
  if (inner?.innerType) return unwrap(inner.innerType);
  if (inner?.in) return unwrap(inner.in);
  return schema;
}

function step(schema: unknown, part: PropertyKey): unknown {
  const at = schema as
    | { shape?: Record<PropertyKey, unknown>; element?: unknown; valueType?: unknown }
    | undefined;
  return at?.shape?.[part] ?? at?.element ?? at?.valueType;
}

function shown(value: unknown): string {
  if (typeof value === "string") return `'${printable(value)}'`;
  if (value === null || typeof value !== "object") return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}
