import { InvalidArgumentError } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import { MediaError } from "../model/errors.ts";
import { createJobs } from "../server/jobs.ts";
import { createRuntime } from "../server/runtime.ts";

export interface SignedUrl {
  /** As the URL was written: absolute, or its path and query. */
  readonly url: string;
  /** Name of the endpoint whose first private key signed it. */
  readonly endpoint: string;
  readonly language: string;
  /** Seconds since 1970. Left out: as in the URL, else it never expires. */
  readonly expires?: number;
}

/** Signs a URL as its language does. Throws in plain words, with a remedy, if that is not possible. */
export async function signUrl(config: LoadedConfig, url: string, expires?: number): Promise<SignedUrl> {
  const runtime = await createRuntime(config);
  await runtime.start();
  try {
    const { endpoint } = runtime.syntheticExchange({ url });
    const jobs = createJobs(runtime);
    const { problem, language } = await jobs.resolve(url);
    if (problem) throw new MediaError(problem.code, `the URL is invalid: ${problem.message}`);
    const signed = await jobs.sign({ url, endpoints: [endpoint] }, expires);
    return {
      url: `${/^https?:\/\/[^/?#]+/i.exec(url)?.[0] ?? ""}${signed}`,
      endpoint: endpoint.tenant === "" ? endpoint.name : `${endpoint.tenant}/${endpoint.name}`,
      language,
      ...(expires !== undefined && { expires }),
    };
  } finally {
    await runtime.stop();
  }
}

/** What was done, for people; it is printed beside the URL. */
export function describeSigned({ endpoint, language, expires }: SignedUrl): string {
  const until = expires === undefined ? "" : `, expires ${new Date(expires * 1000).toISOString()}`;
  return `signed with the first private key of the endpoint ${endpoint} (${language})${until}`;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** `90s`, `15m`, `12h`, `7d` from now, or a date → seconds since 1970. */
export function parseExpiry(text: string, now = Date.now()): number {
  const time = timeOf(text, now / 1000);
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError(
      "Expected a duration such as 15m, 12h or 7d, or a date such as 2030-01-31.",
    );
  }
  if (time <= now / 1000) throw new InvalidArgumentError("Expected a time in the future.");
  return Math.ceil(time);
}

function timeOf(text: string, now: number): number {
  const [, count, unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return now + Number(count) * (SECONDS[unit] ?? Number.NaN);
  return /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) / 1000 : Number.NaN;
}
