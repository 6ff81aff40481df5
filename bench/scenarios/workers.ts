import { Agent } from "node:http";
import { ask, each } from "../load.ts";
import { quantile } from "../measure.ts";
import { configured } from "../peers/mediatap.ts";
import type { Scenario } from "./scenario.ts";

const CLIENTS = 16;

/** Cold URLs that many want at once, however their connections are spread over processes: each is made once. */
export const workers: Scenario = {
  name: "workers",
  title: `cold URLs, WebP, ${CLIENTS} clients at once over connections that stay open (figures a URL)`,
  share: "CPU of a URL against the CPU where one client asks for it",
  servers: [configured("one process"), configured("two workers", {}, { flags: ["--workers", "2"] })],
  takes: () => true,
  async run(turn) {
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
    const asAll = (url: string) => Promise.all(Array.from({ length: CLIENTS }, () => ask(url, { agent })));
    // Connects, and compiles the way of those who wait.
    for (const url of turn.fresh("webp")) await asAll(url);
    const alone = await turn.measure(() => each(turn.fresh("webp"), 1));
    const together = await turn.measure(async () => {
      const urls = turn.fresh("webp");
      const times: number[] = [];
      const begun = performance.now();
      for (const url of urls) {
        const before = performance.now();
        const wrong = (await asAll(url)).find(({ status }) => status !== 200);
        if (wrong) throw new Error(`${url} answered ${wrong.status}`);
        times.push(performance.now() - before);
      }
      const seconds = (performance.now() - begun) / 1000;
      return {
        requests: urls.length,
        throughput: urls.length / seconds,
        p50: quantile(times, 0.5),
        p99: quantile(times, 0.99),
      };
    });
    agent.destroy();
    return { ...together, share: together.cpu / alone.cpu };
  },
};
