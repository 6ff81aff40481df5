import { Readable } from "node:stream";
import {
  createBuiltInRegistry,
  DEFAULT_LIMITS,
  type Header,
  type Job,
  type LimitName,
  type Output,
  type Plan,
  type PlanResult,
  type PluginApi,
  type RawFrame,
  type RenderContext,
  type Source,
  type Step,
} from "@mediatap/core";
import type { StepRegistry } from "@mediatap/core/steps";
import sharp from "sharp";
import { type ImageSharpOptions, imageSharp } from "../src/index.ts";

export interface PlanRequest {
  readonly steps?: readonly Step[];
  readonly output?: Output;
  readonly accept?: Job["accept"];
  readonly limits?: Partial<Record<LimitName, number>>;
  readonly options?: ImageSharpOptions;
  readonly signal?: AbortSignal;
  /** A third party's step. */
  readonly step?: (frame: RawFrame, step: Step) => Promise<RawFrame | undefined>;
  /** A plugin looks for faces. */
  readonly learnsFaces?: boolean;
  readonly define?: (registry: StepRegistry) => void;
}

type Tap = (...args: never[]) => Promise<unknown>;

/** What the plugin tapped, by hook. */
export function taps(options: ImageSharpOptions = {}, registry = createBuiltInRegistry()) {
  const registered: Record<string, Tap> = {};
  const fingerprints: string[] = [];
  const hook = (name: string) => ({
    tap: () => {},
    tapPromise: (_label: unknown, fn: Tap) => {
      registered[name] = fn;
    },
  });
  const hooks = {
    inspect: { for: (fact: string) => hook(`inspect:${fact}`) },
    transform: hook("transform"),
  };
  const shared = (_key: string, create: () => object) => create();
  const api = { hooks, steps: registry, shared, fingerprint: (text: string) => fingerprints.push(text) };
  imageSharp(options).apply(api as unknown as PluginApi);
  return {
    fingerprints,
    inspect: registered["inspect:header"] as unknown as (
      source: Source,
      renderContext: RenderContext,
    ) => Promise<Header | undefined>,
    transform: registered.transform as unknown as (
      job: Job,
      source: Source,
      renderContext: RenderContext,
    ) => Promise<Plan | undefined>,
  };
}

/** A source in memory; counts how often its bytes were requested. */
export function sourceOf(bytes: Uint8Array, metadata: Partial<Source["metadata"]> = {}, file?: string) {
  const reads = { count: 0 };
  const source: Source & { reads: typeof reads } = {
    reads,
    metadata: { origin: "test", path: "picture", fetched: 0, size: bytes.length, ...metadata },
    ...(file !== undefined && { file }),
    peek: async (length) => bytes.subarray(0, length),
    bytes: async () => {
      reads.count++;
      return bytes;
    },
    stream: async () => Readable.from([bytes]),
    again: async () => Readable.from([bytes]),
    close: async () => {},
  };
  return source;
}

export function contextOf(
  request: PlanRequest,
  inspect: (source: Source, renderContext: RenderContext) => Promise<Header | undefined>,
) {
  const renderContext = {
    key: "test",
    signal: request.signal ?? new AbortController().signal,
    deadline: Number.POSITIVE_INFINITY,
    limits: { ...DEFAULT_LIMITS, ...request.limits },
    sources: [],
    hasInspector: (name: string) => name === "faces" && request.learnsFaces === true,
    inspect: (_fact: string, source: Source) => inspect(source, renderContext as unknown as RenderContext),
    step: request.step ?? (async () => undefined),
  };
  return renderContext as unknown as RenderContext;
}

export function jobOf({ steps = [], output = {}, accept = "basic" }: PlanRequest): Job {
  return {
    asset: { tenant: "", endpoint: "default", kind: "path", path: "picture" },
    transformation: { steps, output },
    accept,
    query: [],
    delivery: {},
    language: "test",
    media: "image",
  };
}

/** The plan for some bytes. */
export async function plan(input: Uint8Array | Source, request: PlanRequest = {}): Promise<Plan | undefined> {
  const registry = createBuiltInRegistry();
  request.define?.(registry);
  const { inspect, transform } = taps(request.options, registry);
  const source = input instanceof Uint8Array ? sourceOf(input) : input;
  return transform(jobOf(request), source, contextOf(request, inspect));
}

export interface Result {
  readonly bytes: Uint8Array;
  readonly rendition: PlanResult;
  readonly plan: Plan;
}

/** The rendition of some bytes. */
export async function render(input: Uint8Array | Source, request: PlanRequest = {}): Promise<Result> {
  const result = await plan(input, request);
  if (!result) throw new Error("the engine passed");
  const rendition = await result.run(contextOf(request, async () => undefined));
  if (!rendition.body.complete || !rendition.body.bytes) throw new Error("no bytes");
  return { bytes: rendition.body.bytes, rendition, plan: result };
}

/** Decoded RGBA pixels; of an animation, of one frame. */
export async function pixels(bytes: Uint8Array, page = 0) {
  const { data, info } = await sharp(bytes, { page })
    .ensureAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    width: info.width,
    height: info.height,
    at: (x: number, y: number): number[] => {
      const start = (y * info.width + x) * info.channels;
      return [...data.subarray(start, start + info.channels)];
    },
  };
}

export const RED = [255, 0, 0, 255];
export const GREEN = [0, 255, 0, 255];
export const BLUE = [0, 0, 255, 255];
export const WHITE = [255, 255, 255, 255];
export const BLACK = [0, 0, 0, 255];
export const CLEAR = [0, 0, 0, 0];

/** Red, green / blue, white quarters. */
export async function quarters(width = 64, height = 48, alpha = 255) {
  const data = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const color = y < height / 2 ? (x < width / 2 ? RED : GREEN) : x < width / 2 ? BLUE : WHITE;
      data.set([...color.slice(0, 3), alpha], (y * width + x) * 4);
    }
  }
  const image = sharp(data, { raw: { width, height, channels: 4 } });
  return alpha === 255 ? image.removeAlpha() : image;
}

/** Whether two colours look alike: lossy formats move each channel a little. */
export function near(actual: readonly number[], expected: readonly number[], tolerance = 12): boolean {
  return expected.every((value, index) => Math.abs(value - (actual[index] as number)) <= tolerance);
}

export const MAGENTA = [255, 0, 255, 255];
export const PNG = { format: "png" } as const;

/** What comes of the quarters, 64x48, as PNG. */
export async function renderQuarters(steps: readonly Step[], alpha = 255, width = 64, height = 48) {
  const { bytes, plan } = await render(await (await quarters(width, height, alpha)).png().toBuffer(), {
    steps,
    output: PNG,
  });
  return { ...(await pixels(bytes)), passes: (plan.explain() as { passes: string[] }).passes };
}

/** A window at a position. */
export const cut = (width: number, height: number, x: number, y: number): Step => ({
  op: "extract",
  width,
  height,
  at: { from: "corner", x, y },
  outside: "error",
  shrink: true,
});
export const scale = (width: number): Step => ({ op: "resize", width, fit: "inside", enlarge: true });
/** A colour as a paint. */
export const color = (r: number, g: number, b: number, alpha = 1) =>
  ({ kind: "color", color: { r, g, b, alpha } }) as const;
