import { Agent } from "node:http";
import { ask } from "../load.ts";
import { median, quantile, sleep } from "../measure.ts";
import { configured } from "../peers/mediatap.ts";
import { zipf } from "./mixed.ts";
import type { Scenario } from "./scenario.ts";

const WIDTHS = [240, 480, 960];
/** Requests per second, however long the responses take. */
const REQUESTS_PER_SECOND = 20;
/** Thirds of the log. */
const PERIOD_COUNT = 3;
const ACCEPT = { accept: "image/avif,image/webp,*/*" };

const endpoints = (autoAvif: boolean) => ({ default: { origins: ["photographs"], autoAvif } });

/** What AVIF costs and saves: none, encoded while the client waits, or encoded in the background by `avif-later`. */
export const avif: Scenario = {
  name: "avif",
  title: `a log of ${REQUESTS_PER_SECOND} requests per second, Zipf, ${WIDTHS.length} widths, from clients that accept AVIF`,
  servers: [
    configured("WebP alone", { endpoints: endpoints(false) }),
    configured("AVIF at once", { endpoints: endpoints(true) }),
    configured("avif-later", { endpoints: endpoints(true), plugins: ["avif-later"] }),
  ],
  once: true,
  takes: () => true,
  async run(turn) {
    const agent = new Agent({ keepAlive: true });
    const paths = turn.links().flatMap((photograph) => WIDTHS.map((width) => `/tr:w-${width}/${photograph}`));
    const next = zipf(paths);
    const seconds = turn.seconds * 10;
    const times: number[] = [];
    const firsts = new Map<string, number>();
    const untilAvif = new Map<string, number>();
    const shares: { avif: number; all: number }[] = Array.from({ length: PERIOD_COUNT }, () => ({
      avif: 0,
      all: 0,
    }));
    let bytes = 0;
    let refused = 0;
    const sample = await turn.measure(async () => {
      const begun = performance.now();
      const requests = Array.from({ length: seconds * REQUESTS_PER_SECOND }, async (_, index) => {
        await sleep((index * 1000) / REQUESTS_PER_SECOND);
        const path = next();
        const sent = performance.now();
        if (!firsts.has(path)) firsts.set(path, sent);
        const answer = await ask(turn.running.origin + path, { agent, headers: ACCEPT });
        if (answer.status === 503) {
          refused++;
          return;
        }
        if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
        const received = performance.now();
        times.push(received - sent);
        bytes += answer.bytes;
        const share = shares[Math.floor((index * PERIOD_COUNT) / (seconds * REQUESTS_PER_SECOND))];
        if (share) share.all++;
        if (answer.type !== "image/avif") return;
        if (share) share.avif++;
        if (!untilAvif.has(path)) untilAvif.set(path, received - (firsts.get(path) as number));
      });
      await Promise.all(requests);
      const took = (performance.now() - begun) / 1000;
      return {
        requests: requests.length,
        throughput: requests.length / took,
        p50: quantile(times, 0.5),
        p99: quantile(times, 0.99),
      };
    });
    agent.destroy();
    const parts = shares.map(({ avif, all }, index): [string, number] => [
      `AVIF % of ${["first", "second", "last"][index]}`,
      (100 * avif) / all,
    ]);
    return {
      ...sample,
      more: {
        ...Object.fromEntries(parts),
        "ms to AVIF": untilAvif.size > 0 ? median([...untilAvif.values()]) : Number.NaN,
        "refused %": (100 * refused) / sample.requests,
        "KiB per response": bytes / 1024 / times.length,
      },
    };
  },
};
