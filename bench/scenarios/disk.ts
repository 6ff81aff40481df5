import { tmpdir } from "node:os";
import { againAll, each, warm } from "../load.ts";
import { configured, diskAlone } from "../peers/mediatap.ts";
import { small } from "../photographs.ts";
import type { Scenario } from "./scenario.ts";

const ENTRIES = 400;

/** Hits from a folder that the machine has in its page cache, against hits from memory: entries of about 46 KB in turn. */
export const disk: Scenario = {
  name: "disk",
  title: `hits from the disk, ${ENTRIES} entries in turn, 16 connections`,
  servers: [configured("from memory"), configured("from disk", diskAlone("cache"))],
  takes: () => true,
  async run(turn) {
    const { origin } = turn.running;
    const urls = turn
      .links(await small(), ENTRIES)
      .map((photograph) => `${origin}/steady/tr:w-500,q-70,f-webp/${photograph}`);
    await each(urls, 4);
    await warm(urls, tmpdir());
    return turn.measure(() => againAll(urls, turn.seconds, tmpdir()));
  },
};
