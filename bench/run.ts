import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { merge, type Results, type Row, writeTables } from "./figures.ts";
import { hotClient } from "./load.ts";
import { residentOf, sleep } from "./measure.ts";
import { bare, kept } from "./peers/bare.ts";
import { ipx } from "./peers/ipx.ts";
import { mediatap } from "./peers/mediatap.ts";
import { nginx } from "./peers/nginx.ts";
import { origin as originPeer } from "./peers/origin.ts";
import { LOGO, type Peer, type Running, start } from "./peers/peer.ts";
import { freshSet, photographs, SAMPLES } from "./photographs.ts";
import { printReport } from "./report.ts";
import { avif } from "./scenarios/avif.ts";
import { burst } from "./scenarios/burst.ts";
import { cold } from "./scenarios/cold.ts";
import { heldCold, heldWarm } from "./scenarios/conditions.ts";
import { disk } from "./scenarios/disk.ts";
import { distinct } from "./scenarios/distinct.ts";
import { estimate } from "./scenarios/estimate.ts";
import { fidelity, highFidelity } from "./scenarios/fidelity.ts";
import { fleet } from "./scenarios/fleet.ts";
import { growth } from "./scenarios/growth.ts";
import { hot } from "./scenarios/hot.ts";
import { huge } from "./scenarios/huge.ts";
import { leave } from "./scenarios/leave.ts";
import { many } from "./scenarios/many.ts";
import { memory } from "./scenarios/memory.ts";
import { mixed } from "./scenarios/mixed.ts";
import { alpha, remote, tiny } from "./scenarios/pictures.ts";
import { product } from "./scenarios/product.ts";
import { restart } from "./scenarios/restart.ts";
import { scale } from "./scenarios/scale.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { start as starts } from "./scenarios/start.ts";
import { streams } from "./scenarios/stream.ts";
import { through } from "./scenarios/through.ts";
import { video } from "./scenarios/video.ts";
import { workers } from "./scenarios/workers.ts";
import { type BenchSetup, turnOf, warmUp } from "./turn.ts";
import { placeVideo } from "./video.ts";

const HELP = `npm run bench -- [options]
  --quick          12 photographs, one repetition, short rests: does it run, and roughly how fast?
  --full           120 photographs, five repetitions
  --all            further scenarios, too, which the table does not need
  --only <names>   scenarios, by the beginning of their names, separated by commas
  --peers <names>  servers beside this one and bare sharp: ipx,nginx
  --before <dir>   this server of another checkout, too, which is built: how fast was it before?
  --rest <s>       seconds of rest before memory is looked at again (15; 5 with --quick, 60 with --full)
  --json <file>    all figures, for programs
  --write          writes the tables of bench/README.md and README.md; with --only, beside the figures of earlier runs
`;

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean" },
    full: { type: "boolean" },
    all: { type: "boolean" },
    only: { type: "string" },
    peers: { type: "string", default: "ipx,nginx" },
    before: { type: "string" },
    rest: { type: "string" },
    json: { type: "string" },
    write: { type: "boolean" },
    help: { type: "boolean" },
  },
});

interface Size {
  readonly count: number;
  readonly repetitions: number;
  readonly seconds: number;
  readonly rest: number;
}

const QUICK: Size = { count: 12, repetitions: 1, seconds: 2, rest: 5 };
const USUAL: Size = { count: 40, repetitions: 3, seconds: 3, rest: 15 };
const FULL: Size = { count: 120, repetitions: 5, seconds: 4, rest: 60 };

const size = flags.quick ? QUICK : flags.full ? FULL : USUAL;
const rest = flags.rest === undefined ? size.rest : Number(flags.rest);

/** Those of the table. */
const USUAL_SCENARIOS: readonly Scenario[] = [
  distinct("jpg"),
  distinct("webp"),
  distinct("avif"),
  remote,
  alpha,
  tiny,
  fidelity,
  cold(1),
  cold(16),
  leave,
  hot,
  heldWarm,
  // Each of these has servers of its own.
  highFidelity,
  starts,
  huge,
  disk,
  growth,
  scale,
  restart,
  fleet,
  // The longest comes last.
  many,
];

// The restart comes last: until then every server stays warm.
const FURTHER_SCENARIOS: readonly Scenario[] = [
  product("product"),
  product("thumb-webp"),
  product("thumb-png"),
  through,
  video,
  ...streams,
  heldCold,
  avif,
  mixed,
  burst,
  memory,
  workers,
  estimate,
];

if (flags.help) console.log(HELP);
else await bench();

async function bench(): Promise<void> {
  install();
  const from = await photographs(size.count);
  const work = mkdtempSync(join(tmpdir(), "mediatap-bench-run-"));
  const media = join(work, "media");
  const around: Running[] = [];
  try {
    freshSet(media, from, "start", 1);
    copyFileSync(new URL(LOGO, SAMPLES), join(media, LOGO));
    const hasVideo = placeVideo(media);
    if (!hasVideo) console.error("videos are left out: there is no ffmpeg");
    const web = await start(originPeer, media, "");
    around.push(web);
    const setup = { media, from, web: web.origin, count: size.count, seconds: size.seconds, rest };
    const results = await measureAll(setup, hasVideo);
    printReport(results);
    if (flags.json) writeFileSync(flags.json, `${JSON.stringify(results, null, 2)}\n`);
  } finally {
    await Promise.all(around.map((server) => server.stop()));
    rmSync(work, { recursive: true, force: true });
  }
}

