import { Agent } from "node:http";
import { availableParallelism } from "node:os";
import { ask } from "../load.ts";
import { quantile, sleep } from "../measure.ts";
import { configured } from "../peers/mediatap.ts";
import { costOf, explainable } from "./explained.ts";
import type { Scenario, Turn } from "./scenario.ts";

/** Milliseconds of work that may wait, per core. */
const QUEUE_WORK_MS = 2000;
/** How much more work than fits comes at once. */
const LOAD_FACTOR = 3;
/** Milliseconds between two hits during the burst: few, so that they do not add to the load. */
const HIT_INTERVAL_MS = 10;

/** More cold work at once than the queue takes: what is refused, what becomes of hits, and when it is over. */
export const burst: Scenario = {
  name: "burst",
  title: `a burst of cold work, ${LOAD_FACTOR} times what may wait (figures of the pictures that were made)`,
  servers: [configured("mediatap", { ...explainable, limits: { queueWork: QUEUE_WORK_MS } })],
  takes: () => true,
  async run(turn) {
    const [hot = ""] = turn.fresh("webp", 1);
    await ask(hot);
    const urls = await work(turn);
    const hits: number[] = [];
    const statuses: number[] = [];
    let recovery = Number.NaN;
    const sample = await turn.measure(async () => {
      const agent = new Agent({ keepAlive: true });
      const times: number[] = [];
      const begun = performance.now();
      let running = true;
      const all = Promise.all(
        urls.map(async (url) => {
          const { status } = await ask(url, { agent });
          statuses.push(status);
          if (status === 200) times.push(performance.now() - begun);
        }),
      ).finally(() => {
        running = false;
      });
      const watched = watch(hot, agent, hits, () => running);
      recovery = await recovered(turn, agent, begun);
      await Promise.all([all, watched]).finally(() => agent.destroy());
      const seconds = (performance.now() - begun) / 1000;
      return {
        requests: times.length,
        throughput: times.length / seconds,
        p50: quantile(times, 0.5),
        p99: quantile(times, 0.99),
      };
    });
    const count = (wanted: (status: number) => boolean) => statuses.filter(wanted).length;
    return {
      ...sample,
      more: {
        "at once": urls.length,
        made: count((status) => status === 200),
        "refused, 503": count((status) => status === 503),
        others: count((status) => status !== 200 && status !== 503),
        hits: hits.length,
        "hit p50 ms": quantile(hits, 0.5),
        "hit p99 ms": quantile(hits, 0.99),
        "recovery ms": recovery,
      },
    };
  },
};

/** URLs of pictures nobody has, together several times what may wait, by the server's own estimate. */
async function work(turn: Turn): Promise<string[]> {
  const wanted = QUEUE_WORK_MS * LOAD_FACTOR * availableParallelism();
  const urls: string[] = [];
  for (let cost = 0, width = 900; cost < wanted; width++) {
    for (const photograph of turn.links()) {
      const url = `/tr:w-${width},q-60,f-avif/${photograph}`;
      if (cost >= wanted) break;
      cost += await costOf(turn.running.origin, url);
      urls.push(turn.running.origin + url);
    }
  }
  return urls;
}

/** A hit again and again, one at a time, from when the burst is under way. */
async function watch(url: string, agent: Agent, times: number[], isWanted: () => boolean): Promise<void> {
  while (isWanted()) {
    const begun = performance.now();
    const { status } = await ask(url, { agent });
    if (status !== 200) throw new Error(`a hit was answered ${status}`);
    times.push(performance.now() - begun);
    await sleep(HIT_INTERVAL_MS);
  }
}

/** Milliseconds until something new is made again. */
async function recovered(turn: Turn, agent: Agent, begun: number): Promise<number> {
  const [photograph = ""] = turn.links(undefined, 1);
  // What the burst itself is refused comes first.
  await sleep(100);
  for (let tries = 0; tries < 600; tries++) {
    const url = `${turn.running.origin}/tr:w-${64 + tries},f-jpg/${photograph}`;
    if ((await ask(url, { agent })).status === 200) return performance.now() - begun;
    await sleep(100);
  }
  throw new Error("nothing is made any more");
}
