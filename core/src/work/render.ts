import type { Hooks } from "../hooks.ts";
import { signatureRequired } from "../model/claims.ts";
import { isMediaError, type MediaError } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import type { Lane, Plan } from "../model/plan.ts";
import type { Body, CompleteBody, PlanResult, Rendition, RenditionRecord } from "../model/rendition.ts";
import type { Source } from "../model/source.ts";
import { fetchSource } from "../origin/sources.ts";
import { wrap } from "../plugin/errors.ts";
import { resultCheckOf } from "../plugin/results.ts";
import { traced } from "../traced.ts";
import { createEntryWriter, type EntryWriter, type EntryWriterParts } from "./entry-writer.ts";
import { originalBody, originalFormat, originalType } from "./original.ts";
import { createPlanner, type PlanOf } from "./plan.ts";
import { type ContextParts, createContext, type OwnContext } from "./render-context.ts";
import { type ReportedMetadata, revalidateSources } from "./revalidation.ts";
import type { Scheduler } from "./scheduler.ts";

/** What is to be rendered. */
export interface RenderRequest {
  readonly job: Job;
  readonly key: string;
  /** Private files are open to whoever waits for it. */
  readonly trusted: boolean;
  /** A rendition past its freshness: its origins are asked whether it has changed. */
  readonly stale?: Rendition;
  /** No client waits for it. @default false */
  readonly isBackground?: boolean;
}

/** A rendition, and what is known of the render that it is the result of. */
export interface Rendered extends Rendition {
  readonly spans: OwnContext["spans"];
  /** In which lane the plan ran. Left out: there was none. */
  readonly lane?: Lane;
  /** Caches store it, or its metadata. */
  readonly stored: boolean;
  /** Resolves once caches have stored its bytes. Left out: none does. */
  readonly written?: Promise<void>;
  /** The complete rendition, of one that is still streaming. Rejects if it fails. */
  readonly completion?: Promise<Rendition & Pick<Rendered, "written">>;
  /** Another process rendered it. */
  readonly joined?: boolean;
  /** The stale rendition was revalidated. */
  readonly revalidated?: boolean;
  readonly degraded?: boolean;
}

export interface RenderParts extends ContextParts, EntryWriterParts {
  readonly hooks: Hooks;
  readonly purgeRules: ContextParts["purgeRules"] & EntryWriterParts["purgeRules"];
  readonly scheduler: Pick<Scheduler, "assertRoom" | "assertFits" | "run">;
}

type RenderFunction = (request: RenderRequest, signal: AbortSignal, depth?: number) => Promise<Rendered>;

/** Renders: fetch, inspect, transform, run, cache write. Knows no request. */
export function createRender(parts: RenderParts): RenderFunction {
  const { hooks, scheduler } = parts;
  const planOf = createPlanner(parts);
  const writer = createEntryWriter(parts);

  return function render(request, signal, depth = 0) {
    const { job, key, trusted } = request;
    const context = createContext(parts, {
      key,
      asset: job.asset,
      trusted,
      signal,
      depth,
      render: (job, key, depth, signal) => render({ job, key, trusted }, signal, depth),
    });
    const run = new Render({ request, context, depth, hooks, scheduler, planOf, writer });
    return traced(hooks, { kind: "render", context, job }, () => run.done());
  };
}

interface RenderOptions extends Pick<RenderParts, "hooks" | "scheduler"> {
  readonly request: RenderRequest;
  readonly context: OwnContext;
  /** In how many jobs it is nested. */
  readonly depth: number;
  readonly planOf: PlanOf;
  readonly writer: EntryWriter;
}

/** One run of the lower half of the picture. */
class Render {
  readonly #started = performance.now();
  readonly #options: RenderOptions;
  #plan: Plan | undefined;

  constructor(options: RenderOptions) {
    this.#options = options;
  }

  async done(): Promise<Rendered> {
    const { context } = this.#options;
    let rendered: Rendered;
    try {
      rendered = await this.#render();
    } catch (error) {
      if (isMediaError(error)) error.spans = context.spans;
      await this.#end({ error: error as MediaError });
      throw error;
    }
    if (rendered.completion)
      rendered.completion.then(
        (completed) => this.#end(completed),
        (error) => this.#failed(error),
      );
    else await this.#end(rendered);
    return rendered;
  }

  async #render(): Promise<Rendered> {
    const { request, context, depth, scheduler } = this.#options;
    const { stale, job } = request;
    if (depth === 0) scheduler.assertRoom(job.transformation.output.video ? "video" : "light");
    const found = await context.spans.measure("download", () => this.#fetch());
    if (stale && found instanceof Map) return this.#refresh(stale, found);
    return await this.#renderFrom(found as Source, []);
  }

