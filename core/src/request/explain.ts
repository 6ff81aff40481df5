import { isNegotiated } from "../model/canonical.ts";
import { isTrusted, signatureRequired } from "../model/claims.ts";
import type { MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job, Note } from "../model/job.ts";
import type { LimitName, Limits } from "../model/limits.ts";
import { isMediaType } from "../model/media.ts";
import type { Plan } from "../model/plan.ts";
import type { Header } from "../model/render-context.ts";
import type { Source } from "../model/source.ts";
import type { OriginEntry } from "../origin/entry.ts";
import { candidates, foundSource, tryInOrder } from "../origin/sources.ts";
import { wrap } from "../plugin/errors.ts";
import type { Explanation, LimitUse, OriginAnswer, PlanSummary, Problem } from "../plugin/explanation.ts";
import { recover } from "../util/maybe.ts";
import { originalType } from "../work/original.ts";
import { createPlanner, type PlannerParts } from "../work/plan.ts";
import { type ContextParts, createContext, type OwnContext } from "../work/render-context.ts";
import type { Admit, Authorize } from "./admit.ts";
import type { Lookup } from "./lookup.ts";
import type { Resolve, Resolved } from "./resolve.ts";
import type { Substitute } from "./substitute.ts";

export interface ExplainParts extends ContextParts, PlannerParts {
  readonly hooks: ContextParts["hooks"];
  readonly endpoints: ContextParts["endpoints"];
  readonly origins: ReadonlyMap<string, OriginEntry>;
  readonly resolve: Resolve;
  readonly admit: Admit;
  readonly authorize: Authorize;
  readonly substitute: Substitute;
  readonly peek: Lookup["peek"];
  readonly peekTiers: Lookup["peekTiers"];
}

/** What planning came to: `failure` is the first one. */
interface Planned {
  readonly failure?: MediaError | undefined;
  /** What would be delivered is an image, a video or sound. */
  readonly isMedia: boolean;
}

type PartialExplanation = { -readonly [K in keyof Explanation]: Explanation[K] } & {
  origins: OriginAnswer[];
  errors: Problem[];
};

/** An explanation of which nothing but an error is known. */
export function unexplained(url: string, error: unknown): Explanation {
  const metadata = { header: "pending" } as const;
  const problem = problemOf(error);
  const { status } = problem;
  return { url, status, origins: [], metadata, plan: "pending", limits: "pending", errors: [problem] };
}

/**
 * The way of a request as far as its plan, by the steps of `answer`: they are observed, and go on after a refusal, but no cache
 * is asked to keep anything and no pixel is touched. Origins are asked, and as much of the file is read as its header takes.
 */
export function createExplain(parts: ExplainParts) {
  const { hooks, origins, endpoints, resolve, admit, authorize, substitute, peek, peekTiers } = parts;
  const planOf = createPlanner(parts);

  return async function explain(exchange: Exchange): Promise<Explanation> {
    let resolved: Resolved;
    try {
      resolved = await resolve(exchange);
    } catch (error) {
      return { ...unexplained(exchange.request.url, error), endpoint: endpointOf(exchange) };
    }
    const { job, key } = resolved;
    const explanation = startExplanation(exchange, job);
    if (job.notes?.some(({ ifMissing }) => !ifMissing)) explanation.notes = textsOf(job.notes, false);
    if (job.delivery.fallback) explanation.fallback = job.delivery.fallback.path;
    const admitted = recover(
      () => admit(exchange, job),
      (error) => void explanation.errors.push(problemOf(error)),
    );
    await admitted;
    const [refusal] = explanation.errors;
    explanation.signature = exchange.claims.signature ?? "unsigned";
    if (explanation.signature !== "valid") {
      const fault = (await hooks.sign.for(job.language).promise(job, exchange, undefined))?.fault;
      if (fault !== undefined) explanation.signatureFault = fault;
    }
    if (job.problem) {
      explanation.origins = candidates(job.asset, endpoints, origins).map((one) =>
        answerOf(one, "not asked"),
      );
      return { ...explanation, status: refusal?.status ?? explanation.status };
    }
    explanation.transformation = job.transformation;
    explanation.accept = { class: exchange.accept, negotiated: isNegotiated(job) };
    explanation.key = key;
    const { error: _, ...cache } = await peek(key);
    explanation.cache = cache;
    explanation.tiers = await peekTiers(key);
    const { failure } = await plan(explanation, exchange, resolved);
    return { ...explanation, status: refusal?.status ?? (await statusOf(exchange, job, failure)) };
  };

  /** Of a request that was admitted. */
  async function statusOf(exchange: Exchange, job: Job, failure: MediaError | undefined): Promise<number> {
    if (!failure) return 200;
    const instead = await substitute(exchange, job, failure, {
      serve: (resolved) => plan(startExplanation(exchange, resolved.job), exchange, resolved),
      isMedia: ({ isMedia }) => isMedia,
    });
    return (instead ? instead.served.failure?.status : failure.status) ?? 200;
  }

  /** Asks the origins, reads the header and lets an engine plan. */
  async function plan(
    explanation: PartialExplanation,
    exchange: Exchange,
    { job, key }: Resolved,
  ): Promise<Planned> {
    const trusted = isTrusted(exchange);
    const context = createContext(parts, { key, asset: job.asset, trusted, signal: exchange.signal });
    let isMedia = true;
    let failure: MediaError | undefined;
    const fail = (error: unknown) => {
      const wrapped = wrap(error, "explain", "core");
      failure ??= wrapped;
      explanation.errors.push(problemOf(wrapped));
    };
    try {
      const source = await open(explanation, job, context);
      explanation.source = source.metadata;
      const isClosed = source.metadata.private === true && !trusted;
      if (isClosed) fail(signatureRequired());
      // An engine that has nothing to do with the file does not mind that it is broken; one that has says so itself.
      const header = await context.inspect("header", source).catch(() => "pending" as const);
      explanation.metadata = { header: header ?? "none" };
      const uses = usesOf(context.limits, job, source, explanation.metadata.header);
      explanation.limits = uses;
      const found = await planOf(job, source, context, (plan) => {
        explanation.plan = plan ? summaryOf(plan) : "none";
        explanation.limits = plan ? usesOfPlan(context.limits, uses, plan) : [];
      });
      isMedia = found !== undefined || isMediaType(originalType(source.metadata));
      if (!isClosed) await authorize(exchange, context.sources);
    } catch (error) {
      fail(error);
      const isMissing = wrap(error, "explain", "core").status === 404;
      if (job.notes && isMissing) explanation.notes = textsOf(job.notes, true);
    } finally {
      await context.close();
    }
    return { failure, isMedia };
  }

  /** The origins in their order, until one has the file. */
  async function open(explanation: PartialExplanation, job: Job, context: OwnContext): Promise<Source> {
    const inOrder = candidates(job.asset, endpoints, origins);
    const found = await tryInOrder(inOrder, context.signal, async (origin) => {
      try {
        const found = await hooks.fetch.promise(job.asset, { origin: origin.name }, context);
        explanation.origins.push(answerOf(origin, found ? "found" : "not here"));
        return found;
      } catch (error) {
        const failure = wrap(error, "fetch", origin.name);
        explanation.origins.push({ ...answerOf(origin, "failed"), error: problemOf(failure) });
        throw failure;
      }
    });
    const rest = inOrder.slice(explanation.origins.length);
    explanation.origins.push(...rest.map((origin) => answerOf(origin, "not asked")));
    return context.own(foundSource(found));
  }
}

