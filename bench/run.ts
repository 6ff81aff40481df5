import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { each, hotClient } from "./load.ts";
import { cpuOf, peakOf, quiet, resetPeak, residentOf, sleep } from "./measure.ts";
import { bare } from "./peers/bare.ts";
import { ipx } from "./peers/ipx.ts";
import { mediatap } from "./peers/mediatap.ts";
import { nginx } from "./peers/nginx.ts";
import { origin as originPeer } from "./peers/origin.ts";
import { type Format, isFormat, LOGO, type Peer, type Running, start, type Work } from "./peers/peer.ts";
import { freshSet, photographs, SAMPLES } from "./photographs.ts";
import { printReport, type Results } from "./report.ts";
import { cold } from "./scenarios/cold.ts";
import { heldCold, heldWarm } from "./scenarios/conditions.ts";
import { distinct } from "./scenarios/distinct.ts";
import { hot } from "./scenarios/hot.ts";
import { leave } from "./scenarios/leave.ts";
import { product } from "./scenarios/product.ts";
import type { Scenario, Turn } from "./scenarios/scenario.ts";
import { streams } from "./scenarios/stream.ts";
import { through } from "./scenarios/through.ts";
import { video } from "./scenarios/video.ts";
import { placeVideo } from "./video.ts";

const HELP = `npm run bench -- [options]
  --quick          12 photographs, one repetition, short rests: does it run, and roughly how fast?
  --full           120 photographs, five repetitions
  --only <names>   scenarios, by the beginning of their names, separated by commas
  --peers <names>  servers beside this one and bare sharp: ipx,nginx
  --rest <s>       seconds of rest before memory is looked at again (60; 5 with --quick)
  --json <file>    all figures, for programs
`;

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean" },
    full: { type: "boolean" },
    only: { type: "string" },
    peers: { type: "string", default: "ipx,nginx" },
    rest: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean" },
  },
});

interface Size {
  readonly count: number;
  readonly repetitions: number;
  readonly seconds: number;
  readonly rest: number;
}

const size: Size = flags.quick
  ? { count: 12, repetitions: 1, seconds: 2, rest: 5 }
  : { count: flags.full ? 120 : 40, repetitions: flags.full ? 5 : 3, seconds: 4, rest: 60 };
const rest = flags.rest === undefined ? size.rest : Number(flags.rest);

// The restart comes last: until then every server stays warm.
const SCENARIOS: readonly Scenario[] = [
  distinct("jpg"),
  distinct("webp"),
  distinct("avif"),
  product("product"),
  product("thumb-webp"),
  product("thumb-png"),
  cold(1),
  cold(16),
  leave,
  hot,
  heldWarm,
  through,
  video,
  ...streams,
  heldCold,
];

/** Counts the folders of photographs made so far. */
let sets = 0;

if (flags.help) console.log(HELP);
else await bench();

