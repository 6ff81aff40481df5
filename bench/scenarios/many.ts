import { tmpdir } from "node:os";
import { againAll, each } from "../load.ts";
import { quiet, residentOf } from "../measure.ts";
import { kept } from "../peers/bare.ts";
import { configured } from "../peers/mediatap.ts";
import { random, tiny } from "../photographs.ts";
import type { Scenario } from "./scenario.ts";

/** What is asked for a second time has left the CDN: behind one, nearly every request is for another URL. */
export const many: Scenario = {
  name: "many",
  title: "hits on one of many URLs, tiny renditions, 16 connections",
  servers: [
    configured("from memory"),
    configured("from disk", {
      plugins: [
        // As good as none: what it is asked for it does not have.
        ["cache-memory", { maxBytes: 1, maxEntryBytes: 1, maxRecords: 1 }],
        ["cache-disk", { path: "./cache-many" }],
      ],
    }),
  ],
  beside: kept,
  once: true,
  takes: () => true,
  async run(turn) {
    const { origin, peer, pid } = turn.running;
    const count = turn.seconds > 2 ? 24_000 : 3000;
    // Of a web server, whose files stay fresh: those of a folder are looked at again each second.
    const urls = turn
      .links(await tiny(), count)
      .map((picture) => origin + (peer.remote ? "/web" : "") + peer.path(picture, "webp", 64));
    await quiet(pid);
    const before = residentOf(pid);
    await each(urls, 4);
    await quiet(pid);
    const filled = residentOf(pid);
    const next = random(1);
    const drawn = Array.from(urls, () => urls[Math.floor(next() * count)] as string);
    const sample = await turn.measure(() => againAll(drawn, turn.seconds, tmpdir()));
    const perEntry = ((filled - before) * 1024) / count;
    return { ...sample, more: { URLs: count, "MiB filled": filled, "KiB an entry": perEntry } };
  },
};
