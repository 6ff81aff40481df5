import { tmpdir } from "node:os";
import { againAll, each, warm } from "../load.ts";
import { barePair } from "../peers/bare.ts";
import { configured } from "../peers/mediatap.ts";
import { random, tiny } from "../photographs.ts";
import type { Scenario } from "./scenario.ts";

const CLIENTS = 8;
const URLS = 2000;
const PASSES = 6;

/** What a second process on a second core adds: one on one core, two on two. */
export const scale: Scenario = {
  name: "scale",
  title: `distinct photographs to 512 px JPEG, ${CLIENTS} clients, and hits on ${URLS} URLs in random order`,
  servers: [
    configured("one core", {}, { cores: [0] }),
    configured("two workers", {}, { cores: [0, 1], flags: ["--workers", "2"] }),
  ],
  beside: barePair,
  takes: () => true,
  async run(turn) {
    const { origin, peer } = turn.running;
    const renders = await turn.measure(() => each(turn.fresh("jpg"), CLIENTS));
    const urls = turn
      .links(await tiny(), URLS)
      .map((picture) => origin + (peer.steady?.(picture, 64) ?? peer.path(picture, "webp", 64)));
    // Two bare processes share nothing: each has nearly all URLs only after some passes.
    for (let pass = 0; pass < PASSES; pass++) await each(urls, CLIENTS);
    const next = random(1);
    const drawn = Array.from({ length: 5 * URLS }, () => urls[Math.floor(next() * URLS)] as string);
    // Each worker has them from the other one before they are in its own memory.
    await warm(drawn, tmpdir());
    const hits = await turn.measure(() => againAll(drawn, turn.seconds, tmpdir()));
    return {
      ...renders,
      more: { "hits/s": hits.throughput, "hit p99 ms": hits.p99, "CPU ms a hit": hits.cpu },
    };
  },
};
