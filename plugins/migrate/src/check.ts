import { MediaError, type PluginApi } from "@mediatap/core";
import { type CompareOptions, type Comparison, compare, type Response } from "./compare.ts";

/** A URL, and what came of it. */
export type Checked = {
  /** Path and query. */
  readonly url: string;
  /** Operations and format that it asks for, by which URLs are grouped: `resize, webp`. */
  readonly group: string;
  /** Language that understood it. */
  readonly language?: string;
} & (
  | { readonly verdict: "equal" | "different"; readonly comparison: Comparison }
  /** `refused`: understood, and refused by name; `unknown`: no language has such URLs; `failed`: a server sent no response. */
  | { readonly verdict: "refused" | "unknown" | "failed"; readonly message: string }
);

export type Verdict = Checked["verdict"];

/** Reads URLs. */
type Jobs = Pick<PluginApi["jobs"], "resolve">;

export interface CheckOptions extends CompareOptions {
  /** The old service. */
  readonly from: URL;
  /** The new server. */
  readonly to: URL;
  /** `Accept` of the requests to both. */
  readonly accept: string;
  /** URLs that are requested at a time. */
  readonly concurrency: number;
  /** Milliseconds for one response. */
  readonly timeout: number;
  readonly onProgress?: (done: number) => void;
}

/** A response with its body, for the report. */
export interface Pictures {
  readonly old: Response;
  readonly new: Response;
}

/**
 * Requests each URL from both servers and compares the responses. `onPictures` gets the responses of URLs that were compared; their
 * bodies are not kept.
 */
export async function check(
  urls: readonly string[],
  jobs: Jobs,
  options: CheckOptions,
  onPictures: (checked: Checked, pictures: Pictures) => Promise<void> = async () => {},
): Promise<Checked[]> {
  const results: Checked[] = [];
  let [next, done] = [0, 0];
  const work = async () => {
    for (let at = next++; at < urls.length; at = next++) {
      results[at] = await checkOne(urls[at] as string, jobs, options, onPictures);
      options.onProgress?.(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.concurrency, urls.length) }, work));
  return results;
}

async function checkOne(
  url: string,
  jobs: Jobs,
  options: CheckOptions,
  onPictures: (checked: Checked, pictures: Pictures) => Promise<void>,
): Promise<Checked> {
  const understood = await understand(url, jobs);
  if ("verdict" in understood) return { url, ...understood };
  try {
    const [old, own] = await Promise.all([
      request(options.from, url, options),
      request(options.to, url, options),
    ]);
    const checked = await judge(url, understood, { old, new: own }, options);
    await onPictures(checked, { old, new: own });
    return checked;
  } catch (error) {
    return { url, ...understood, verdict: "failed", message: (error as Error).message };
  }
}

/** What comes of two responses to one URL. */
export async function judge(
  url: string,
  understood: Understood,
  { old, new: own }: Pictures,
  options: CompareOptions,
): Promise<Checked> {
  const comparison = await compare(old, own, options);
  const verdict = comparison.differences.length === 0 ? "equal" : "different";
  return { url, ...understood, verdict, comparison };
}

export type Understood = Pick<Checked, "group" | "language">;

/** What this server makes of a URL, without a request. */
export async function understand(
  url: string,
  jobs: Jobs,
  headers: Readonly<Record<string, string>> = {},
): Promise<Understood | (Understood & { verdict: "refused" | "unknown"; message: string })> {
  try {
    const { transformation, problem, language } = await jobs.resolve(url, headers);
    const words = [
      ...new Set(transformation.steps.map(({ op }) => op)),
      transformation.output.format ?? [],
    ].flat();
    const group = words.length === 0 ? "the file itself" : words.join(", ");
    if (!problem) return { group, language };
    const { code, message } = problem;
    return {
      group: message.replace(/:.*/s, ""),
      language,
      verdict: "refused",
      message: `${code} ${message}`,
    };
  } catch (error) {
    const { message } = error as Error;
    return { group: "not understood", verdict: "unknown", message };
  }
}

/** Requests a URL as a browser does; redirects are followed, since a service may send some. Throws without a response. */
async function request(base: URL, url: string, { accept, timeout }: CheckOptions): Promise<Response> {
  const address = `${base.origin}${base.pathname.replace(/\/$/, "")}${url}`;
  const start = performance.now();
  try {
    const response = await fetch(address, { headers: { accept }, signal: AbortSignal.timeout(timeout) });
    const body = Buffer.from(await response.arrayBuffer());
    const headers = Object.fromEntries(response.headers);
    const [type = ""] = (headers["content-type"] ?? "").split(";");
    return { status: response.status, type: type.trim(), headers, body, time: performance.now() - start };
  } catch (error) {
    const { cause, message } = error as Error & { cause?: Error };
    throw new MediaError("ECONNREFUSED", `${base.host}: ${cause?.message || message}`, { cause: error });
  }
}
