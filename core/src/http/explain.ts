import { MediaError } from "../model/errors.ts";
import type { Explanation } from "../plugin/explanation.ts";
import { unexplained } from "../request/explain.ts";
import type { Runtime } from "./runtime.ts";
import type { SyntheticRequest } from "./synthetic-request.ts";

/** Headers of the explained request that may be set over HTTP. */
const HEADERS = ["accept", "user-agent", "host"] as const;

/**
 * What the server would do for a URL, and why: what `mediatap explain` prints, in JSON. `query`: `url`, and `accept`,
 * `user-agent` and `host` of the request. Throws `EINVAL` without a URL.
 */
export async function explainOver(query: URLSearchParams, runtime: Runtime): Promise<Explanation> {
  const url = query.get("url");
  if (!url) throw new MediaError("EINVAL", "Expected a URL for url");
  const named = HEADERS.flatMap((name) => {
    const value = query.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return await explain({ url, headers: Object.fromEntries(named) }, runtime);
}

/** What the server would do for a request. An error in its URL is part of the explanation. */
export async function explain(request: SyntheticRequest, runtime: Runtime): Promise<Explanation> {
  try {
    return await runtime.pipeline.explain(runtime.syntheticExchange(request));
  } catch (error) {
    return unexplained(request.url, error);
  }
}
