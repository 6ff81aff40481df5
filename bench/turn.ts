import { each } from "./load.ts";
import { cpuOf, peakOf, resetPeak, sleep, waitForIdle } from "./measure.ts";
import { type Format, isFormat, type Running, start, type Work } from "./peers/peer.ts";
import { freshLinks, freshSet } from "./photographs.ts";
import type { Turn } from "./scenarios/scenario.ts";

/** Where the photographs and files come from, and how much is done with them. */
export interface BenchSetup {
  /** Folder that the servers serve. */
  readonly media: string;
  /** Folder of the photographs. */
  readonly from: string;
  /** Address of a web server. */
  readonly web: string;
  /** Photographs. */
  readonly count: number;
  /** As of a `Turn`. */
  readonly seconds: number;
  readonly rest: number;
}

/** Counts the folders of photographs made so far. */
let sets = 0;

/** Servers are compared as they are after a while: compiled, connected, with their libraries loaded. */
export async function warmUp(turn: Turn): Promise<void> {
  for (const format of turn.running.peer.formats) await each(turn.fresh(format, 20), 4);
}

/** The turn of one of the servers. */
export function turnOf(servers: Running[], index: number, setup: BenchSetup): Turn {
  const { media, from, web, count, seconds, rest } = setup;
  const running = () => servers[index] as Running;
  const links = (file?: string, many = count) => {
    const set = `s${sets++}`;
    return file === undefined ? freshSet(media, from, set, many) : freshLinks(media, file, set, many);
  };
  return {
    get running() {
      return running();
    },
    media,
    seconds,
    rest,
    links,
    fresh(wanted: Format | Work, part = count) {
      const { peer, origin } = running();
      const set = links();
      const plain = isFormat(wanted);
      const some = plain && peer.slow?.includes(wanted) ? set.filter((_, at) => at % 5 === 2) : set;
      const path = (photograph: string) =>
        plain ? peer.path(photograph, wanted) : peer.work?.(photograph, wanted);
      return some.slice(0, part).map((photograph) => origin + path(photograph));
    },
    async configure(changes) {
      const { peer, pid } = running();
      peer.configure?.(media, web, changes);
      process.kill(pid, "SIGHUP");
      await sleep(500);
      await waitForIdle(pid);
    },
    async restart() {
      const { peer } = running();
      await running().stop();
      const begun = performance.now();
      servers[index] = await start(peer, media, web);
      return begun;
    },
    async measure(work) {
      const { pid } = running();
      resetPeak(pid);
      const before = cpuOf(pid);
      const load = await work();
      await waitForIdle(pid);
      const cpu = (cpuOf(pid) - before) / load.requests;
      return { ...load, cpu, peak: peakOf(pid) };
    },
  };
}
