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
  accepted,
  type ClientRequest,
  type Event,
  failed,
  ready,
  reasonOf,
  type Type,
  typeOf,
  type VideoWork,
} from "./event.ts";

const NAME = "webhooks";

/** Requests that are stored until their work begins. */
const MAX_KEYS = 10_000;

export interface WatchOptions {
  readonly types: readonly Type[];
  readonly baseUrl: string | undefined;
}

interface StartedWork extends VideoWork {
  isAccepted: boolean;
}

/**
 * Emits events about work on videos. Work has no request: its event contains the last request for its key in this
 * process.
 */
export function watch(
  hooks: PluginHooks,
  { types, baseUrl }: WatchOptions,
  emit: (event: Event, asset: Asset) => void,
): void {
  const requests = new LRUCache<string, ClientRequest>({ max: MAX_KEYS });
  /** Explaining a URL makes a plan, too: only started renders are work. */
  const started = new WeakMap<RenderContext, StartedWork>();
  let endpoints: readonly Endpoint[] = [];

  const typeOfJob = (job: Job): Type | undefined => {
    const type = typeOf(job);
    return type && types.includes(type) ? type : undefined;
  };

  hooks.start.tap(NAME, (runtime) => {
    endpoints = runtime.endpoints;
  });

  hooks.admit.tap(NAME, (exchange, job) => {
    if (exchange.key !== undefined && typeOfJob(job))
      requests.set(exchange.key, clientRequestOf(exchange, baseUrl));
  });

  // First: later taps are not called if another plugin returns a trace or a plan.
  hooks.trace.tap({ name: NAME, stage: Stage.first }, (work) => {
    if (work.kind !== "render") return undefined;
    const { context, job } = work;
    const type = typeOfJob(job);
    if (type) {
      const by = requests.get(context.key);
      started.set(context, {
        job,
        type,
        clientRequest: by,
        base: baseOf(job, endpoints, baseUrl),
        isAccepted: false,
      });
    }
    return undefined;
  });

  hooks.transform.tap({ name: NAME, stage: Stage.first }, (_job, _source, context) => {
    const work = started.get(context);
    if (work && !work.isAccepted) {
      work.isAccepted = true;
      emit(accepted(work), work.job.asset);
    }
    return undefined;
  });

  hooks.report.tap(NAME, (report) => {
    const work = report.kind === "render" ? started.get(report.context) : undefined;
    if (!work || report.kind !== "render") return;
    const { error } = report;
    if (!error) {
      // A revalidation without a new rendition is no event.
      if (work.isAccepted) emit(ready(work, report), work.job.asset);
      return;
    }
    const reason = reasonOf(error, report, work.isAccepted);
    if (reason) emit(failed(work, report, reason), work.job.asset);
  });
}

function clientRequestOf({ id, request, target }: Exchange, baseUrl: string | undefined): ClientRequest {
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
  const endpoint = endpoints.find(({ tenant, name }) => tenant === asset.tenant && name === asset.endpoint);
  const server =
    endpoint?.hosts[0] === undefined ? baseUrl.replace(/\/+$/, "") : `https://${endpoint.hosts[0]}`;
  return endpoint?.prefix ? `${server}/${endpoint.prefix}/` : `${server}/`;
}
