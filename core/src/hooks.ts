import type { Readable } from "node:stream";
import {
  AsyncParallelHook,
  AsyncSeriesBailHook,
  AsyncSeriesHook,
  HookMap,
  SyncBailHook,
  SyncHook,
} from "tapable";
import type { Asset } from "./model/asset.ts";
import type { Endpoint } from "./model/endpoint.ts";
import type { MediaError } from "./model/errors.ts";
import type { Exchange, Reply } from "./model/exchange.ts";
import type { Size } from "./model/expression.ts";
import type { Job } from "./model/job.ts";
import type { Plan } from "./model/plan.ts";
import type { ActiveRule } from "./model/purge-rule.ts";
import type { DecodeOptions, Inspections, RawFrame, RenderContext } from "./model/render-context.ts";
import type { Provenance, RenditionRecord } from "./model/rendition.ts";
import type { NOT_MODIFIED, OpenOptions, Source, SourceMetadata, Storage } from "./model/source.ts";
import type { Spans } from "./model/spans.ts";
import type { Step } from "./model/transformation.ts";
import type { Trace } from "./util/trace.ts";

/**
 * Order of the taps of one hook: lower stages run first, taps of one stage in the order in which their plugins are configured.
 * Any number between two of these is allowed. Which hook uses which stage: PLUGINS.md.
 */
export const Stage = {
  /** Before all others: to see everything without deciding it. */
  first: -1000,
  /** Of a tap that names no stage. */
  normal: 0,
  /** In `fetch`: the core asks the endpoint's origins. */
  origins: 100,
  /** After those that know better. */
  fallback: 200,
  /** After all others: to have the last word. */
  last: 1000,
} as const;

/** Asks an origin only for what has changed. */
export interface Conditions
  extends Pick<OpenOptions, "ifNoneMatch" | "ifModifiedSince" | "held" | "onNotModified" | "head"> {
  /** Ask this origin only: it answered before. */
  readonly origin?: string;
  /** Do not ask these origins, nor any copy: what they sent broke off. */
  readonly except?: readonly string[];
}

/** What a check has found. */
export interface Finding {
  readonly what: string;
  readonly state: "good" | "poor" | "bad";
  readonly text: string;
  /** What to do, if something is wrong. */
  readonly advice?: string;
}

/** Collects what `mediatap doctor` prints, and what `mediatap serve` warns of. */
export interface Diagnosis {
  /** The server has just started: only what this machine can tell at once, without network and programs. @default false */
  readonly local?: boolean;
  add(finding: Finding): void;
}

/** Why a response is not the requested one. */
export interface Reason {
  readonly error?: MediaError;
}

export interface Substitute {
  readonly job: Job;
  readonly provenance: Provenance;
  /** Milliseconds for which clients may store it. */
  readonly lifetime: number;
  /** Work to be done in the background. */
  readonly background?: Job;
}

/** The response of another server. */
export interface RelayResponse {
  readonly status: number;
  /** Lower-case names; only those that are meant for the client, none of the connection. */
  readonly headers: Readonly<Record<string, string>>;
  /** Destroyed when the client leaves. Left out: there is none, as of a 304. */
  readonly body?: Readable;
}

/** A URL with a signature. */
export interface Signed {
  /** Path and query, from the root of the host. Left out: the endpoint has no key. */
  readonly url?: string;
  /** Why the signature of the URL as it was sent is not valid, in words for its author. Left out: it is, or there is none. */
  readonly fault?: string;
}

/** Work that no request waits for: plain data. */
export interface BackgroundWork {
  /** In canonical form. */
  readonly job: Job;
  /** Of the rendition; the same in all processes with the same configuration. */
  readonly key: string;
  /** Private files are open to it. */
  readonly trusted: boolean;
  /** When the newest purge rule that matches it came; 0: there is none. Equal work with another value is not the same work. */
  readonly since: number;
}

