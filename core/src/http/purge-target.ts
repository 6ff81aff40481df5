import type { Tenant } from "../config/resolve.ts";
import { isMediaError, MediaError } from "../model/errors.ts";
import type { AcceptClass } from "../model/job.ts";
import type { PurgeRule } from "../model/purge-rule.ts";
import type { Pipeline } from "../request/pipeline.ts";
import type { SyntheticExchange } from "./synthetic-request.ts";

/** The account and the purge rules that a purge comes to. */
export interface PurgeOrder {
  readonly tenant: string;
  readonly endpoint: string;
  readonly purgeRules: readonly PurgeRule[];
}

/** What tells which entries a URL stands for. */
export interface PurgeParts {
  readonly syntheticExchange: SyntheticExchange;
  readonly tenants: readonly Tenant[];
  readonly pipeline: Pick<Pipeline, "resolve">;
}

const CLASSES: readonly AcceptClass[] = ["avif", "webp", "basic"];

const INVALID = "The URL is not valid for cache purging.";

/**
 * The purge rules that a URL stands for, or all that begin with it if it ends with `*`: one for each form that negotiation may choose, one for the copy of its original, and
 * the URL itself for caches whose keys are URLs. Throws `EINVAL` for what is none of this server's URLs.
 */
export async function rulesOfUrl(url: string, runtime: PurgeParts): Promise<PurgeOrder> {
  if (!/^(?:https?:\/\/|\/(?!\/))[^\s#\\]+$/i.test(url)) throw new MediaError("EINVAL", INVALID);
  const star = url.indexOf("*");
  if (star >= 0 && star !== url.length - 1) throw new MediaError("EINVAL", INVALID);
  return star < 0 ? await one(url, runtime) : await below(url.slice(0, -1), runtime);
}

async function one(url: string, runtime: PurgeParts): Promise<PurgeOrder> {
  const resolved = await Promise.all(CLASSES.map((accept) => resolve(url, accept, runtime)));
  const { job } = resolved[0] as (typeof resolved)[number];
  const { tenant, endpoint, path } = job.asset;
  const scope = scopeOf(tenant, runtime);
  const { complete } = runtime.pipeline.resolve;
  const keys = resolved.flatMap(({ job, key }) => {
    const { fallback, ...delivery } = job.delivery;
    return fallback ? [key, complete({ ...job, asset: fallback, delivery }).key] : [key];
  });
  // Which sizes clients asked for by their hints, no URL tells: all that was made of the original goes.
  const wide = (job.delivery.vary ?? []).length > 0;
  return {
    tenant,
    endpoint,
    purgeRules: [
      { kind: "url", value: url, ...scope },
      ...[...new Set(keys)].map((value): PurgeRule => ({ kind: "key", value, ...scope })),
      { kind: wide ? "source" : "original", value: path, ...scope },
    ],
  };
}

/** All originals whose path begins as that of the URL does, however they are transformed. */
async function below(start: string, runtime: PurgeParts): Promise<PurgeOrder> {
  const { target } = await valid(() => runtime.syntheticExchange({ url: start }));
  if (target.query !== "" || !isNarrow(target.path)) throw new MediaError("EINVAL", INVALID);
  // A path may not end with a slash, so one letter stands for what may follow.
  const { job } = await resolve(`${start}x`, "basic", runtime);
  const { tenant, endpoint, path } = job.asset;
  const value = path.slice(0, -1);
  const scope = scopeOf(tenant, runtime);
  return { tenant, endpoint, purgeRules: [{ kind: "prefix", value, ...scope }] };
}

/** Whether a prefix is two folders deep, 15 characters long, or a file's whole path: a shorter one purges more than was meant. */
function isNarrow(path: string): boolean {
  return /^[^/]+\/[^/]+\//.test(path) || path.length >= 15 || /\.\w{1,8}$/.test(path);
}

function resolve(url: string, accept: AcceptClass, { pipeline, syntheticExchange }: PurgeParts) {
  return valid(() => pipeline.resolve({ ...syntheticExchange({ url }), accept }));
}

/** Does work; what a client would be refused for is `EINVAL`. */
async function valid<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isMediaError(error) || error.status >= 500) throw error;
    throw new MediaError("EINVAL", INVALID, { cause: error });
  }
}

/** A server of one account has no need to tell whose entries are meant. */
export function scopeOf(tenant: string, { tenants }: Pick<PurgeParts, "tenants">): Pick<PurgeRule, "tenant"> {
  return tenants.length > 0 ? { tenant } : {};
}