/** Installs the other servers on first use. */
function install(): void {
  if (existsSync(new URL("node_modules", import.meta.url))) return;
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts"], {
    cwd: import.meta.dirname,
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("npm ci failed in bench/");
}

/** Has servers beside each other for as long as they are measured. */
async function beside<T>(
  setup: BenchSetup,
  [own, ...more]: readonly Peer[],
  others: (own: Running) => readonly Peer[],
  isWarm: boolean,
  work: (servers: Running[]) => Promise<T>,
): Promise<T> {
  const servers: Running[] = [];
  try {
    const first = await start(own as Peer, setup.media, setup.web);
    servers.push(first);
    for (const peer of [...more, ...others(first)]) servers.push(await start(peer, setup.media, setup.web));
    if (isWarm) for (const [index] of servers.entries()) await warmUp(turnOf(servers, index, setup));
    return await work(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

function rivals(): Peer[] {
  const others = [ipx, nginx].filter(({ name }) => flags.peers.split(",").includes(name));
  for (const { name, missing } of others) if (missing) console.error(`${name} is left out: ${missing}`);
  return others.filter(({ missing }) => !missing);
}

/** Servers of this repository, each beside the one of the other checkout, if there is one. */
function withBefore(peers: readonly Peer[]): Peer[] {
  const { before } = flags;
  if (before === undefined) return [...peers];
  return peers.flatMap((peer) => (peer.of ? [peer, peer.of(resolve(before))] : [peer]));
}

async function measureAll(setup: BenchSetup, hasVideo: boolean): Promise<Results> {
  const wanted = flags.only?.split(",");
  const all = [...USUAL_SCENARIOS, ...(flags.all || wanted ? FURTHER_SCENARIOS : [])];
  const possible = all.filter((scenario) => hasVideo || !/^(?:video|stream)/.test(scenario.name));
  const scenarios = possible.filter(({ name }) => wanted?.some((start) => name.startsWith(start)) ?? true);
  const results: Results = {
    count: size.count,
    repetitions: size.repetitions,
    rest,
    client: hotClient,
    scenarios: [],
  };
  /** The tables are written each time, so that a run that is ended early was not in vain. */
  const add = (result: Results["scenarios"][number]) => {
    results.scenarios.push(result);
    if (flags.write) writeTables(merge(results, flags.only !== undefined));
  };
  const common = scenarios.filter(({ servers }) => !servers);
  if (common.length > 0) {
    await beside(
      setup,
      withBefore([mediatap]),
      (own) => [bare(own.pid), kept(own.pid), ...rivals()],
      true,
      async (servers) => {
        for (const scenario of common) add(await measured(scenario, servers, setup));
      },
    );
  }
  for (const scenario of scenarios) {
    const { servers: own, withBare, beside: further } = scenario;
    if (!own) continue;
    const missing = own.find(({ missing }) => missing)?.missing;
    if (missing) {
      console.error(`${scenario.name} is left out: ${missing}`);
      continue;
    }
    const others = ({ pid }: Running) => [...(withBare ? [bare(pid)] : []), ...(further?.(pid) ?? [])];
    try {
      add(
        await beside(setup, withBefore(own), others, !scenario.fresh, (servers) =>
          measured(scenario, servers, setup),
        ),
      );
    } catch (error) {
      console.error(`${scenario.name} failed:`, error);
      process.exitCode = 1;
    }
  }
  return results;
}

async function measured(
  scenario: Scenario,
  servers: Running[],
  setup: BenchSetup,
): Promise<Results["scenarios"][number]> {
  const { name, title, share, once } = scenario;
  const repetitions = once ? 1 : size.repetitions;
  const rows: Row[] = servers
    .filter(({ peer }) => scenario.takes(peer) && (peer.only?.includes(name) ?? true))
    .map(({ peer }) => ({ peer: peer.name, samples: [] }));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const [index, { peer }] of servers.entries()) {
      const row = rows.find((row) => row.peer === peer.name);
      if (!row) continue;
      const time = Math.round(performance.now() / 1000);
      console.error(`${time} s: ${name}, ${repetition + 1} of ${repetitions}: ${peer.name}`);
      try {
        const sample = await scenario.run(turnOf(servers, index, setup));
        if (sample) row.samples.push(sample);
      } catch (error) {
        // The other figures of a long run are worth having all the same.
        console.error(`${name}: ${peer.name} failed:`, error);
        process.exitCode = 1;
      }
    }
  }
  if (scenario.rests) {
    await sleep(rest * 1000);
    for (const row of rows) {
      const server = servers.find(({ peer }) => peer.name === row.peer);
      if (server) row.rested = residentOf(server.pid);
    }
  }
  return { name, title, ...(share && { share }), peers: rows.filter(({ samples }) => samples.length > 0) };
}
