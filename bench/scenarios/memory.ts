import { each } from "../load.ts";
import { peakOf, resetPeak, residentOf, sleep, waitForIdle } from "../measure.ts";
import { mediatap } from "../peers/mediatap.ts";
import { large } from "../photographs.ts";
import type { Scenario, Turn } from "./scenario.ts";

const CLIENTS = 16;
/** Seconds after a burst at which memory is looked at; those up to the rest, and the rest. */
const MOMENTS = [1, 5, 15, 30];

/** What large photographs take at their peak, and what stays of that, with the allocator that `mediatap serve` arranges. */
export const memory: Scenario = {
  name: "memory",
  title: `${CLIENTS} photographs of 24 megapixels at once to 512 px WebP, then one of 100 (MiB)`,
  servers: [mediatap],
  withBare: true,
  once: true,
  takes: () => true,
  async run(turn) {
    const [many, one] = [await large(24), await large(100)];
    const { pid } = turn.running;
    await waitForIdle(pid);
    await sleep(2000);
    const more: Record<string, number> = { idle: residentOf(pid) };
    const sample = await turn.measure(() => each(urls(turn, many, CLIENTS), CLIENTS));
    const begun = performance.now();
    for (const second of [...MOMENTS.filter((second) => second < turn.rest), turn.rest]) {
      await sleep(begun + second * 1000 - performance.now());
      more[`${second} s later`] = residentOf(pid);
    }
    const rest = residentOf(pid);
    resetPeak(pid);
    await each(urls(turn, one, 1), 1);
    more["100 MP over rest"] = peakOf(pid) - rest;
    await sleep(Math.min(5, turn.rest) * 1000);
    more["after that"] = residentOf(pid);
    return { ...sample, more };
  },
};

const urls = ({ links, running: { origin, peer } }: Turn, file: string, count: number): string[] =>
  links(file, count).map((photograph) => origin + peer.path(photograph, "webp"));
