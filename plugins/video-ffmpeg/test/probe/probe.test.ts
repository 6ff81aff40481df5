import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import type { Diagnosis, LimitName, MediatapConfig, Plugin, Probe, Step } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import {
  describeWith,
  jobLanguage,
  jobUrl,
  makePng,
  readPng,
  startServer,
  type TestServer,
} from "@mediatap/test";
import { type VideoFfmpegOptions, videoFfmpeg } from "../../src/index.ts";
import { FFMPEG, mp4, numbered, numberIn, openStudio, type Studio, testPicture } from "../support/videos.ts";

const still: Step = { op: "frame", page: 1, time: 1 };

/** Notes what is known of each file that an engine is asked for. */
function prober(): Plugin & { readonly probes: Map<string, Probe> } {
  const probes = new Map<string, Probe>();
  return {
    name: "prober",
    version: "1",
    apiVersion: 1,
    probes,
    apply({ hooks }) {
      hooks.transform.tapPromise({ name: "prober", stage: -50 }, async (_job, source, context) => {
        const probe = await context.inspect("probe", source);
        if (probe) probes.set(source.metadata.path, probe);
        return undefined;
      });
    },
  };
}

describeWith(FFMPEG, "video-ffmpeg: what files are", () => {
  let studio: Studio;
  const servers: TestServer[] = [];

  async function start(
    more: {
      limits?: Partial<Record<LimitName, number>>;
      plugins?: Plugin[];
      options?: VideoFfmpegOptions;
      path?: string;
    } = {},
  ): Promise<TestServer> {
    const config: MediatapConfig = {
      plugins: [
        ...(more.plugins ?? []),
        ...[jobLanguage(), storageFs(), imageSharp(), videoFfmpeg(more.options)],
      ],
      origins: { files: { type: "FOLDER", path: studio.folder } },
      endpoints: { default: { origins: ["files"] } },
      limits: more.limits ?? {},
    };
    const { PATH } = process.env;
    // Programs are looked for once, when the server starts.
    if (more.path !== undefined) process.env.PATH = more.path;
    try {
      const server = await startServer(config);
      servers.push(server);
      return server;
    } finally {
      process.env.PATH = PATH;
    }
  }

  const ask = (server: TestServer, name: string, steps: readonly Step[] = [still]) =>
    server.ask(jobUrl(name, { steps, output: steps.length > 0 ? { format: "png" } : {} }));

  before(async () => {
    studio = await openStudio();
    await studio.make("clip.mp4", ...testPicture(3), ...mp4());
    await Promise.all([
      studio.make("turned.mov", "-display_rotation", "-90", "-i", studio.path("clip.mp4"), "-c", "copy"),
      studio.make("silent.mkv", ...numbered(3, 30), "-r", "30000/1001", "-c:v", "mpeg4", "-vf", "setsar=4/3"),
      studio.make("sound.m4a", "-f", "lavfi", "-i", "sine=d=2", "-ac", "2", "-c:a", "aac"),
      studio.make("sound.ogg", "-f", "lavfi", "-i", "sine=d=2:r=48000", "-c:a", "libvorbis", "-ac", "2"),
      studio.make(
        "hdr.mp4",
        ...["-f", "lavfi", "-i", "testsrc2=s=64x64:d=1,format=yuv420p10le", "-c:v", "libx264"],
        ...["-x264-params", "transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc"],
      ),
    ]);
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  after(() => studio?.close());

  const files = ["clip.mp4", "turned.mov", "silent.mkv", "sound.m4a", "sound.ogg", "hdr.mp4"];

  async function probesOf(path?: string): Promise<ReadonlyMap<string, Probe>> {
    const { probes, ...plugin } = prober();
    const server = await start({ plugins: [plugin], ...(path !== undefined && { path }) });
    for (const file of files) await ask(server, file);
    return probes;
  }

  it("are read by ffprobe", async () => {
    const probes = await probesOf();
    const clip = probes.get("clip.mp4");
    assert(clip?.video && clip.audio);
    const { width, height, rotation, rate, codec, alpha, pixels } = clip.video;
    assert.deepEqual(
      { width, height, rotation, rate, codec, alpha, pixels },
      { width: 320, height: 180, rotation: 0, rate: 25, codec: "h264", alpha: false, pixels: "yuv420p" },
    );
    assert(Math.abs(clip.duration - 3) < 0.1);
    assert.deepEqual(clip.audio, { codec: "aac", channels: 1, rate: 44_100 });
    const turned = probes.get("turned.mov")?.video;
    assert.deepEqual([turned?.width, turned?.height, turned?.rotation], [180, 320, 90]);
    const silent = probes.get("silent.mkv");
    assert.deepEqual([silent?.video?.width, silent?.video?.height, silent?.audio], [213, 90, undefined]);
    assert(Math.abs((silent?.video?.rate ?? 0) - 29.97) < 0.01);
    assert.deepEqual(
      [probes.get("sound.m4a")?.video, probes.get("sound.m4a")?.audio?.channels],
      [undefined, 2],
    );
    assert.equal(probes.get("hdr.mp4")?.video?.transfer, "smpte2084");
  });

  it("are read without ffprobe, too", async () => {
    await mkdir(studio.path("bin"));
    await symlink(FFMPEG.path, studio.path("bin/ffmpeg"));
    const [whole, heard] = [await probesOf(), await probesOf(studio.path("bin"))];
    assert.equal(heard.size, whole.size);
    for (const [name, probe] of whole) {
      const other = heard.get(name);
      assert(other, name);
      assert(Math.abs(other.duration - probe.duration) < 0.02, name);
      const { rate = 0, ...video } = probe.video ?? {};
      const { rate: otherRate = 0, ...otherVideo } = other.video ?? {};
      assert.deepEqual([otherVideo, other.audio], [video, probe.audio], name);
      assert(Math.abs(rate - otherRate) < 0.01, name);
    }
    const server = await start({ path: studio.path("bin") });
    const { body } = await ask(server, "silent.mkv");
    assert.equal(numberIn(readPng(body).at, 4 / 3), 29);
  });

  it("need ffmpeg: without it pictures work, and videos are delivered unchanged", async () => {
    await writeFile(
      studio.path("picture.png"),
      makePng(40, 30, () => [9, 8, 7, 255]),
    );
    const server = await start({ path: "/nowhere" });
    const resize: Step = { op: "resize", width: 20, fit: "inside", enlarge: false };
    assert.equal(readPng((await ask(server, "picture.png", [resize])).body).width, 20);
    assert((await ask(server, "clip.mp4", [])).body.equals(await studio.bytes("clip.mp4")));
    const { status, text } = await ask(server, "clip.mp4");
    assert.equal(status, 403);
    assert.match(text, /ffmpeg, which is not installed/);
  });

  for (const [limit, value, what] of [
    ["videoSeconds", 2, "seconds"],
    ["videoSide", 300, "pixels a side"],
    ["videoStreams", 1, "streams"],
    ["videoRate", 24, "frames a second"],
  ] as const) {
    it(`are refused beyond ${limit}`, async () => {
      const server = await start({ limits: { [limit]: value } });
      const { status, text } = await ask(server, "clip.mp4");
      assert.equal(status, 400);
      assert.match(text, new RegExp(`at most ${value} ${what} but received`));
      // As it is it goes out, whatever it is.
      assert.equal((await ask(server, "clip.mp4", [])).status, 200);
    });
  }

  it("have no picture if there is only sound", async () => {
    const server = await start();
    const { status, text } = await ask(server, "sound.m4a");
    assert.equal(status, 400);
    assert.match(text, /no video track/);
  });

  it("are examined, with the programs, by the doctor", async () => {
    type Finding = Parameters<Diagnosis["add"]>[0];
    const findings = async (server: TestServer) => {
      const found: Finding[] = [];
      await server.server.runtime.hooks.diagnose.promise({ add: (finding) => found.push(finding) });
      return new Map(found.map((finding) => [finding.what, finding]));
    };
    const here = await findings(await start({ options: { ffmpeg: FFMPEG.path } }));
    assert.equal(here.get("ffmpeg")?.state, "good");
    assert.match(here.get("ffmpeg")?.text ?? "", /^\d.*, \/usr\/bin\/ffmpeg$/);
    assert.match(here.get("video H.264")?.text ?? "", /libx264/);
    assert.equal(here.get("video bounds")?.state, "good");
    const other = await findings(await start({ options: { ffmpeg: "/no/such/ffmpeg" } }));
    assert.equal(other.get("ffmpeg")?.state, "poor");
    assert.match(other.get("ffmpeg")?.text ?? "", /because \/no\/such\/ffmpeg does not run/);
    const none = await findings(await start({ path: "/nowhere" }));
    assert.equal(none.get("ffmpeg")?.state, "bad");
  });
});