const textsOf = (notes: readonly Note[], isMissing: boolean) =>
  notes.filter(({ ifMissing }) => isMissing || !ifMissing).map(({ text }) => text);

function startExplanation(
  exchange: Exchange,
  { language, asset: { kind, path }, media }: Job,
): PartialExplanation {
  return {
    url: exchange.request.url,
    status: 200,
    endpoint: endpointOf(exchange),
    language,
    asset: { kind, path, media },
    origins: [],
    metadata: { header: "pending" },
    plan: "pending",
    limits: "pending",
    errors: [],
  };
}

function endpointOf({ endpoint, target, request }: Exchange): NonNullable<Explanation["endpoint"]> {
  const by = target.mount !== "" ? "path" : endpoint.hosts.includes(request.host) ? "host" : "default";
  return { name: endpoint.name, by };
}

function answerOf({ name, type, storage }: OriginEntry, answer: OriginAnswer["answer"]): OriginAnswer {
  return { name, type, ...(storage.label === undefined ? {} : { label: storage.label }), answer };
}

function summaryOf(plan: Plan): PlanSummary {
  const { engine, lane, cost, memory } = plan;
  return { engine, lane, cost: Math.round(cost), memory: Math.round(memory), explanation: plan.explain() };
}

/** Formats with a limit of their own. */
const BYTES: Readonly<Record<string, LimitName>> = { svg: "svgBytes", pdf: "pdfBytes" };

function usesOf(limits: Limits, job: Job, source: Source, header: Header | "pending" | "none"): LimitUse[] {
  const { output } = job.transformation;
  if (typeof header === "string" || output.format === "original") return [];
  const size = header.decode?.bytes ?? source.metadata.size;
  const pixels = (header.width * header.height) / 1e6;
  // Of what is decoded first, one page is.
  const frames = header.decode ? 1 : header.frames;
  return [
    ...(size === undefined ? [] : [use(limits, BYTES[header.format] ?? "imageBytes", size)]),
    use(limits, "megapixels", pixels * frames),
    ...(frames > 1 ? [use(limits, "frames", frames), use(limits, "frameMegapixels", pixels)] : []),
  ];
}

/** The engine has checked its limits: one that seems exceeded is of what it does not read, such as further frames. */
function usesOfPlan(limits: Limits, uses: readonly LimitUse[], { lane, cost, memory }: Plan): LimitUse[] {
  return [
    ...uses.filter(({ exceeded }) => !exceeded),
    // Videos have limits of time instead.
    ...(lane === "video" ? [] : [use(limits, "imageWork", Math.round(cost))]),
    use(limits, "memory", Math.round(memory)),
  ];
}

function use(limits: Limits, name: LimitName, used: number): LimitUse {
  const allowed = limits[name];
  return { name, used: Math.round(used * 100) / 100, allowed, exceeded: used > allowed };
}

function problemOf(error: unknown): Problem {
  const { code, status, message, cause, plugin } = wrap(error, "explain", "core");
  return {
    code,
    status,
    message,
    ...(cause instanceof Error ? { cause: cause.message } : {}),
    ...(plugin === undefined || plugin === "core" ? {} : { plugin }),
  };
}
