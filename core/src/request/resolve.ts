import { LRUCache } from "lru-cache";
import type { Hooks } from "../hooks.ts";
import type { Asset } from "../model/asset.ts";
import { canonicalTransformation, keyOf, stableJson } from "../model/canonical.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import { invalid, isMediaError, MediaError } from "../model/errors.ts";
import type { Exchange, MediaRequest } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { LimitsOf } from "../model/limits.ts";
import type { StepRegistry } from "../model/steps/registry.ts";
import type { Output, Transformation } from "../model/transformation.ts";
import type { OriginEntry } from "../origin/entry.ts";
import { after, callHook, type MaybePromise } from "../util/maybe.ts";

/** A job in canonical form with its key. */
export interface Resolved {
  readonly job: Job;
  readonly key: string;
}

/** A Transformation in canonical form, or why it is refused; with its JSON, which is part of keys. */
type Form =
  | { readonly transformation: Transformation; readonly json: string; readonly problem?: undefined }
  | { readonly transformation?: undefined; readonly json: string; readonly problem: Job["problem"] & {} };

/** A request that notes whether a header has been read. */
class WatchedRequest implements MediaRequest {
  readonly method: string;
  readonly url: string;
  readonly host: string;
  readonly ip: string;
  wasRead = false;
  readonly #request: MediaRequest;

  constructor(request: MediaRequest) {
    this.method = request.method;
    this.url = request.url;
    this.host = request.host;
    this.ip = request.ip;
    this.#request = request;
  }

  get isSecure(): boolean {
    this.wasRead = true;
    return this.#request.isSecure;
  }

  header(name: string): string | undefined {
    this.wasRead = true;
    return this.#request.header(name);
  }
}

/** An exchange as languages see it. Its signal is made on first use (http/request.ts), so it is not copied. */
class WatchedExchange implements Exchange {
  readonly request: WatchedRequest;
  readonly id: string;
  readonly started: number;
  readonly endpoint: Endpoint;
  readonly target: Exchange["target"];
  readonly accept: Exchange["accept"];
  readonly claims: Exchange["claims"];
  readonly spans: Exchange["spans"];
  readonly log: Exchange["log"];
  readonly provenance: Exchange["provenance"];
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.request = new WatchedRequest(exchange.request);
    this.id = exchange.id;
    this.started = exchange.started;
    this.endpoint = exchange.endpoint;
    this.target = exchange.target;
    this.accept = exchange.accept;
    this.claims = exchange.claims;
    this.spans = exchange.spans;
    this.log = exchange.log;
    this.provenance = exchange.provenance;
    this.#exchange = exchange;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }
}

export interface ResolveParts {
  readonly hooks: Pick<Hooks, "resolve">;
  readonly steps: StepRegistry;
  readonly limitsOf: LimitsOf;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly origins: ReadonlyMap<string, OriginEntry>;
}

export type Resolve = ReturnType<typeof createResolve>;

/** Bytes that the memo may hold: 15,000 URLs or more. A URL that is not in it costs some 15 µs more. */
const MEMO_BYTES = 32 * 1024 * 1024;

/** What an entry costs besides its texts, measured; its name is there about twice, as part of what it stands for. */
const MEMO_ENTRY_BYTES = 560;

/** What a Transformation costs per character of its JSON. URLs may share one, but each of them may have its own. */
const BYTES_PER_CHARACTER = 4;

/**
 * URL → job and key, by the endpoint's languages. Equal URLs of one endpoint and Accept class are worked out once,
 * unless a language looked at further headers.
 */
