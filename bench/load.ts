import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { Agent, type ClientRequest, get } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { quantile } from "./measure.ts";

export interface Load {
  readonly requests: number;
  /** Requests a second. */
  readonly throughput: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

export interface Answer {
  readonly status: number;
  readonly etag?: string;
  /** `Content-Type`. */
  readonly type?: string;
  /** `Cache-Status` says that nothing was made for it. */
  readonly hit: boolean;
  readonly bytes: number;
}

/** One request; `onStart` is handed what can end it early. */
export function ask(
  url: string,
  {
    agent,
    headers = {},
    onStart,
  }: { agent?: Agent; headers?: Record<string, string>; onStart?: (request: ClientRequest) => void } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { ...(agent && { agent }), headers }, (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.byteLength;
      });
      response.on("error", reject);
      response.on("end", () => {
        const { etag, "content-type": type } = response.headers;
        const hit = /; hit|detail=revalidated/.test(String(response.headers["cache-status"] ?? ""));
        resolve({
          status: response.statusCode ?? 0,
          hit,
          bytes,
          ...(etag && { etag }),
          ...(type && { type }),
        });
      });
    });
    request.on("error", reject);
    onStart?.(request);
  });
}

/** Each URL once, `clients` at a time, over connections that stay open. Throws for any answer but a picture. */
export async function each(urls: readonly string[], clients: number): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  return await eachOver(agent, urls, clients).finally(() => agent.destroy());
}

/** The same over connections that others use, too. */
export async function eachOver(agent: Agent, urls: readonly string[], clients: number): Promise<Load> {
  const times: number[] = [];
  const remaining = [...urls].reverse();
  const client = async () => {
    for (let url = remaining.pop(); url !== undefined; url = remaining.pop()) {
      const begun = performance.now();
      const { status, bytes } = await ask(url, { agent });
      if (status !== 200 || bytes < 100) throw new Error(`${url} answered ${status} with ${bytes} bytes`);
      times.push(performance.now() - begun);
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - begun) / 1000;
  return {
    requests: times.length,
    throughput: times.length / seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  };
}

const WRK = ["/usr/bin/wrk", "/usr/local/bin/wrk", "/opt/homebrew/bin/wrk"].find((path) => existsSync(path));
const CONNECTIONS = 16;

/** The client of `again`, by name. */
export const hotClient = WRK ? "wrk" : "autocannon";

/** One URL again and again from a process of its own, so that what the client costs does not slow the server down. */
export function again(url: string, seconds: number, headers: Record<string, string> = {}): Promise<Load> {
  return WRK ? wrk(WRK, url, seconds, { headers }) : autocannon(url, seconds, headers);
}

/** The same with many URLs of one server in turn; without wrk the first of them alone. `folder`: for a script. */
export async function againAll(urls: readonly string[], seconds: number, folder: string): Promise<Load> {
  const [url = ""] = urls;
  if (!WRK) return autocannon(url, seconds, {});
  const paths = urls.map((url) => JSON.stringify(new URL(url).pathname)).join(",");
  const script = join(folder, "urls.lua");
  const lua = `local paths, at = {${paths}}, 0
request = function() at = at % #paths + 1; return wrk.format("GET", paths[at]) end`;
  writeFileSync(script, lua);
  return wrk(WRK, url, seconds, { script });
}

/** Enough for two workers. */
const WARM_UP_REQUESTS = 60_000;
const WARM_UP_SECONDS = 10;

/** Servers that have compiled what they do for a hit. */
const warmed = new Set<string>();

/** `againAll` for a second; of a new server until it has compiled what it does for a hit, however slow the machine is. */
export async function warm(urls: readonly string[], folder: string): Promise<void> {
  const { origin } = new URL(urls[0] as string);
  const wanted = warmed.has(origin) ? 1 : WARM_UP_REQUESTS;
  warmed.add(origin);
  for (let done = 0, seconds = 0; done < wanted && seconds < WARM_UP_SECONDS; seconds++) {
    done += (await againAll(urls, 1, folder)).requests;
  }
}

async function wrk(
  program: string,
  url: string,
  seconds: number,
  { headers = {}, script }: { headers?: Record<string, string>; script?: string },
): Promise<Load> {
  const lines = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  if (script) lines.push("-s", script);
  const text = await output(program, [
    ...["-t", "1", "-c", String(CONNECTIONS), "-d", String(seconds), "--timeout", "30", "--latency"],
    ...lines,
    url,
  ]);
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(text);
  if (failed) throw new Error(`${url}: ${failed[0]}`);
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1]);
  const time = (part: string) => {
    const [, value, unit = "ms"] = new RegExp(`${part}%\\s+([\\d.]+)(us|ms|s)`).exec(text) ?? [];
    return Number(value) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? 1);
  };
  return {
    requests: number(/(\d+) requests in/),
    throughput: number(/Requests\/sec:\s+([\d.]+)/),
    p50: time("50"),
    p99: time("99"),
  };
}

async function autocannon(url: string, seconds: number, headers: Record<string, string>): Promise<Load> {
  const program = createRequire(import.meta.url).resolve("autocannon");
  const lines = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}=${value}`]);
  const text = await output(process.execPath, [
    program,
    ...["-j", "-c", String(CONNECTIONS), "-d", String(seconds), "-t", "30"],
    ...lines,
    url,
  ]);
  const { requests, latency, errors, "4xx": refused, "5xx": failed } = JSON.parse(text);
  if (errors + refused + failed > 0) throw new Error(`${url}: ${errors + refused + failed} requests failed`);
  return {
    requests: requests.total,
    throughput: requests.average,
    p50: latency.p50,
    p99: latency.p99,
  };
}

function output(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${program} ended with ${code}`)),
    );
  });
}