/** A request to an origin for one file. */
export interface Attempt {
  /** Its place in the endpoint's order, from 1. */
  readonly place: number;
  readonly origin: string;
  readonly asset: Asset;
  readonly context: RenderContext;
}

/**
 * What came of an attempt. `skipped`: its circuit breaker is open, nothing was asked; `aborted`: nobody waits for it any
 * more.
 */
export type AttemptOutcome = "found" | "not here" | "not modified" | "failed" | "skipped" | "aborted";

/** A piece of work that begins. The same object is in its report. */
export type Work =
  | { readonly kind: "exchange"; readonly exchange: Exchange }
  | { readonly kind: "render"; readonly context: RenderContext; readonly job: Job }
  | { readonly kind: "attempt"; readonly attempt: Attempt };

/** A finished exchange, render or attempt. */
export type Report =
  | {
      readonly kind: "exchange";
      readonly exchange: Exchange;
      readonly duration: number;
      readonly bytes: number;
    }
  | {
      readonly kind: "render";
      readonly context: RenderContext;
      readonly key: string;
      readonly job: Job;
      readonly duration: number;
      readonly spans: Spans;
      readonly plan?: Plan;
      /** The record that was rendered or revalidated; of a stream, once it is complete. */
      readonly record?: RenditionRecord;
      readonly error?: MediaError;
    }
  | {
      readonly kind: "attempt";
      readonly attempt: Attempt;
      readonly outcome: AttemptOutcome;
      readonly duration: number;
      readonly error?: MediaError;
    };

/** The argument of `start` and `stop`. */
export interface RuntimeInfo {
  /** Counts configurations, from 1. */
  readonly number: number;
  /** Hash of the plugins that determine bytes, with their versions: caches of processes with the same one understand each other. */
  readonly engines: string;
  readonly endpoints: readonly Endpoint[];
  readonly origins: readonly OriginInfo[];
}

/** A configured place. */
export interface OriginInfo {
  /** Its name, behind its tenant's: `tenant/name`. */
  readonly name: string;
  readonly type: string;
  /** Hash over what tells where its files lie; the same name with another fingerprint is another place. */
  readonly fingerprint: string;
}