export function createResolve({ hooks, steps, limitsOf, endpoints, origins }: ResolveParts) {
  const forwarding = new Set(
    [...origins].filter(([, { storage }]) => storage.forwardsHost).map(([name]) => name),
  );
  const forms = new WeakMap<Endpoint, WeakMap<Transformation, Form>>();
  const rulesByLanguage = createRulesByLanguage();
  const memo = new LRUCache<string, Resolved>({
    maxSize: MEMO_BYTES,
  });

  function resolve(exchange: Exchange): MaybePromise<Resolved> {
    const { endpoint, request } = exchange;
    const host = forwarding.size === 0 ? "" : request.host;
    const name = `${host} ${exchange.accept} ${endpoint.tenant}/${endpoint.name} ${exchange.target.mount} ${request.url}`;
    return memo.get(name) ?? work(exchange, host, name);
  }

  function work(exchange: Exchange, host: string, name: string): MaybePromise<Resolved> {
    const watched = new WatchedExchange(exchange);
    return after(byLanguages(watched, exchange.endpoint), (job) => {
      if (!job) throw new MediaError("ENOENT", "No file was found at the specified path");
      const { resolved, json } = completed(forwarding.size === 0 ? job : withHost(job, host));
      const size = MEMO_ENTRY_BYTES + 2 * name.length + BYTES_PER_CHARACTER * json.length;
      if (!watched.request.wasRead) memo.set(name, resolved, { size });
      return resolved;
    });
  }

  /** The first job that one of the endpoint's languages finds, in its order; without one, in the order installed. */
  function byLanguages(exchange: Exchange, endpoint: Endpoint): MaybePromise<Job | undefined> {
    return endpoint.languages.length === 0
      ? callHook(hooks.resolve, exchange, endpoint)
      : firstOf(exchange, rulesByLanguage(endpoint), 0);
  }

  function firstOf(
    exchange: Exchange,
    rules: readonly Endpoint[],
    at: number,
  ): MaybePromise<Job | undefined> {
    const own = rules[at];
    if (!own) return undefined;
    return after(callHook(hooks.resolve, exchange, own), (job) => job ?? firstOf(exchange, rules, at + 1));
  }

  /** The job with the host name of the request, if what is found depends on it. */
  function withHost(job: Job, host: string): Job {
    const { fallback } = job.delivery;
    const delivery = fallback ? { ...job.delivery, fallback: named(fallback, host) } : job.delivery;
    return { ...job, asset: named(job.asset, host), delivery };
  }

  function named(asset: Asset, host: string): Asset {
    const { library, origins = [] } = endpoints.get(endpointId(asset)) ?? {};
    return [library, ...origins].some((name) => name !== undefined && forwarding.has(name))
      ? { ...asset, host }
      : asset;
  }

  /** The job in canonical form, with its key. */
  function complete(job: Job): Resolved {
    return completed(job).resolved;
  }

  /** The same with the JSON of its Transformation. */
  function completed(job: Job): { readonly resolved: Resolved; readonly json: string } {
    const endpoint = endpoints.get(endpointId(job.asset));
    if (!endpoint) throw new MediaError("ENOENT", "No file was found at the specified path");
    const heeded = withoutIgnored(job, endpoint);
    if (job.problem) return { resolved: { job: heeded, key: keyOf(heeded, endpoint) }, json: "" };
    const { problem, transformation, json } = formOf(job.transformation, endpoint);
    if (problem) {
      const refused = { ...heeded, problem };
      return { resolved: { job: refused, key: keyOf(refused, endpoint) }, json };
    }
    const accept = transformation.output.format === "auto" ? heeded.accept : "basic";
    const done = { ...heeded, transformation, accept };
    return { resolved: { job: done, key: keyOf(done, endpoint, json) }, json };
  }

  /** Without the query parameters that the endpoint ignores. */
  function withoutIgnored(job: Job, { ignoreQuery }: Endpoint): Job {
    const { query } = job;
    if (ignoreQuery.length === 0 || query.length === 0) return job;
    return { ...job, query: query.filter(([name]) => !ignoreQuery.includes(name)) };
  }

  /** The canonical form of a Transformation; of a frozen one it is worked out once per endpoint. */
  function formOf(transformation: Transformation, endpoint: Endpoint): Form {
    if (!Object.isFrozen(transformation)) return newForm(transformation, endpoint);
    const ofEndpoint = forms.get(endpoint) ?? new WeakMap<Transformation, Form>();
    const form = ofEndpoint.get(transformation) ?? newForm(transformation, endpoint);
    forms.set(endpoint, ofEndpoint.set(transformation, form));
    return form;
  }

  function newForm(written: Transformation, endpoint: Endpoint): Form {
    try {
      // One step of a URL may stand for a dozen operations; languages count their own.
      const limit = limitsOf(endpoint.tenant).steps;
      if (written.steps.length > limit * 12)
        throw new MediaError("ELIMIT", `Expected at most ${limit} steps`);
      const transformation = canonicalTransformation(written, endpoint, steps);
      for (const format of formatsOf(transformation)) assertAllowed(format, endpoint);
      return { transformation, json: stableJson(transformation) };
    } catch (error) {
      if (!isMediaError(error)) throw error;
      return { problem: { code: error.code, message: error.message }, json: stableJson(written) };
    }
  }

  return Object.assign(resolve, { complete });
}

/** The rules of an endpoint once for each of its languages, with that one alone. */
function createRulesByLanguage() {
  const known = new WeakMap<Endpoint, readonly Endpoint[]>();
  return (endpoint: Endpoint): readonly Endpoint[] => {
    const before = known.get(endpoint);
    if (before) return before;
    const rules = endpoint.languages.map((language) => ({ ...endpoint, languages: [language] }));
    known.set(endpoint, rules);
    return rules;
  };
}

/** Every format that may come of it. */
function formatsOf({ steps, output }: Transformation): Output["format"][] {
  const named = steps.flatMap((step) => {
    if (step.op === "write") return [step.output.format];
    return step.op === "when" ? formatsOf({ steps: [...step.then, ...step.else], output: {} }) : [];
  });
  return [output.format, ...named];
}

/** A format asked for by name must be one of the endpoint's. */
function assertAllowed(format: Output["format"], { allowedFormats }: Endpoint): void {
  if (format === undefined || format === "auto" || format === "source" || format === "original") return;
  if (allowedFormats.length === 0 || allowedFormats.includes(format)) return;
  throw invalid("the format", `one of ${allowedFormats.join(", ")}`, format);
}
