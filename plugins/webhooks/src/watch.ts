import {
  type Asset,
  type Endpoint,
  type Exchange,
  type Job,
  type PluginHooks,
  type RenderContext,
  Stage,
} from "@mediatap/core";
import { LRUCache } from "lru-cache";
import {
  type Asked,
  accepted,
  type Event,
  failed,
  ready,
  reasonOf,
  type Told,
  type Type,
  typeOf,
} from "./event.ts";

const NAME = "webhooks";

/** Requests that are remembered until their work begins. */
const REMEMBERED = 10_000;

export interface WatchOptions {
  readonly types: readonly Type[];
  readonly baseUrl: string | undefined;
}

interface Begun extends Told {
  isAccepted: boolean;
}

/**
 * Tells of work on videos. Work knows no request: the one that it was begun for is the last that asked for its key in this
 * process.
 */
export function watch(
  hooks: PluginHooks,
  { types, baseUrl }: WatchOptions,
  tell: (event: Event, asset: Asset) => void,
): void {
  const asked = new LRUCache<string, Asked>({ max: REMEMBERED });
  /** Plans are also made to explain a URL: work is what was begun as such. */
  const begun = new WeakMap<RenderContext, Begun>();
  let endpoints: readonly Endpoint[] = [];

  const typeOfJob = (job: Job): Type | undefined => {
    const type = typeOf(job);
    return type && types.includes(type) ? type : undefined;
  };

  hooks.start.tap(NAME, (runtime) => {
    endpoints = runtime.endpoints;
  });

  hooks.admit.tap(NAME, (exchange, job) => {
    if (exchange.key !== undefined && typeOfJob(job)) asked.set(exchange.key, askedBy(exchange, baseUrl));
  });

  // First: a trace or a plan that another plugin returns ends the search.
  hooks.trace.tap({ name: NAME, stage: Stage.first }, (work) => {
    if (work.kind !== "render") return undefined;
    const { context, job } = work;
    const type = typeOfJob(job);
    if (type) {
      const by = asked.get(context.key);
      begun.set(context, { job, type, asked: by, base: baseOf(job, endpoints, baseUrl), isAccepted: false });
    }
    return undefined;
  });

  hooks.transform.tap({ name: NAME, stage: Stage.first }, (_job, _source, context) => {
    const work = begun.get(context);
    if (work && !work.isAccepted) {
      work.isAccepted = true;
      tell(accepted(work), work.job.asset);
    }
    return undefined;
  });

  hooks.report.tap(NAME, (report) => {
    const work = report.kind === "render" ? begun.get(report.context) : undefined;
    if (!work || report.kind !== "render") return;
    const { error } = report;
    if (!error) {
      // What was only confirmed is no news.
      if (work.isAccepted) tell(ready(work, report), work.job.asset);
      return;
    }
    const reason = reasonOf(error, report, work.isAccepted);
    if (reason) tell(failed(work, report, reason), work.job.asset);
  });
}

function askedBy({ id, request, target }: Exchange, baseUrl: string | undefined): Asked {
  const proto = request.isSecure ? "https" : "http";
  const server = (baseUrl ?? `${proto}://${request.header("host") ?? request.host}`).replace(/\/+$/, "");
  return {
    id,
    url: server + request.url,
    userAgent: request.header("user-agent"),
    base: `${server}/${target.mount}`,
  };
}

/** Address of a job's endpoint, as far as it is known without a request. */
function baseOf({ asset }: Job, endpoints: readonly Endpoint[], baseUrl = ""): string {
  const of = endpoints.find(({ tenant, name }) => tenant === asset.tenant && name === asset.endpoint);
  const server = of?.hosts[0] === undefined ? baseUrl.replace(/\/+$/, "") : `https://${of.hosts[0]}`;
  return of?.prefix ? `${server}/${of.prefix}/` : `${server}/`;
}
