import { hash } from "node:crypto";
import { linkSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ask, each } from "../load.ts";
import { cpuOf, residentOf, sleep, waitForIdle } from "../measure.ts";
import { configured, diskAlone } from "../peers/mediatap.ts";
import { tiny } from "../photographs.ts";
import type { Scenario } from "./scenario.ts";

const CACHE = "cache-restart";
/** Entries that are rendered; the others are copies of their files. */
const RENDERED = 100;

/** How soon a server responds from a disk cache with many entries, and what it costs to count them. */
export const restart: Scenario = {
  name: "restart",
  title: "from the start to the first hit in a disk cache of 200,000 entries (p50), and their count (CPU)",
  servers: [configured("mediatap", diskAlone(CACHE))],
  once: true,
  fresh: true,
  takes: () => true,
  async run(turn) {
    const entries = turn.seconds > 2 ? 200_000 : 20_000;
    const paths = turn.links(await tiny(), RENDERED).map((picture) => `/steady/tr:w-64,f-webp/${picture}`);
    await each(
      paths.map((path) => turn.running.origin + path),
      4,
    );
    await fill(join(turn.media, "..", CACHE, "v2", "entries"), entries);
    const begun = await turn.restart();
    const { status, hit } = await ask(turn.running.origin + paths[0]);
    if (status !== 200 || !hit) throw new Error(`the restarted server answered ${status}, a hit: ${hit}`);
    const time = performance.now() - begun;
    const { pid } = turn.running;
    await waitForIdle(pid, 2000);
    const idle = residentOf(pid);
    return {
      requests: 1,
      throughput: 1000 / time,
      p50: time,
      p99: time,
      cpu: cpuOf(pid),
      peak: idle,
      more: { entries },
    };
  },
};

/** Adds links to the files of entries, named as `cache-disk` names entries: to a server they are further ones. */
async function fill(folder: string, count: number): Promise<void> {
  let files: string[] = [];
  for (let tries = 0; files.length < RENDERED && tries < 300; tries++) {
    await sleep(100);
    files = entriesOf(folder);
  }
  if (files.length < RENDERED) throw new Error(`${files.length} entries were stored, not ${RENDERED}`);
  for (let at = files.length; at < count; at++) {
    const name = hash("sha256", String(at), "hex");
    const shard = join(folder, name.slice(0, 2));
    mkdirSync(shard, { recursive: true });
    linkSync(files[at % files.length] as string, join(shard, name));
  }
}

function entriesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".tmp"))
    .map(({ parentPath, name }) => join(parentPath, name));
}
