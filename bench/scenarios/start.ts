import { ask } from "../load.ts";
import { cpuOf, residentOf, sleep } from "../measure.ts";
import { mediatap } from "../peers/mediatap.ts";
import { tiny } from "../photographs.ts";
import type { Scenario } from "./scenario.ts";

/** How soon a new process answers, and what it costs that does nothing. */
export const start: Scenario = {
  name: "start",
  title: "from the start to the first picture (p50), and idle after that",
  servers: [mediatap],
  withBare: true,
  takes: () => true,
  async run(turn) {
    const [picture = ""] = turn.links(await tiny(), 1);
    const { peer } = turn.running;
    const begun = await turn.restart();
    const { status } = await ask(turn.running.origin + peer.path(picture, "webp", 64));
    if (status !== 200) throw new Error(`${peer.name} answered ${status}`);
    const time = performance.now() - begun;
    const { pid } = turn.running;
    const cpu = cpuOf(pid);
    await sleep(3000);
    const idle = residentOf(pid);
    return { requests: 1, throughput: 1000 / time, p50: time, p99: time, cpu, peak: idle, more: { idle } };
  },
};
