import type { Size } from "../model/expression.ts";
import type { RawFrame } from "../model/render-context.ts";
import { NOT_MODIFIED } from "../model/source.ts";
import type { CacheEntry } from "./cache-backend.ts";

type Kind = "string" | "number" | "boolean" | "function" | "object" | "array";
interface Shape {
  readonly [field: string]: Kind | Shape;
}

const ASSET: Shape = { tenant: "string", endpoint: "string", kind: "string", path: "string" };
const JOB: Shape = {
  asset: ASSET,
  transformation: { steps: "array", output: "object" },
  accept: "string",
  query: "array",
  delivery: "object",
  language: "string",
  media: "string",
};
const SOURCE: Shape = {
  metadata: "object",
  peek: "function",
  bytes: "function",
  stream: "function",
  close: "function",
};
const BODY: Shape = { complete: "boolean", stream: "function" };
const BODY_FIELDS = fieldsOf({ body: BODY });
const RENDITION: Shape = {
  body: BODY,
  type: "string",
  format: "string",
};

/** The shapes of what taps return, by hook. A field that is not listed is optional, or a plugin's own. */
const SHAPES: Readonly<Record<string, Shape>> = {
  relay: { status: "number", headers: "object" },
  resolve: JOB,
  cache: {
    metadata: {
      key: "string",
      engines: "string",
      type: "string",
      sources: "array",
      stored: "number",
      freshUntil: "number",
      private: "boolean",
      original: "boolean",
    },
  },
  fetch: SOURCE,
  decode: SOURCE,
  "inspect:kind": { format: "string" },
  "inspect:header": { format: "string", width: "number", height: "number", frames: "number" },
  "inspect:embedded": { colorSpace: "string" },
  "inspect:preview": { data: "object", width: "number", height: "number", channels: "number" },
  "inspect:faces": {},
  "inspect:attention": { x: "number", y: "number" },
  "inspect:keyFrames": { interval: "number" },
  "inspect:probe": { format: "string", duration: "number" },
  transform: {
    engine: "string",
    lane: "string",
    cost: "number",
    memory: "number",
    explain: "function",
    run: "function",
  },
  run: RENDITION,
  step: { data: "object", width: "number", height: "number", channels: "number" },
  substitute: { job: JOB, provenance: "string", lifetime: "number" },
  storage: { open: "function" },
  trace: { id: "string", flags: "string" },
};

/** Throws a TypeError if a result is not what its hook's contract says. */
export type ResultCheck = (result: unknown, args: readonly unknown[]) => void;

/**
 * The check of what taps of a hook return, so that a fault gets the name of its plugin, not of whoever stumbles over it
 * later. `undefined`: nothing that is returned is used.
 */
export function resultCheckOf(hook: string): ResultCheck | undefined {
  const [family = hook] = hook.split(":", 1);
  const shape = SHAPES[hook] ?? SHAPES[family];
  const fields = shape && fieldsOf(shape);
  const fail = (lack: string) => {
    throw new TypeError(`Unexpected result of the ${hook === "cache" ? "cache" : `hook ${hook}`}: ${lack}`);
  };
  if (family === "link") {
    return (result) => typeof result === "string" || fail(`Expected a URL but received ${kindOf(result)}`);
  }
  if (!fields) return undefined;
  return (result, args) => {
    if (result === NOT_MODIFIED && family === "fetch") return;
    const lack = lackOf(result, fields) ?? moreLackOf(family, result, args);
    if (lack !== undefined) fail(lack);
  };
}

/** What a shape does not tell. */
function moreLackOf(family: string, result: unknown, args: readonly unknown[]): string | undefined {
  if (family === "step") return frameLack(result as RawFrame, args[2] as Size | undefined);
  if (family !== "cache") return undefined;
  const { metadata, body } = result as CacheEntry;
  if (metadata.key !== args[0]) return "metadata.key is the key of another entry";
  return body === undefined ? undefined : lackOf({ body }, BODY_FIELDS);
}

interface Field {
  readonly name: string;
  readonly path: string;
  readonly kind: Kind;
  readonly below: readonly Field[];
}

/** A shape, laid out for the way of every request. */
function fieldsOf(shape: Shape, path = ""): readonly Field[] {
  return Object.entries(shape).map(([name, kind]) => {
    const here = path === "" ? name : `${path}.${name}`;
    const below = typeof kind === "object" ? fieldsOf(kind, here) : [];
    return { name, path: here, kind: typeof kind === "object" ? "object" : kind, below };
  });
}

/** What is wrong with a value, if anything. */
function lackOf(value: unknown, fields: readonly Field[]): string | undefined {
  if (!isKind(value, "object")) return `Expected an object but received ${kindOf(value)}`;
  for (const { name, path, kind, below } of fields) {
    const found = (value as Readonly<Record<string, unknown>>)[name];
    if (!isKind(found, kind)) {
      const article = kind === "object" || kind === "array" ? "an" : "a";
      return `Expected ${article} ${kind} for ${path} but received ${kindOf(found)}`;
    }
    const lack = below.length > 0 ? lackOf(found, below) : undefined;
    if (lack !== undefined) return lack;
  }
  return undefined;
}

function isKind(value: unknown, kind: Kind): boolean {
  if (kind === "array") return Array.isArray(value);
  if (kind === "number") return typeof value === "number" && !Number.isNaN(value);
  return typeof value === kind && value !== null;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined || typeof value === "number") return String(value);
  return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}

function frameLack({ data, width, height, channels }: RawFrame, size: Size | undefined): string | undefined {
  if (size && (width !== size.width || height !== size.height)) {
    return `Expected ${size.width}x${size.height} pixels, as the step's size() says, but received ${width}x${height}`;
  }
  if (!(data instanceof Uint8Array)) return "Expected a Uint8Array for data";
  if (!Number.isInteger(channels) || channels < 1 || channels > 4) {
    return `Expected 1 to 4 channels but received ${channels}`;
  }
  if (data.length === width * height * channels) return undefined;
  return `Expected ${width * height * channels} samples for ${width}x${height}x${channels} but received ${data.length}`;
}