  /** The asset's source; or the metadata that origins report for the sources of the stale rendition, if none has changed. */
  async #fetch(): Promise<Source | ReportedMetadata> {
    const { request, context, hooks } = this.#options;
    const { asset } = request.job;
    const { sources } = request.stale?.record ?? {};
    const found = sources && (await revalidateSources(hooks, asset, sources, context));
    if (found instanceof Map) return found;
    return context.own((found as Source | undefined) ?? (await fetchSource(hooks, asset, context)));
  }

  /** If a source breaks off before anything of it was sent, the next origin that has the file is taken. */
  async #renderFrom(source: Source, broken: readonly string[]): Promise<Rendered> {
    const { request, context, planOf } = this.#options;
    try {
      if (source.metadata.private && !request.trusted) {
        this.#expireStale();
        throw signatureRequired();
      }
      this.#plan = await planOf(request.job, source, context);
      return this.#write(this.#plan ? await this.#run(this.#plan) : await this.#passThrough(source));
    } catch (error) {
      if (context.signal.aborted || !source.isBroken?.()) throw error;
      // A copy that breaks off is no failure of its origin: with `except`, copies are skipped.
      const except = source.metadata.copy ? broken : [...broken, source.metadata.origin];
      const next = await this.#fetchElsewhere(except);
      if (!next) throw error;
      await context.reset();
      return await this.#renderFrom(context.own(next), except);
    }
  }

  async #fetchElsewhere(except: readonly string[]): Promise<Source | undefined> {
    const { request, context, hooks } = this.#options;
    const found = await context.spans
      .measure("download", () => hooks.fetch.promise(request.job.asset, { except }, context))
      .catch(() => undefined);
    return typeof found === "object" ? found : undefined;
  }

  /** The plan's work, when its turn has come; a nested job uses its parent's slot. */
  #run(plan: Plan): Promise<PlanResult> {
    const { context, depth, scheduler } = this.#options;
    const work = () => context.spans.measure("transformation", () => runPlan(plan, context));
    if (depth > 0) return work();
    const began = performance.now();
    const afterWaiting = () => {
      context.spans.add("queue", performance.now() - began, undefined, began);
      return work();
    };
    const { isBackground = false } = this.#options.request;
    return scheduler.run(plan, context.signal, afterWaiting, { isBackground, lasts: completeOf });
  }

  /** No engine has anything to do: the source's own bytes. */
  async #passThrough(source: Source): Promise<PlanResult> {
    const format = await originalFormat(source);
    const body = await originalBody(source);
    this.#options.context.release(source);
    if (body.complete && body.bytes) await source.close();
    return { body, type: originalType(source.metadata), format };
  }

  #write(rendition: PlanResult): Rendered {
    const { request, context, writer } = this.#options;
    const { body, degraded } = rendition;
    const isOriginal = this.#plan === undefined;
    const entry = writer.entryOf({ ...request, sources: context.sources, rendition, isOriginal });
    if (!entry.isStorable) this.#expireStale();
    const record = entry.metadata(body);
    const write = (record: RenditionRecord, completed: CompleteBody) => {
      // For a large original caches store the metadata alone.
      const hasBody = completed.bytes !== undefined || !isOriginal;
      const stored = entry.isStorable
        ? writer.write({ record, ...(hasBody && { body: completed }) }, context.since)
        : undefined;
      return { stored: stored !== undefined, ...(stored && hasBody && { written: stored }) };
    };
    const completion = completeOf(rendition)?.then((completed) => {
      const record = entry.metadata(completed);
      return { record, body: completed, ...write(record, completed) };
    });
    completion?.catch(() => {});
    return {
      record,
      body,
      spans: context.spans,
      ...(body.complete && !degraded ? write(record, body) : { stored: false }),
      ...(completion && { completion }),
      ...(this.#plan && { lane: this.#plan.lane }),
      ...(degraded && { degraded }),
    };
  }

  /** The stale rendition, revalidated without download or transformation. */
  #refresh(stale: Rendition, reportedMetadata: ReportedMetadata): Rendered {
    const { request, context, writer } = this.#options;
    const { entry, isStorable } = writer.refreshed(stale, reportedMetadata, request.job);
    if (!isStorable) this.#expireStale();
    const stored = isStorable ? writer.write(entry, context.since) : undefined;
    return {
      ...entry,
      spans: context.spans,
      revalidated: true,
      stored: stored !== undefined,
      ...(stored && entry.body && { written: stored }),
    };
  }

  #expireStale(): void {
    const { request, context, writer } = this.#options;
    if (request.stale) writer.expire(request.stale, context.since);
  }

  #failed(error: unknown): Promise<void> {
    return this.#end({ error: wrap(error, "transform", this.#plan?.engine ?? "core") });
  }

  /** A render whose body still grew has ended with the last byte. */
  async #end({ record, error }: { record?: RenditionRecord; error?: MediaError }): Promise<void> {
    const { request, context, hooks } = this.#options;
    await context.close();
    const { job, key } = request;
    const duration = performance.now() - this.#started;
    hooks.report.call({
      kind: "render",
      context,
      key,
      job,
      duration,
      spans: context.spans,
      ...(this.#plan && { plan: this.#plan }),
      ...(record && { record }),
      ...(error && { error }),
    });
  }
}

const checkRendition = resultCheckOf("run");

/** Does the work of a plan. What its engine does wrong is the engine's fault, not the core's. */
async function runPlan(plan: Plan, context: OwnContext): Promise<PlanResult> {
  try {
    const rendition = await plan.run(context);
    checkRendition?.(rendition, []);
    return rendition;
  } catch (error) {
    throw context.signal.aborted ? error : wrap(error, "transform", plan.engine);
  }
}

/** What a body that still grows becomes. */
function completeOf({ body }: { readonly body: Body }): Promise<CompleteBody> | undefined {
  return body.complete ? undefined : body.completed;
}