async function bench(): Promise<void> {
  install();
  const from = await photographs(size.count);
  const work = mkdtempSync(join(tmpdir(), "mediatap-bench-run-"));
  const media = join(work, "media");
  const servers: Running[] = [];
  const around: Running[] = [];
  try {
    freshSet(media, from, "start", 1);
    copyFileSync(new URL(LOGO, SAMPLES), join(media, LOGO));
    const hasVideo = placeVideo(media);
    if (!hasVideo) console.error("videos are left out: there is no ffmpeg");
    const web = await start(originPeer, media, "");
    around.push(web);
    servers.push(await start(mediatap, media, web.origin));
    for (const peer of peersLike(servers[0] as Running)) servers.push(await start(peer, media, web.origin));
    const results = await measureAll(servers, { media, from, web: web.origin, hasVideo });
    printReport(results);
    if (flags.json) writeFileSync(flags.json, `${JSON.stringify(results, null, 2)}\n`);
  } finally {
    await Promise.all([...servers, ...around].map((server) => server.stop()));
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

function peersLike(own: Running): Peer[] {
  const others = [ipx, nginx].filter(({ name }) => flags.peers.split(",").includes(name));
  for (const { name, missing } of others) if (missing) console.error(`${name} is left out: ${missing}`);
  return [bare(own.pid), ...others.filter(({ missing }) => !missing)];
}

/** Where the photographs and files come from. */
interface Place {
  /** Folder that the servers serve. */
  readonly media: string;
  /** Folder of the photographs. */
  readonly from: string;
  /** Address of a web server. */
  readonly web: string;
  /** The video is there. */
  readonly hasVideo: boolean;
}

async function measureAll(servers: Running[], place: Place): Promise<Results> {
  const wanted = flags.only?.split(",");
  const possible = SCENARIOS.filter((scenario) => place.hasVideo || !/^(?:video|stream)/.test(scenario.name));
  const scenarios = possible.filter(({ name }) => wanted?.some((start) => name.startsWith(start)) ?? true);
  for (const [index] of servers.entries()) await warmUp(turnOf(servers, index, place));
  const results: Results = {
    count: size.count,
    repetitions: size.repetitions,
    rest,
    client: hotClient,
    scenarios: [],
  };
  for (const scenario of scenarios) {
    const result: Results["scenarios"][number] = {
      name: scenario.name,
      title: scenario.title,
      ...(scenario.share && { share: scenario.share }),
      peers: servers
        .filter(({ peer }) => scenario.takes(peer))
        .map(({ peer }) => ({ peer: peer.name, samples: [] })),
    };
    for (let repetition = 0; repetition < size.repetitions; repetition++) {
      for (const [index, { peer }] of servers.entries()) {
        const row = result.peers.find((row) => row.peer === peer.name);
        if (!row) continue;
        console.error(`${scenario.name}, ${repetition + 1} of ${size.repetitions}: ${peer.name}`);
        try {
          const sample = await scenario.run(turnOf(servers, index, place));
          if (sample) row.samples.push(sample);
        } catch (error) {
          // The other figures of a long run are worth having all the same.
          console.error(`${scenario.name}: ${peer.name} failed:`, error);
          process.exitCode = 1;
        }
      }
    }
    if (scenario.rests) {
      await sleep(rest * 1000);
      for (const row of result.peers) {
        const server = servers.find(({ peer }) => peer.name === row.peer);
        if (server) row.rested = residentOf(server.pid);
      }
    }
    results.scenarios.push({ ...result, peers: result.peers.filter(({ samples }) => samples.length > 0) });
  }
  return results;
}

/** Servers are compared as they are after a while: compiled, connected, with their libraries loaded. */
async function warmUp(turn: Turn): Promise<void> {
  for (const format of turn.running.peer.formats) await each(turn.fresh(format, 20), 4);
}

function turnOf(servers: Running[], index: number, { media, from, web }: Place): Turn {
  const running = () => servers[index] as Running;
  return {
    get running() {
      return running();
    },
    seconds: size.seconds,
    fresh(wanted: Format | Work, part = size.count) {
      const { peer, origin } = running();
      const set = freshSet(media, from, `s${sets++}`, size.count);
      const plain = isFormat(wanted);
      const some = plain && peer.slow?.includes(wanted) ? set.filter((_, at) => at % 5 === 2) : set;
      const path = (photograph: string) =>
        plain ? peer.path(photograph, wanted) : peer.work?.(photograph, wanted);
      return some.slice(0, part).map((photograph) => origin + path(photograph));
    },
    async restart() {
      const { peer } = running();
      await running().stop();
      servers[index] = await start(peer, media, web);
    },
    async measure(work) {
      const { pid } = running();
      resetPeak(pid);
      const before = cpuOf(pid);
      const load = await work();
      await quiet(pid);
      const cpu = (cpuOf(pid) - before) / load.requests;
      return { ...load, cpu, peak: peakOf(pid) };
    },
  };
}
