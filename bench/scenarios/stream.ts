import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask } from "../load.ts";
import { waitForIdle } from "../measure.ts";
import { placeVideo, VIDEO } from "../video.ts";
import type { Sample, Scenario } from "./scenario.ts";

const REPETITIONS = 5;
const FRAMES_PER_SECOND = 25;
/** Frames of a segment of four seconds. */
const SEGMENT_FRAMES = 100;
const BOXES = { 360: ["640:360", "400000", "3.0", "1"], 240: ["426:240", "200000", "3.0", "1"] } as const;
type Rung = keyof typeof BOXES;

/** Counts requests, so that none is like another. */
let requests = 0;

/** What a scenario does once with the server, and with what it is compared with; both in milliseconds. */
interface Pair {
  ours(): Promise<number>;
  bare(): Promise<number>;
}

/** Parts of a stream that nobody has asked for yet, against the same runs of ffmpeg with nothing around them. */
function stream(
  name: string,
  title: string,
  share: string,
  pair: (origin: string, file: string) => Pair,
): Scenario {
  return {
    name: `stream-${name}`,
    title,
    share,
    takes: (peer) => peer.name === "mediatap" && peer.video !== undefined,
    async run({ running, measure }) {
      const folder = mkdtempSync(join(tmpdir(), "mediatap-bench-stream-"));
      try {
        if (!placeVideo(folder)) return undefined;
        const { ours, bare } = pair(running.origin, join(folder, VIDEO));
        const shares: number[] = [];
        const sample = await measure(async () => {
          const times: number[] = [];
          for (let time = 0; time < REPETITIONS; time++) {
            const others = await bare();
            const own = await ours();
            // What was made ahead must not disturb the next.
            await waitForIdle(running.pid);
            times.push(own);
            shares.push(own / others);
          }
          times.sort((a, b) => a - b);
          const seconds = times.reduce((sum, time) => sum + time, 0) / 1_000;
          return {
            requests: REPETITIONS,
            throughput: REPETITIONS / seconds,
            p50: times[REPETITIONS >> 1] ?? Number.NaN,
            p99: times.at(-1) ?? Number.NaN,
          };
        });
        shares.sort((a, b) => a - b);
        return { ...sample, share: shares[REPETITIONS >> 1] } as Sample;
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

async function get(url: string): Promise<void> {
  const { status } = await ask(url);
  if (status !== 200) throw new Error(`${url}: ${status}`);
}

/** One segment of a rung that is not in any cache. */
const part = (origin: string, rung: Rung, index: number, request = ++requests) =>
  `${origin}/${VIDEO}/ik-track-${rung}-${index}.m4s?v=s${request}`;

/** What the server has ffmpeg do for these rungs of a segment. */
async function bareRun(file: string, rungs: readonly Rung[], index: number): Promise<void> {
  const start = (index * SEGMENT_FRAMES) / FRAMES_PER_SECOND;
  const split = rungs.map((_, at) => `[s${at}]`).join("");
  const graph = [
    `[0:V:0]fps=${FRAMES_PER_SECOND},tpad=stop_mode=clone:stop=-1,fps=${FRAMES_PER_SECOND}:start_time=${start},trim=end_frame=${SEGMENT_FRAMES},setpts=PTS-STARTPTS,split=${rungs.length}${split}`,
    ...rungs.map(
      (rung, at) =>
        `[s${at}]scale=${BOXES[rung][0]}:flags=bicubic:in_color_matrix=bt709:out_color_matrix=bt709:out_range=tv,format=yuv420p[v${at}]`,
    ),
  ].join(";");
  const outputs = rungs.flatMap((rung, at) => {
    const [, rate, level, threads] = BOXES[rung];
    return [
      ...[
        "-map",
        `[v${at}]`,
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-crf",
        "23",
        "-profile:v",
        "high",
        "-level:v",
        level,
      ],
      ...[
        "-maxrate:v",
        rate,
        "-bufsize:v",
        rate,
        "-g",
        `${SEGMENT_FRAMES}`,
        "-keyint_min",
        `${SEGMENT_FRAMES}`,
        "-sc_threshold",
        "0",
        "-bf",
        "2",
        "-threads:v",
        threads,
      ],
      ...["-movflags", "+empty_moov+default_base_moof", "-frag_duration", "100000000", "-f", "mp4"],
      `pipe:${at === 0 ? 1 : at + 2}`,
    ];
  });
  const seek = start > 0 ? ["-ss", String(start - 0.1)] : [];
  const child = spawn(
    "ffmpeg",
    [
      ...["-nostdin", "-v", "error", "-threads", "2", "-noaccurate_seek", ...seek],
      ...["-copyts", "-start_at_zero", "-i", file, "-filter_complex", graph, ...outputs],
    ],
    { stdio: ["ignore", "pipe", "inherit", "pipe"] },
  );
  for (const pipe of child.stdio) if (pipe && "resume" in pipe) pipe.resume();
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
}

export const streams: readonly Scenario[] = [
  stream(
    "first",
    "the first segment of a stream, 720p to 360p, cold",
    "of the time of ffmpeg by itself",
    (origin, file) => ({
      ours: () => timed(() => get(part(origin, 360, 0))),
      bare: () => timed(() => bareRun(file, [360], 0)),
    }),
  ),
  stream("seek", "a jump to 4 s of a stream, cold", "of the time of ffmpeg by itself", (origin, file) => ({
    ours: () => timed(() => get(part(origin, 360, 1))),
    bare: () => timed(() => bareRun(file, [360], 1)),
  })),
  stream("rungs", "two rungs of a segment at once, cold", "of the time of one", (origin) => ({
    ours: () => {
      const request = ++requests;
      return timed(() =>
        Promise.all([get(part(origin, 240, 1, request)), get(part(origin, 360, 1, request))]),
      );
    },
    bare: () => timed(() => get(part(origin, 360, 1))),
  })),
  stream("master", "the playlist of a stream, cold", "of the time of a segment", (origin) => ({
    ours: () => timed(() => get(`${origin}/${VIDEO}/ik-master.m3u8?tr=sr-240_360_480_720&v=s${++requests}`)),
    bare: () => timed(() => get(part(origin, 360, 1))),
  })),
];
