import { each } from "../load.ts";
import type { Scenario } from "./scenario.ts";

const URLS = 10;

/** One cold URL after the other, each asked for by `clients` at once; figures are those of a URL, not of a request. */
export const cold = (clients: number): Scenario => ({
  name: `cold-${clients}`,
  title: `one cold URL, WebP, ${clients === 1 ? "one client" : `${clients} clients at once`} (figures a URL)`,
  takes: (peer) => peer.formats.includes("webp"),
  run: (turn) =>
    turn.measure(async () => {
      const urls = turn.fresh("webp", URLS);
      const times: number[] = [];
      const begun = performance.now();
      for (const url of urls) {
        const { p99 } = await each(Array(clients).fill(url), clients);
        times.push(p99);
      }
      const seconds = (performance.now() - begun) / 1000;
      times.sort((a, b) => a - b);
      return {
        requests: urls.length,
        throughput: urls.length / seconds,
        p50: times[Math.floor(times.length / 2)] ?? Number.NaN,
        p99: times.at(-1) ?? Number.NaN,
      };
    }),
});