/** The seams of the server, in the order in which a request meets them. In every hook `null` counts as `undefined`. */
export function createHooks() {
  return {
    /**
     * A runtime begins, before it takes requests; in series. Open clients here, or later on first use.
     * A throw stops the start (or the reload: the old runtime goes on).
     */
    start: new AsyncSeriesHook<[runtime: RuntimeInfo]>(["runtime"], "start"),

    /**
     * A piece of work begins, as part of the trace `parent`. Return the trace under which it is to be done, if you keep
     * one: requests to origins carry it, and work within it gets it as `parent`. `undefined`: that of `parent`. A throw
     * is logged and counts as `undefined`. Its end is a `report`.
     */
    trace: new SyncBailHook<[work: Work, parent: Trace | undefined], Trace | undefined>(
      ["work", "parent"],
      "trace",
    ),

    /**
     * A response of another server, to be sent in place of one of this server: while a site moves, for instance. For GET and HEAD,
     * once the endpoint's rules about clients (addresses, referrers, user agents) have admitted the request, and before anybody reads
     * its URL: the other server judges signatures. `undefined`: this server answers. Called for every request, so tap it only if an
     * endpoint needs it.
     */
    relay: new AsyncSeriesBailHook<[exchange: Exchange], RelayResponse | undefined>(["exchange"], "relay"),

    /**
     * URL → job. Languages, in the order of the endpoint's `languages`; if it has none, all that are installed, in the
     * order of the plugins. The first to return a job wins; `undefined`: not this language. A URL of this language that is
     * wrong returns a job with a `problem`, because access rules are checked first; throw only if not even the asset is
     * known. All pass: `ENOENT`. `job.language` is the plugin's own name, `job.asset.tenant` the endpoint's; anything else
     * is refused. The core removes `ignoreQuery` from `job.query`.
     * What it returns may depend on nothing but URL, endpoint, `exchange.accept` and headers read by
     * `exchange.request.header`: the result is memoised. The canonical form of a frozen Transformation is worked out once per
     * endpoint, so a language should return the same one, frozen, for all URLs that share it.
     */
    resolve: new AsyncSeriesBailHook<[exchange: Exchange, endpoint: Endpoint], Job | undefined>(
      ["exchange", "endpoint"],
      "resolve",
    ),

    /**
     * What is known about the request? Before any cache or origin is asked, for hits too. Taps add to `exchange.claims`;
     * after all of them the core enforces the endpoint's rules (`restrictUnsigned`, `restrictUnnamed`, …), and a claim that
     * nobody makes opens nothing. A language checks signatures with `endpoint.privateKeys`; its taps run for its own jobs
     * only, so plugins may be in any order. A plugin with rules of its own taps this hook for all jobs, and throws
     * `EFORBIDDEN`, `ESIGNATURE`, `EEXPIRED` or `EINVAL` to refuse one.
     */
    admit: new AsyncSeriesHook<[exchange: Exchange, job: Job]>(["exchange", "job"], "admit"),

    /**
     * Asset → opened original. Plugins that supply originals first, then the core's own tap, which asks the endpoint's
     * library, the cache of originals, and the origins in order. `undefined`: not here. `NOT_MODIFIED` only if conditions were sent. A throw ends the search.
     */
    fetch: new AsyncSeriesBailHook<
      [asset: Asset, conditions: Conditions, context: RenderContext],
      Source | typeof NOT_MODIFIED | undefined
    >(["asset", "conditions", "context"], "fetch"),

    /**
     * Finds out one thing about a source: `inspect.for("header")`. `undefined`: not my kind of file. Throw `UNIDENTIFIED`
     * for a file of my kind that is broken. Read as little as possible.
     */
    inspect: new HookMap<
      AsyncSeriesBailHook<
        [source: Source, context: RenderContext],
        Inspections[keyof Inspections] | undefined
      >
    >((name) => new AsyncSeriesBailHook(["source", "context"], `inspect:${name}`)),

    /**
     * May this request have this file? Once the metadata of its source is known, before a body, a 304 or a transform;
     * hits included. Throw `ESIGNATURE` or `EFORBIDDEN` to refuse.
     */
    authorize: new AsyncSeriesHook<[exchange: Exchange, metadata: readonly SourceMetadata[]]>(
      ["exchange", "metadata"],
      "authorize",
    ),

    /**
     * A source that no image engine reads (HEIC, PDF, a video's frame) → one that it reads: one page, upright, in the size that
     * its header promised, or the ask for a drawing. `undefined`: not mine. Called in the plan's turn; the tap keeps off the
     * event loop, within `limits.imageWork` and its own bounds of memory, and stops with the render. What it takes, and what
     * the file is, its plugin says by `inspect.for("header")` and `inspect.for("kind")`.
     */
    decode: new AsyncSeriesBailHook<
      [source: Source, options: DecodeOptions, context: RenderContext],
      Source | undefined
    >(["source", "options", "context"], "decode"),

    /**
     * Job and source → what an engine would do, priced, without pixel work. `undefined`: nothing for this engine.
     * No engine answers: the source is delivered as it is, unless it is media and the job asks for a transformation. Throw `EINVAL`, `ELIMIT`, `EUNSUPPORTED` for a request that
     * cannot be met; never leave a step out silently.
     */
    transform: new AsyncSeriesBailHook<[job: Job, source: Source, context: RenderContext], Plan | undefined>(
      ["job", "source", "context"],
      "transform",
    ),

    /**
     * Carries out an operation that engines do not know: `step.for("vignette")`. Called once for each frame of an
     * animation. Returns a frame of `size`, which is what the step's `size()` promised; another size fails the request
     * with `EINTERNAL`. `undefined`: not mine.
     */
    step: new HookMap<AsyncSeriesBailHook<[frame: RawFrame, step: Step, size: Size], RawFrame | undefined>>(
      (op) => new AsyncSeriesBailHook(["frame", "step", "size"], `step:${op}`),
    ),

    /** Another job for one that failed or takes long: default images. `undefined`: nothing to offer. */
    substitute: new AsyncSeriesBailHook<[job: Job, reason: Reason], Substitute | undefined>(
      ["job", "reason"],
      "substitute",
    ),

    /**
     * Work that no request waits for, which another process may do. `true`: it is done, and the caches of this process can find the
     * result. `undefined`: not taken, this process does it. A throw is the failure of the work, remembered like one of this
     * process. Called once the caches are known to have nothing fresh; never without a cache.
     */
    background: new AsyncSeriesBailHook<[work: BackgroundWork, signal: AbortSignal], true | undefined>(
      ["work", "signal"],
      "background",
    ),

    /**
     * Job → URL (path and query) of the language `link.for(name)`, signed if the request was. The job is in canonical form:
     * what `resolve` returned may be spelt in another way, steps that change nothing are gone.
     */
    link: new HookMap<AsyncSeriesBailHook<[job: Job, exchange: Exchange], string | undefined>>(
      (language) => new AsyncSeriesBailHook(["job", "exchange"], `link:${language}`),
    ),

    /**
     * The URL of a request (path and query) as it was sent, but signed by the endpoint's first key, and what is wrong with the
     * signature that it has: `sign.for(language)`. `expires`: seconds since 1970; left out: as in the URL, else never. `undefined`:
     * the language has no signatures. Called for operators only, never on the way of a request, so it may try out mistakes.
     */
    sign: new HookMap<
      AsyncSeriesBailHook<[job: Job, exchange: Exchange, expires: number | undefined], Signed | undefined>
    >((language) => new AsyncSeriesBailHook(["job", "exchange", "expires"], `sign:${language}`)),

    /** Last word on status and headers, for errors too; never the body. Header names are lower-case. */
    respond: new AsyncSeriesHook<[reply: Reply, exchange: Exchange]>(["reply", "exchange"], "respond"),

    /** A finished exchange, render or attempt; what grows is finished with its last byte. Must not throw, must not wait. */
    report: new SyncHook<[report: Report]>(["report"], "report"),

    /** Forgets entries. All caches at once; failures are added up, not thrown. */
    purge: new AsyncParallelHook<[rule: ActiveRule]>(["rule"], "purge"),

    /**
     * Configuration of an origin → its storage: `storage.for("FOLDER")`. Called once an origin and runtime; throw
     * `ECONFIG` naming the field. Connect on first use, not here.
     */
    storage: new HookMap<AsyncSeriesBailHook<[origin: OriginConfig], Storage | undefined>>(
      (type) => new AsyncSeriesBailHook(["origin"], `storage:${type}`),
    ),

    /**
     * What a plugin finds out of its own setting, for `mediatap doctor`: libraries, codecs, programs. All taps at once, each with
     * a limit of 5 seconds. After the start of a server, too: `diagnosis.local`.
     */
    diagnose: new AsyncSeriesHook<[diagnosis: Diagnosis]>(["diagnosis"], "diagnose"),

    /** A runtime ends: close clients, timers, files. All taps at once, each once. */
    stop: new AsyncParallelHook<[runtime: RuntimeInfo]>(["runtime"], "stop"),
  };
}

/** An origin as configured; a storage plugin checks the fields that belong to its type. */
export interface OriginConfig {
  readonly name: string;
  readonly type: string;
  /** Folder of the file in which it was configured: relative paths start there. */
  readonly base: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export type Hooks = ReturnType<typeof createHooks>;
