import { tmpdir } from "node:os";
import { againAll, each } from "../load.ts";
import { configured } from "../peers/mediatap.ts";
import { small } from "../photographs.ts";
import type { Scenario } from "./scenario.ts";

const ENTRIES = 400;

/** Hits from a folder that the machine has in its page cache, against hits from memory: entries of about 20 KB in turn. */
export const disk: Scenario = {
  name: "disk",
  title: `hits from the disk, ${ENTRIES} entries in turn, 16 connections`,
  servers: [
    configured("from memory"),
    configured("from disk", {
      plugins: [
        // As good as none: what it is asked for it does not have.
        ["cache-memory", { maxBytes: 1, maxEntryBytes: 1, maxRecords: 1 }],
        ["cache-disk", { path: "./cache" }],
      ],
    }),
  ],
  takes: () => true,
  async run(turn) {
    const { origin } = turn.running;
    const urls = turn
      .links(await small(), ENTRIES)
      // Of a web server, whose files stay fresh: those of a folder are looked at again each second.
      .map((photograph) => `${origin}/web/tr:w-500,q-70,f-webp/${photograph}`);
    await each(urls, 4);
    await againAll(urls, 1, tmpdir());
    return turn.measure(() => againAll(urls, turn.seconds, tmpdir()));
  },
};
