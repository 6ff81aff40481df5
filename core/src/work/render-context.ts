import type { PurgeRules } from "../cache/purge-rules.ts";
import type { Hooks } from "../hooks.ts";
import type { Asset } from "../model/asset.ts";
import { canonicalTransformation, keyOf } from "../model/canonical.ts";
import { signatureRequired } from "../model/claims.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import { isChanged, isMediaError, MediaError, printable } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import type { LimitsOf } from "../model/limits.ts";
import type { DecodeOptions, Inspections, RenderContext } from "../model/render-context.ts";
import type { Rendition } from "../model/rendition.ts";
import type { Source, SourceMetadata } from "../model/source.ts";
import type { StepRegistry } from "../model/steps/registry.ts";
import { sameFile } from "../origin/source.ts";
import { fetchSource } from "../origin/sources.ts";
import { maskText } from "../util/redact.ts";
import { createSpans } from "../util/spans.ts";

/** Levels of nested jobs. */
const MAX_JOB_DEPTH = 3;

export interface OwnContext extends RenderContext {
  /** When it began, to be compared with purge rules. */
  readonly since: number;
  /** Closes every source that was opened. */
  close(): Promise<void>;
  /** The same, and forgets them: the work begins again. */
  reset(): Promise<void>;
  /** Takes over a source that was opened elsewhere, so that it is closed and recorded. */
  own(source: Source): Source;
  /** A source that outlives the render: its bytes are still being delivered. */
  release(source: Source): void;
}

/** The failure of a file that the transformation names, with its path: the URL has several. */
function ofFurther({ path }: Asset, error: unknown): unknown {
  if (!isMediaError(error) || isChanged(error) || error.status >= 500) return error;
  const { code, message, cause, status, retryAfterSeconds, outage, hook, plugin } = error;
  return new MediaError(code, `${message}: '${printable(maskText(path))}' of the transformation`, {
    cause,
    status,
    outage,
    retryAfterSeconds,
    hook,
    plugin,
  });
}

/** What an inspector found out. */
type Inspection = Inspections[keyof Inspections];

type Render = (job: Job, key: string, depth: number, signal: AbortSignal) => Promise<Rendition>;

/** What contexts of a runtime work with. */
export interface ContextParts {
  readonly hooks: Hooks;
  readonly steps: StepRegistry;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly limitsOf: LimitsOf;
  readonly purgeRules: Pick<PurgeRules, "now">;
}

export interface ContextOptions {
  readonly key: string;
  /** What it works for: its tenant's limits apply, and its host is forwarded to the origins of other sources. */
  readonly asset: Asset;
  /** Private files are open to whoever waits for it. @default false */
  readonly trusted?: boolean;
  readonly signal: AbortSignal;
  /** How many jobs it is nested in. @default 0 */
  readonly depth?: number;
  /** Carries out a nested job. Left out: there are none. */
  readonly render?: Render;
}

const renderNothing: Render = () => Promise.reject(new Error("nothing can be rendered here"));

export function createContext(parts: ContextParts, options: ContextOptions): OwnContext {
  const { hooks, endpoints, steps, purgeRules } = parts;
  const { key, asset: main, signal, depth = 0, trusted = false, render = renderNothing } = options;
  const limits = parts.limitsOf(main.tenant);
  const open: Source[] = [];
  const sources: SourceMetadata[] = [];
  const spans = createSpans();
  const inspected = new Map<Source, Map<keyof Inspections, Promise<Inspection | undefined>>>();
  const decoded = new Map<Source, Map<string, Promise<Source | undefined>>>();
  const context: OwnContext = {
    key,
    since: purgeRules.now(),
    signal,
    deadline: Date.now() + limits.request,
    limits,
    spans,
    sources,
    own(source) {
      open.push(source);
      sources.push(source.metadata);
      return source;
    },
    release(source) {
      open.splice(open.indexOf(source), 1);
    },
    async open(asset) {
      const named = main.host === undefined ? asset : { ...asset, host: main.host };
      const source = await fetchSource(hooks, named, context).catch((error: unknown) => {
        throw ofFurther(asset, error);
      });
      context.own(source);
      if (source.metadata.private && !trusted) throw signatureRequired();
      return source;
    },
    async render(job) {
      if (depth >= MAX_JOB_DEPTH)
        throw new MediaError("ELIMIT", `Expected at most ${MAX_JOB_DEPTH} nested renditions`);
      const endpoint = endpoints.get(endpointId(job.asset));
      if (!endpoint) throw new MediaError("ENOENT", "No file was found at the specified path");
      const nested = { ...job, transformation: canonicalTransformation(job.transformation, endpoint, steps) };
      const delivered = await render(nested, keyOf(nested, endpoint), depth + 1, signal);
      // One that is known already, in this version, counts once.
      const isKnown = (metadata: SourceMetadata) =>
        sources.some(
          (one) => one.origin === metadata.origin && one.path === metadata.path && sameFile(one, metadata),
        );
      sources.push(...delivered.record.sources.filter((metadata) => !isKnown(metadata)));
      return delivered;
    },
    inspect(name, source) {
      const known = inspected.get(source) ?? new Map<keyof Inspections, Promise<Inspection | undefined>>();
      inspected.set(source, known);
      const found = known.get(name) ?? hooks.inspect.for(name).promise(source, context);
      known.set(name, found);
      return found as Promise<never>;
    },
    hasInspector: (name) => hooks.inspect.for(name).isUsed(),
    decode(source, options) {
      const pages = decoded.get(source) ?? new Map<string, Promise<Source | undefined>>();
      decoded.set(source, pages);
      const { page, time, width, height } = options;
      const key = JSON.stringify([page, time, width, height]);
      const known = pages.get(key);
      if (known) return known;
      const decodedSource = decodeOnce(source, options);
      pages.set(key, decodedSource);
      return decodedSource;
    },
    step: (frame, step, size) => hooks.step.for(step.op).promise(frame, step, size),
    async reset() {
      await context.close();
      sources.length = 0;
    },
    async close() {
      await Promise.all(open.splice(0).map((source) => source.close().catch(() => {})));
    },
  };
  return context;

  async function decodeOnce(source: Source, options: DecodeOptions): Promise<Source | undefined> {
    const decodedSource = await spans.measure("decode", () => hooks.decode.promise(source, options, context));
    // Another form of a source that is in the record already.
    if (decodedSource) open.push(decodedSource);
    return decodedSource;
  }
}
