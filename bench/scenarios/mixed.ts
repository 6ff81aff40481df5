import { Agent } from "node:http";
import { ask } from "../load.ts";
import { quantile, residentOf, sleep } from "../measure.ts";
import { configured } from "../peers/mediatap.ts";
import { random } from "../photographs.ts";
import type { Scenario, Turn } from "./scenario.ts";

/** Each photograph is wanted in these forms, as a shop shows it in lists, on its page and large. */
const FORMS = [160, 320, 480, 640, 960].flatMap((width) =>
  ["jpg", "webp", "avif"].map((format) => `w-${width},q-80,f-${format}`),
);
const CLIENTS = 16;
/** The request of rank n is as frequent as 1/n. */
const EXPONENT = 1;
/** Part of all renditions that the cache has room for. */
const CACHE_FRACTION = 0.7;
const AMPLE_CACHE_BYTES = 1024 ** 3;

const cacheOf = (maxBytes: number) => ({
  plugins: [["cache-memory", { maxBytes, maxEntryBytes: Math.min(maxBytes, 16 * 1024 ** 2) }]],
});

/** The traffic behind a CDN: few URLs that many want, many that few want, and a cache that has no room for all. */
export const mixed: Scenario = {
  name: "mixed",
  title: `mixed traffic: Zipf ${EXPONENT}, ${FORMS.length} forms a photograph, room for ${CACHE_FRACTION * 100} % of them, ${CLIENTS} clients`,
  servers: [configured("mediatap", cacheOf(AMPLE_CACHE_BYTES))],
  takes: () => true,
  async run(turn) {
    const urls = shuffled(
      turn.links().flatMap((photograph) => FORMS.map((form) => `/tr:${form}/${photograph}`)),
    );
    await turn.configure(cacheOf(AMPLE_CACHE_BYTES));
    const bytes = await fill(turn, urls);
    await turn.configure(cacheOf(Math.round(bytes * CACHE_FRACTION)));
    const hits: number[] = [];
    const misses: number[] = [];
    const seconds = turn.seconds * 3;
    const sample = await turn.measure(async () => {
      const next = zipf(urls);
      const end = performance.now() + seconds * 1000;
      await clients(CLIENTS, async (agent) => {
        while (performance.now() < end) {
          const begun = performance.now();
          const { status, hit } = await ask(turn.running.origin + next(), { agent });
          if (status !== 200) throw new Error(`${status} in mixed traffic`);
          (hit ? hits : misses).push(performance.now() - begun);
        }
      });
      const all = [...hits, ...misses];
      return {
        requests: all.length,
        throughput: all.length / seconds,
        p50: quantile(all, 0.5),
        p99: quantile(all, 0.99),
      };
    });
    await sleep(turn.rest * 1000);
    return {
      ...sample,
      more: {
        "hits %": (100 * hits.length) / sample.requests,
        "hit p50 ms": quantile(hits, 0.5),
        "hit p99 ms": quantile(hits, 0.99),
        "miss p50 ms": quantile(misses, 0.5),
        "miss p99 ms": quantile(misses, 0.99),
        "cache MiB": (bytes * CACHE_FRACTION) / 1024 ** 2,
        [`MiB ${turn.rest} s later`]: residentOf(turn.running.pid),
      },
    };
  },
};

/** Everything once, the most wanted last, so that the cache keeps what it would have kept; resolves with all bytes. */
async function fill(turn: Turn, urls: readonly string[]): Promise<number> {
  const rest = [...urls];
  let total = 0;
  await clients(4, async (agent) => {
    for (let url = rest.pop(); url !== undefined; url = rest.pop()) {
      const { status, bytes } = await ask(turn.running.origin + url, { agent });
      if (status !== 200) throw new Error(`${url} answered ${status}`);
      total += bytes;
    }
  });
  return total;
}

async function clients(count: number, work: (agent: Agent) => Promise<void>): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  await Promise.all(Array.from({ length: count }, () => work(agent))).finally(() => agent.destroy());
}

/** Popularity goes with neither the photograph nor the form. */
function shuffled(urls: string[]): string[] {
  const next = random(1);
  for (let at = urls.length - 1; at > 0; at--) {
    const other = Math.floor(next() * (at + 1));
    [urls[at], urls[other]] = [urls[other] as string, urls[at] as string];
  }
  return urls;
}

/** Draws URLs, the first one most often; the same sequence each time. */
export function zipf(urls: readonly string[]): () => string {
  const next = random(2);
  let total = 0;
  const sums = urls.map((_, at) => (total += 1 / (at + 1) ** EXPONENT));
  return () => {
    const drawn = next() * total;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < drawn) low = middle + 1;
      else high = middle;
    }
    return urls[low] as string;
  };
}
