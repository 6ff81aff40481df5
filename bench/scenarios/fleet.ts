import { linkSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { againAll, ask, warm } from "../load.ts";
import { quantile } from "../measure.ts";
import { KEY, fleet as machines } from "../peers/fleet.ts";
import { small, tiny } from "../photographs.ts";
import type { Scenario, Turn } from "./scenario.ts";

/** Clients that ask for each new URL at the same time. */
const CLIENTS = 4;
/** URLs that a client requests at once. */
const CONCURRENT_REQUESTS = 4;

const PEERS = new Map([
  [machines("one machine", 1), 1],
  [machines("ten machines", 10), 10],
]);

/** Machines that share their work by Redis and a bucket: what of it is done twice, and how long a purge takes. */
export const fleet: Scenario = {
  name: "fleet",
  title: `machines behind nginx, one Redis, one S3 emulator: new URLs by ${CLIENTS} clients each (figures a URL), hits, purges`,
  servers: [...PEERS.keys()],
  once: true,
  fresh: true,
  takes: () => true,
  async run(turn) {
    const { origin, peer } = turn.running;
    const count = PEERS.get(peer) ?? 1;
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS * CONCURRENT_REQUESTS });
    try {
      await firsts(turn, count, agent);
      const urls = turn
        .links(await small(), turn.seconds > 2 ? 200 : 40)
        .map((picture) => origin + peer.path(picture, "webp", 300));
      const before = await rendersOf(origin, count);
      const renders = await turn.measure(() => all(urls, agent));
      const duplicates = (await rendersOf(origin, count)) - before - urls.length;
      await warm(urls, tmpdir());
      const hits = await turn.measure(() => againAll(urls, turn.seconds, tmpdir()));
      const { times, stale } = await purges(turn, count, agent);
      return {
        ...renders,
        more: {
          URLs: urls.length,
          duplicates,
          "hits/s": hits.throughput,
          "CPU ms a hit": hits.cpu,
          "purge p50 ms": quantile(times, 0.5),
          "purge max ms": Math.max(...times),
          stale,
        },
      };
    } finally {
      agent.destroy();
    }
  },
};

const onMachine = (origin: string, machine: number, path: string) => `${origin}/machine/${machine}${path}`;

/** Each machine does everything once: it loads its code and connects to Redis and the bucket. */
async function firsts(turn: Turn, count: number, agent: Agent): Promise<void> {
  const { origin, peer } = turn.running;
  const pictures = turn.links(await tiny(), 10 * count);
  for (const [at, picture] of pictures.entries()) {
    const { status } = await ask(onMachine(origin, at % count, peer.path(picture, "webp", 64)), { agent });
    if (status !== 200) throw new Error(`machine ${at % count} answered ${status}`);
  }
}

/** Each URL by several clients at once, over nginx; a request is a URL here. */
async function all(urls: readonly string[], agent: Agent) {
  const times: number[] = [];
  const remaining = [...urls].reverse();
  const begun = performance.now();
  const client = async () => {
    for (let url = remaining.pop(); url !== undefined; url = remaining.pop()) {
      const wanted = url;
      const before = performance.now();
      const answers = await Promise.all(Array.from({ length: CLIENTS }, () => ask(wanted, { agent })));
      const wrong = answers.find(({ status }) => status !== 200);
      if (wrong) throw new Error(`${url} answered ${wrong.status}`);
      times.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_REQUESTS }, client));
  const seconds = (performance.now() - begun) / 1000;
  return {
    requests: urls.length,
    throughput: urls.length / seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  };
}

/** Renders that all machines have done since they started. */
async function rendersOf(origin: string, count: number): Promise<number> {
  let sum = 0;
  for (let machine = 0; machine < count; machine++) {
    const text = await (await fetch(onMachine(origin, machine, "/-/metrics"))).text();
    for (const [, value] of text.matchAll(/^mediatap_renders_total\{.*\} (\d+)$/gm)) sum += Number(value);
  }
  return sum;
}

/**
 * Replaces a file that all machines have a rendition of, and purges it: times of the calls, and how many machines sent
 * the old rendition after a call had returned.
 */
async function purges(turn: Turn, count: number, agent: Agent) {
  const { origin, peer } = turn.running;
  const pictures = turn.links(await tiny(), turn.seconds > 2 ? 20 : 5);
  const other = await small();
  const [spare = ""] = turn.links(other, 1);
  const times: number[] = [];
  let stale = 0;
  for (const picture of pictures) {
    const path = peer.path(picture, "webp", 64);
    const etags: (string | undefined)[] = [];
    for (let machine = 0; machine < count; machine++) {
      etags.push((await ask(onMachine(origin, machine, path), { agent })).etag);
    }
    const file = join(turn.media, picture);
    rmSync(file);
    linkSync(join(turn.media, spare), file);
    const begun = performance.now();
    const response = await fetch(`${origin}/-/api/v1/files/purge`, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ source: picture }),
    });
    if (response.status !== 201) throw new Error(`a purge was answered ${response.status}`);
    times.push(performance.now() - begun);
    for (let machine = 0; machine < count; machine++) {
      const { status, etag } = await ask(onMachine(origin, machine, path), { agent });
      if (status !== 200) throw new Error(`machine ${machine} answered ${status} after a purge`);
      if (etag === etags[machine]) stale++;
    }
  }
  return { times, stale };
}
