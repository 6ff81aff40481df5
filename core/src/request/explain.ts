import { wrap } from "../facade.ts";
import { isNegotiated } from "../model/canonical.ts";
import { isTrusted, signatureRequired } from "../model/claims.ts";
import { endpointId } from "../model/endpoint.ts";
import type { ErrorCode, MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { AcceptClass, Job, Note } from "../model/job.ts";
import type { LimitName, Limits } from "../model/limits.ts";
import type { Lane, Plan } from "../model/plan.ts";
import type { Header } from "../model/render-context.ts";
import type { Source, SourceFacts } from "../model/source.ts";
import type { Transformation } from "../model/transformation.ts";
import { candidates, missing, mostTelling, type OriginEntry } from "../origin/sources.ts";
import { assertDeliverable } from "../work/original.ts";
import { createContext, type OwnContext } from "../work/render-context.ts";
import type { Services } from "../work/services.ts";
import { createAdmit, createAuthorize } from "./admit.ts";
import { judgeOf } from "./lookup.ts";
import { createResolve, type Resolved } from "./resolve.ts";
import { createSubstitute } from "./substitute.ts";

/** An origin, and what it said: `asked` only as far as the origins before it did not have the file. */
export interface OriginAnswer {
  readonly name: string;
  readonly type: string;
  readonly label?: string;
  readonly answer: "found" | "not here" | "failed" | "not asked";
  readonly error?: Problem;
}

export interface Problem {
  readonly code: ErrorCode;
  readonly status: number;
  readonly message: string;
  /** What went wrong underneath, for the operator. */
  readonly cause?: string;
  readonly plugin?: string;
}

/** How much of a limit the request takes. */
export interface LimitUse {
  readonly name: LimitName;
  readonly used: number;
  readonly allowed: number;
  readonly exceeded: boolean;
}

export interface PlanSummary {
  readonly engine: string;
  readonly lane: Lane;
  /** Estimated milliseconds of one core. */
  readonly cost: number;
  /** Estimated bytes. */
  readonly memory: number;
  readonly explanation: unknown;
}

/** `unsigned` also where a signature is there but the endpoint has no key to check it with. */
export type SignatureState = "unsigned" | "valid" | "wrong" | "expired";

export interface CacheState {
  readonly state: "miss" | "fresh" | "stale";
  readonly name?: string;
}

/** What would be done for a request, found out without pixel work. `pending`: not known, because something before failed. */
export interface Explanation {
  readonly url: string;
  /** Status of the response: of the first error, unless a default image stands in; else 200. */
  readonly status: number;
  /** Name of the endpoint, and how the request got to it. */
  readonly endpoint?: { readonly name: string; readonly by: "host" | "path" | "default" };
  readonly language?: string;
  readonly asset?: { readonly kind: "path" | "url"; readonly path: string; readonly media: Job["media"] };
  readonly signature?: SignatureState;
  /** In canonical form, the endpoint's defaults filled in. */
  readonly transformation?: Transformation;
  readonly accept?: { readonly class: AcceptClass; readonly negotiated: boolean };
  readonly key?: string;
  readonly cache?: CacheState;
  readonly origins: readonly OriginAnswer[];
  readonly source?: SourceFacts;
  /** `none`: no engine reads this kind of file. */
  readonly facts: { readonly header: Header | "pending" | "none" };
  /** `none`: the file is delivered as it is. */
  readonly plan: PlanSummary | "pending" | "none";
  /** Limits that can be told in advance; what else an engine refuses is among the errors. */
  readonly limits: readonly LimitUse[] | "pending";
  /** Stands in when the asset is missing. */
  readonly fallback?: string;
  /** What in the URL probably does not do what was meant. */
  readonly notes?: readonly string[];
  /** All that is wrong; the client hears of the first. */
  readonly errors: readonly Problem[];
}

interface Planning {
  readonly exchange: Exchange;
  readonly job: Job;
  readonly key: string;
  readonly asked: readonly OriginEntry[];
  readonly fail: (error: unknown) => void;
}

type Draft = { -readonly [K in keyof Explanation]: Explanation[K] } & {
  origins: OriginAnswer[];
  errors: Problem[];
};

/** An explanation of which nothing but an error is known. */
export function unexplained(url: string, error: unknown): Explanation {
  const facts = { header: "pending" } as const;
  const problem = problemOf(error);
  const { status } = problem;
  return { url, status, origins: [], facts, plan: "pending", limits: "pending", errors: [problem] };
}

/**
 * The way of a request as far as its plan: the same steps as `answer`, but they go on after a refusal, ask no cache to
 * keep anything and touch no pixel. Origins are asked, and as much of the file is read as its header takes.
 */
export function createExplain(services: Services) {
  const { hooks, cache, origins, endpoints, scheduler } = services;
  const resolve = createResolve(services);
  const admit = createAdmit(services);
  const authorize = createAuthorize(services);
  const substituteOf = createSubstitute(services, admit);

  return async function explain(exchange: Exchange): Promise<Explanation> {
    let resolved: Resolved;
    try {
      resolved = await resolve(exchange);
    } catch (error) {
      return { ...unexplained(exchange.request.url, error), endpoint: endpointOf(exchange) };
    }
    const { job, key } = resolved;
    const said = draftOf(exchange, job);
    if (job.notes?.some(({ ifMissing }) => !ifMissing)) said.notes = textsOf(job.notes, false);
    if (job.delivery.fallback) said.fallback = job.delivery.fallback.path;
    let failure: MediaError | undefined;
    const fail = (error: unknown) => {
      const wrapped = wrap(error, "explain", "core");
      failure ??= wrapped;
      said.errors.push(problemOf(wrapped));
    };
    await admit(exchange, job).catch(fail);
    said.signature = exchange.claims.signature ?? "unsigned";
    const asked = candidates(job.asset, endpoints, origins);
    if (job.problem) {
      said.origins = asked.map((origin) => answerOf(origin, "not asked"));
      return { ...said, status: (failure as MediaError | undefined)?.status ?? said.status };
    }
    said.transformation = job.transformation;
    said.accept = { class: exchange.accept, negotiated: isNegotiated(job) };
    said.key = key;
    said.cache = await cacheOf(key);
    await plan(said, { exchange, job, key, asked, fail });
    return { ...said, status: failure ? await statusOf(exchange, job, failure) : said.status };
  };

  /** Of a failure; 200 if a default image stands in. */
  async function statusOf(exchange: Exchange, job: Job, failure: MediaError): Promise<number> {
    const instead = await substituteOf(exchange, job, failure);
    if (!instead) return failure.status;
    const { job: named, key } = resolve.complete(instead.job);
    let isMissing = false;
    const fail = () => {
      isMissing = true;
    };
    const asked = candidates(named.asset, endpoints, origins);
    await plan(draftOf(exchange, named), { exchange, job: named, key, asked, fail });
    return isMissing ? failure.status : 200;
  }

  /** Asks the origins, reads the header and lets an engine plan; what fails is passed to `fail`. */
  async function plan(said: Draft, { exchange, job, key, asked, fail }: Planning): Promise<void> {
    const trusted = isTrusted(exchange);
    const context = createContext(services, { key, asset: job.asset, trusted, signal: exchange.signal });
    try {
      const source = await open(said, job, asked, context);
      said.source = source.facts;
      const isClosed = source.facts.private === true && !trusted;
      if (isClosed) fail(signatureRequired());
      // An engine that has nothing to do with the file does not mind that it is broken; one that has says so itself.
      const header = await context.inspect("header", source).catch(() => "pending" as const);
      said.facts = { header: header ?? "none" };
      const uses = usesOf(context.limits, job, source, said.facts.header);
      said.limits = uses;
      const planned = await hooks.transform.promise(job, source, context);
      said.plan = planned ? summaryOf(planned) : "none";
      // The engine has checked its limits: one that seems exceeded is of what it does not read, such as further frames.
      said.limits = planned ? uses.filter(({ exceeded }) => !exceeded) : [];
      // Videos have limits of time instead.
      const isVideo = planned?.lane === "video";
      if (planned && !isVideo)
        said.limits = [...said.limits, use(context.limits, "imageWork", Math.round(planned.cost))];
      if (planned) {
        said.limits = [...said.limits, use(context.limits, "memory", Math.round(planned.memory))];
        scheduler.assertFits(planned);
      }
      if (!planned) await assertDeliverable(job, endpoints.get(endpointId(job.asset)), source, context);
      if (!isClosed) await authorize(exchange, context.sources);
    } catch (error) {
      fail(error);
      const isMissing = wrap(error, "explain", "core").status === 404;
      if (job.notes && isMissing) said.notes = textsOf(job.notes, true);
    } finally {
      await context.close();
    }
  }

  /** The origins in their order, until one has the file. */
  async function open(
    said: Draft,
    job: Job,
    asked: readonly OriginEntry[],
    context: OwnContext,
  ): Promise<Source> {
    const failures: MediaError[] = [];
    let source: Source | undefined;
    for (const origin of asked) {
      if (source) {
        said.origins.push(answerOf(origin, "not asked"));
        continue;
      }
      try {
        const found = await hooks.fetch.promise(job.asset, { origin: origin.name }, context);
        if (found && typeof found !== "symbol") source = context.own(found);
        said.origins.push(answerOf(origin, source ? "found" : "not here"));
      } catch (error) {
        const failure = wrap(error, "fetch", origin.name);
        failures.push(failure);
        said.origins.push({ ...answerOf(origin, "failed"), error: problemOf(failure) });
      }
    }
    if (source) return source;
    throw mostTelling(failures) ?? missing();
  }

  async function cacheOf(key: string): Promise<CacheState> {
    const { found, stale } = await cache.find({
      key,
      body: "unneeded",
      signal: new AbortController().signal,
      judge: judgeOf(services, false),
    });
    if (found) return { state: "fresh", name: found.cache };
    return { state: stale ? "stale" : "miss" };
  }
}

const textsOf = (notes: readonly Note[], isMissing: boolean) =>
  notes.filter(({ ifMissing }) => isMissing || !ifMissing).map(({ text }) => text);

function draftOf(exchange: Exchange, { language, asset: { kind, path }, media }: Job): Draft {
  return {
    url: exchange.request.url,
    status: 200,
    endpoint: endpointOf(exchange),
    language,
    asset: { kind, path, media },
    origins: [],
    facts: { header: "pending" },
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
  const size = header.decode?.bytes ?? source.facts.size;
  const pixels = (header.width * header.height) / 1e6;
  // Of what is decoded first, one page is.
  const frames = header.decode ? 1 : header.frames;
  return [
    ...(size === undefined ? [] : [use(limits, BYTES[header.format] ?? "imageBytes", size)]),
    use(limits, "megapixels", pixels * frames),
    ...(frames > 1 ? [use(limits, "frames", frames), use(limits, "frameMegapixels", pixels)] : []),
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
