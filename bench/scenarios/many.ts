import { tmpdir } from "node:os";
import { againAll, ask, each, warm } from "../load.ts";
import { residentOf, sleep, waitForIdle } from "../measure.ts";
import { kept } from "../peers/bare.ts";
import { configured, diskAlone } from "../peers/mediatap.ts";
import { random, tiny } from "../photographs.ts";
import type { Sample, Scenario, Turn } from "./scenario.ts";

const MIB = 1024 ** 2;

/** Behind a CDN nearly every request is for another URL: hits on many of them, and the memory that they take. */
export const many: Scenario = {
  name: "many",
  title: "tiny renditions: hits on one of many URLs, 16 connections, and the memory of all of them",
  servers: [
    configured("from memory", { plugins: [["cache-memory", { maxBytes: 256 * MIB }]] }),
    configured("from disk", diskAlone("cache-many")),
  ],
  beside: (like) => [kept(like)],
  once: true,
  fresh: true,
  takes: () => true,
  async run(turn) {
    const { origin, peer, pid } = turn.running;
    const [few, all, total] = turn.seconds > 2 ? [2400, 24_000, 100_000] : [300, 3000, 6000];
    // The map of a bare server has no budget.
    const urls = turn.links(await tiny(), peer.steady ? total : all).map((picture) => {
      return origin + (peer.steady?.(picture, 64) ?? peer.path(picture, "webp", 64));
    });
    await each(urls.slice(0, few), 4);
    const ofFew = await hits(turn, urls.slice(0, few));
    const first = await rested(turn);
    await each(urls.slice(few, all), 4);
    const sample = await hits(turn, urls.slice(0, all));
    const second = await rested(turn);
    const { bytes } = await ask(urls[0] as string);
    const more = {
      URLs: all,
      [`CPU ms of ${few}`]: ofFew.cpu,
      growth: sample.cpu / ofFew.cpu,
      MiB: second,
      "KiB an entry": ((second - first) * 1024) / (all - few) - bytes / 1024,
    };
    if (!peer.steady) return { ...sample, more };
    await each(urls.slice(all), 4);
    await waitForIdle(pid);
    return { ...sample, more: { ...more, "MiB of all": await rested(turn) } };
  },
};

/** Hits in random order. */
async function hits(turn: Turn, urls: readonly string[]): Promise<Sample> {
  const next = random(1);
  const drawn = Array.from(urls, () => urls[Math.floor(next() * urls.length)] as string);
  await warm(drawn, tmpdir());
  return turn.measure(() => againAll(drawn, turn.seconds, tmpdir()));
}

/** MiB in use when the allocator has returned what it returns. */
async function rested({ running: { pid }, rest }: Turn): Promise<number> {
  await waitForIdle(pid);
  await sleep(Math.min(rest, 5) * 1000);
  return residentOf(pid);
}
