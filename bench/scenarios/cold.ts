import { Agent } from "node:http";
import { eachOver } from "../load.ts";
import { quantile } from "../measure.ts";
import type { Scenario } from "./scenario.ts";

const URLS = 10;
const WARM_UP_URLS = 5;

/** One cold URL after the other, each asked for by `clients` at once over connections that stay open; figures are those of a URL, not of a request. */
export const cold = (clients: number): Scenario => ({
  name: `cold-${clients}`,
  title: `one cold URL, WebP, ${clients === 1 ? "one client" : `${clients} clients at once`} (figures a URL)`,
  // Bare sharp renders for each client.
  takes: ({ name, formats }) => formats.includes("webp") && (clients === 1 || name !== "bare sharp"),
  async run(turn) {
    const agent = new Agent({ keepAlive: true, maxSockets: clients });
    const asAll = (url: string) => eachOver(agent, Array(clients).fill(url), clients);
    // Connects all of them, and compiles the way of those who wait.
    for (const url of turn.fresh("webp", WARM_UP_URLS)) await asAll(url);
    const sample = await turn.measure(async () => {
      const urls = turn.fresh("webp", URLS);
      const times: number[] = [];
      const begun = performance.now();
      for (const url of urls) times.push((await asAll(url)).p99);
      const seconds = (performance.now() - begun) / 1000;
      return {
        requests: urls.length,
        throughput: urls.length / seconds,
        p50: quantile(times, 0.5),
        p99: quantile(times, 0.99),
      };
    });
    agent.destroy();
    return sample;
  },
});
