import type { Logger } from "pino";
import { isMediaError, MediaError } from "../model/errors.ts";
import type { AcceptClass } from "../model/job.ts";
import type { PurgeRule } from "../model/purge-rule.ts";
import type { Pipeline } from "../request/pipeline.ts";
import { type ExchangeParts, exchangeOf } from "./synthetic-request.ts";

/** What somebody wants to be forgotten: the answers of one URL, or of all that begin with it where it ends with `*`. */
export interface UrlTarget {
  readonly url: string;
}

/** The account and the purge rules that a purge comes to. */
export interface PurgeOrder {
  readonly tenant: string;
  readonly endpoint: string;
  readonly purgeRules: readonly PurgeRule[];
}

/** What tells which entries a URL stands for. */
export interface PurgeParts extends ExchangeParts {
  readonly pipeline: Pick<Pipeline, "resolve">;
}

const CLASSES: readonly AcceptClass[] = ["avif", "webp", "basic"];

const INVALID = "The URL is not valid for cache purging.";

/**
 * The purge rules that a URL stands for: one for each form that negotiation may choose, one for the copy of its original, and
 * the URL itself for those who keep answers by URLs. Throws `EINVAL` for what is none of this server's URLs.
 */
export async function rulesOfUrl({ url }: UrlTarget, runtime: PurgeParts, log: Logger): Promise<PurgeOrder> {
  if (!/^(?:https?:\/\/|\/(?!\/))[^\s#\\]+$/i.test(url)) throw new MediaError("EINVAL", INVALID);
  const star = url.indexOf("*");
  if (star >= 0 && star !== url.length - 1) throw new MediaError("EINVAL", INVALID);
  return star < 0 ? await one(url, runtime, log) : await below(url.slice(0, -1), runtime, log);
}

async function one(url: string, runtime: PurgeParts, log: Logger): Promise<PurgeOrder> {
  const resolved = await Promise.all(CLASSES.map((accept) => resolve(url, accept, runtime, log)));
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
async function below(start: string, runtime: PurgeParts, log: Logger): Promise<PurgeOrder> {
  const { target } = asked(start, runtime, log);
  if (target.query !== "" || !isNarrow(target.path)) throw new MediaError("EINVAL", INVALID);
  // A path may not end with a slash, so one letter stands for what may follow.
  const { job } = await resolve(`${start}x`, "basic", runtime, log);
  const { tenant, endpoint, path } = job.asset;
  const value = path.slice(0, -1);
  const scope = scopeOf(tenant, runtime);
  return { tenant, endpoint, purgeRules: [{ kind: "prefix", value, ...scope }] };
}

/** Whether a prefix is two folders deep, 15 characters long, or a file's whole path: a shorter one purges more than was meant. */
function isNarrow(path: string): boolean {
  return /^[^/]+\/[^/]+\//.test(path) || path.length >= 15 || /\.\w{1,8}$/.test(path);
}

function asked(url: string, runtime: PurgeParts, log: Logger) {
  try {
    return exchangeOf({ url, headers: {} }, runtime, log);
  } catch (error) {
    throw invalid(error);
  }
}

async function resolve(url: string, accept: AcceptClass, runtime: PurgeParts, log: Logger) {
  const exchange = asked(url, runtime, log);
  try {
    return await runtime.pipeline.resolve({ ...exchange, accept });
  } catch (error) {
    throw invalid(error);
  }
}

function invalid(error: unknown): unknown {
  return isMediaError(error) && error.status < 500
    ? new MediaError("EINVAL", INVALID, { cause: error })
    : error;
}

/** A server of one account has no need to tell whose entries are meant. */
export function scopeOf(
  tenant: string,
  { tenants }: Pick<ExchangeParts, "tenants">,
): Pick<PurgeRule, "tenant"> {
  return tenants.length > 0 ? { tenant } : {};
}
