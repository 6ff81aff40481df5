import type { Runtime } from "../http/runtime.ts";
import { MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { InspectedRequest, JobsApi } from "../plugin/plugin.ts";
import { unexplained } from "../request/explain.ts";

/** What plugins may ask of the pipeline. */
export function createJobs({
  hooks,
  pipeline,
  syntheticExchange,
}: Pick<Runtime, "hooks" | "pipeline" | "syntheticExchange">): JobsApi {
  /** The exchange of a request to one of the endpoints that it may lead to. */
  function exchangeWithin({ url, headers, endpoints }: InspectedRequest): Exchange {
    const exchange = syntheticExchange({ url, headers });
    const { tenant, name } = exchange.endpoint;
    if (endpoints.some((one) => one.tenant === tenant && one.name === name)) return exchange;
    throw new MediaError("EFORBIDDEN", "This URL leads to an endpoint of another account");
  }

  return {
    async resolve(url, headers) {
      return (await pipeline.resolve(syntheticExchange({ url, headers }))).job;
    },
    async admit(url, headers, ip) {
      const exchange = syntheticExchange({ url, headers, ip });
      const { job } = await pipeline.resolve(exchange);
      await pipeline.admit(exchange, job);
      return job;
    },
    async explain(request) {
      try {
        return await pipeline.explain(exchangeWithin(request));
      } catch (error) {
        return unexplained(request.url, error);
      }
    },
    async sign(request, expires) {
      const exchange = exchangeWithin(request);
      const { job } = await pipeline.resolve(exchange);
      const signed = await hooks.sign.for(job.language).promise(job, exchange, expires);
      if (signed?.url !== undefined) return signed.url;
      const { name, privateKeys } = exchange.endpoint;
      throw new MediaError(
        "EUNSUPPORTED",
        !signed
          ? `URLs of ${job.language} have no signatures: an endpoint restricts them by its rules`
          : privateKeys.length === 0
            ? `The endpoint ${name} has no private key: set its field privateKey`
            : `The private key of the endpoint ${name} makes no signature for this URL of ${job.language}: add an expiry, or change the key`,
      );
    },
    async signatureFault(job, exchange) {
      return (await hooks.sign.for(job.language).promise(job, exchange, undefined))?.fault;
    },
    async rewrite(url, language) {
      const exchange = syntheticExchange({ url });
      const { job } = await pipeline.resolve(exchange);
      if (job.problem) throw new MediaError(job.problem.code, job.problem.message);
      const printed = await hooks.link.for(language).promise({ ...job, language }, exchange);
      if (printed !== undefined) return printed;
      throw new MediaError("EUNSUPPORTED", `${language} prints no URLs`);
    },
    obtain: (job, { signal = new AbortController().signal, trusted = true } = {}) =>
      pipeline.obtain(job, signal, trusted),
    cached: (job) => pipeline.cached(job),
    async enqueue(job, { signal = new AbortController().signal } = {}) {
      await pipeline.background(job, signal);
    },
  };
}
