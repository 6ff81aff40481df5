import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { promisify } from "node:util";
import type { Step } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, jobLanguage, jobUrl, type TestServer, until, useUpDescriptors } from "@mediatap/test";
import { pino } from "pino";
import { videoFfmpeg } from "../../src/index.ts";
import { serve } from "../support/server.ts";
import { FFMPEG, mp4, openStudio, type Studio, testPicture } from "../support/videos.ts";

const FFPROBE = FFMPEG.path.replace("ffmpeg", "ffprobe");
const BUSY = [503, "The server is busy", "5", "no-store"];

/** Threads and processes are bounded for all users but the first one. */
const WITHOUT_THREADS = `${
  process.getuid?.() === 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : ""
}prlimit --nproc=1`;

const resize = (width: number): Step => ({ op: "resize", width, fit: "inside", enlarge: true });

describeWith(FFMPEG, "video-ffmpeg: a machine that is short of something", () => {
  let studio: Studio;
  let server: TestServer;
  const warnings: string[] = [];
  let stills = 0;

  /** Another still each time: nothing is remembered of the one before. */
  const url = () => {
    const still: Step = { op: "frame", page: 1, time: ++stills / 100 };
    return jobUrl("clip.mp4", { steps: [still], output: { format: "png" } });
  };
  /** What programs run from now on. */
  const put = async (name: "ffmpeg" | "ffprobe", before: string, program: string) => {
    await writeFile(studio.path(name), `#!/bin/sh\nexec ${before} ${program} "$@"\n`);
    await chmod(studio.path(name), 0o755);
  };
  const putBoth = () => Promise.all([put("ffmpeg", "", FFMPEG.path), put("ffprobe", "", FFPROBE)]);
  async function outcome(path = url()) {
    const { status, headers, text } = await server.ask(path);
    return [status, status === 200 || text.trim(), headers["retry-after"], headers["cache-control"]];
  }

  before(async () => {
    studio = await openStudio();
    await studio.make("clip.mp4", ...testPicture(4), ...mp4());
    // Another user reads it, too.
    await chmod(studio.folder, 0o755);
    await putBoth();
    const log = pino({ level: "warn" }, { write: (line: string) => void warnings.push(line) });
    server = await serve(
      studio,
      [
        jobLanguage(),
        storageFs(),
        imageSharp(),
        videoFfmpeg({ ffmpeg: studio.path("ffmpeg"), ffprobe: studio.path("ffprobe") }),
      ],
      {},
      { log: log as never },
    );
  });
  after(async () => {
    await server?.close();
    await studio?.close();
  });
  afterEach(putBoth);

  const isWell = async () => assert.equal((await outcome())[0], 200);

  for (const [what, spoil] of [
    ["a program that is gone", () => rm(studio.path("ffmpeg"))],
    ["a program that may not be run", () => chmod(studio.path("ffmpeg"), 0o644)],
    ["threads that the system refuses", () => put("ffmpeg", WITHOUT_THREADS, FFMPEG.path)],
  ] as const) {
    it(`is busy for ${what}, and recovers`, async () => {
      await isWell();
      await spoil();
      assert.deepEqual(await outcome(), BUSY);
      await putBoth();
      await isWell();
    });
  }

  it("is logged with the message of the system", () => {
    // The first one is; those that follow soon share a line.
    assert.match(warnings[0] ?? "", /"code":"EBUSY"/);
    assert.match(warnings[0] ?? "", /No such file or directory/);
  });

  it("is busy for a file if no program can probe it", async () => {
    await studio.make("other.mp4", "-i", studio.path("clip.mp4"), "-c", "copy", "-t", "2");
    await rm(studio.path("ffprobe"));
    const still: Step = { op: "frame", page: 1 };
    const path = jobUrl("other.mp4", { steps: [still], output: { format: "png" } });
    assert.deepEqual(await outcome(path), BUSY);
    await putBoth();
    assert.equal((await outcome(path))[0], 200);
  });

  it("searches again for programs and wrappers that could not be started at first", async () => {
    const module = new URL("../support/late-programs.ts", import.meta.url).pathname;
    const node = [...process.execArgv.filter((arg) => arg.includes("conditions")), module];
    const { stdout } = await promisify(execFile)(process.execPath, node);
    assert.deepEqual(JSON.parse(stdout), {
      short: ["EBUSY", "EBUSY", "EBUSY"],
      later: ["setpriv", "ffmpeg", true],
    });
  });

  it("is busy without descriptors, and goes on", async () => {
    await isWell();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = () => askOver(agent, server.port, url());
    assert.equal((await ask()).status, 200);
    for (const free of [0, 2, 4]) {
      const release = useUpDescriptors(free);
      const { status, after } = await ask().finally(release);
      assert.deepEqual([status, after], [503, "5"], `${free} free`);
    }
    // Whatever is opened last: programs, what grows, what is finished and read.
    for (const free of [6, 8, 10, 12, 14, 16, 18, 20]) {
      const release = useUpDescriptors(free);
      const video = jobUrl("clip.mp4", { steps: [resize(100 + free)], output: { video: {} } });
      const { status, after } = await askOver(agent, server.port, video).finally(release);
      assert([`503 5`, "200 undefined"].includes(`${status} ${after}`), `${free} free: ${status}`);
    }
    await until(() => warnings.some((line) => line.includes("EMFILE")), "the log has a warning");
    assert.equal((await ask()).status, 200);
    agent.destroy();
  });
});

/** A request over a connection that is there already. */
function askOver(agent: Agent, port: number, path: string) {
  const { promise, resolve, reject } = Promise.withResolvers<{
    readonly status: number | undefined;
    readonly after: unknown;
  }>();
  const sent = request({ host: "127.0.0.1", port, path, agent }, (response) => {
    const { statusCode: status, headers } = response;
    response.resume().once("error", reject);
    response.once("end", () => resolve({ status, after: headers["retry-after"] }));
  });
  sent.once("error", reject).end();
  return promise;
}
