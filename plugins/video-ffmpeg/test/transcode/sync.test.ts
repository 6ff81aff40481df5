import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Step } from "@mediatap/core";
import type { VideoOutput } from "@mediatap/core/steps";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, jobLanguage, jobUrl, type TestServer } from "@mediatap/test";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { inspectResult } from "../support/results.ts";
import { serve } from "../support/server.ts";
import { FFMPEG, mp4, openStudio, type Studio } from "../support/videos.ts";

const run = promisify(execFile);

describeWith(FFMPEG, "picture and sound of whole videos", () => {
  let studio: Studio;
  let server: TestServer;

  before(async () => {
    studio = await openStudio();
    // Black and silent, but for a flash and a tone in the third second.
    const parts = [
      ...[
        "-f",
        "lavfi",
        "-i",
        "color=black:s=160x90:r=25:d=4,drawbox=c=white:t=fill:enable=between(t\\,2\\,2.99)",
      ],
      ...["-f", "lavfi", "-i", "sine=f=1000:d=4,volume=volume=0:enable=not(between(t\\,2\\,3))"],
    ];
    await studio.make("flash.mp4", ...parts, ...mp4());
    await studio.make("flash.ts", ...parts, ...mp4().slice(0, -2), "-f", "mpegts");
    await studio.make(
      "flash.webm",
      ...parts,
      "-c:v",
      "libvpx-vp9",
      "-deadline",
      "realtime",
      "-c:a",
      "libopus",
    );
    server = await serve(studio, [jobLanguage(), storageFs(), videoFfmpeg({ delivery: "wait" })]);
  });
  after(async () => {
    await server.close();
    await studio.close();
  });

  /** When it flashes and when it sounds. */
  async function events(path: string, steps: readonly Step[], video: VideoOutput): Promise<[number, number]> {
    const answer = await server.ask(jobUrl(path, { steps, output: { video } }));
    assert.equal(answer.status, 200, answer.status === 200 ? "" : answer.text);
    const result = await inspectResult(studio, answer.body);
    const { stderr } = await run("/usr/bin/ffmpeg", [
      ...[
        "-i",
        result.path,
        "-af",
        "silencedetect=n=-35dB:d=0.2",
        "-vf",
        "blackdetect=d=0.2",
        "-f",
        "null",
        "-",
      ],
    ]);
    const silence = Number(/silence_end: ([\d.]+)/.exec(stderr)?.[1]);
    const black = Number(/black_end:([\d.]+)/.exec(stderr)?.[1]);
    return [black, silence];
  }

  const smaller: Step = { op: "resize", width: 80, fit: "inside", enlarge: true };
  for (const name of ["flash.mp4", "flash.ts", "flash.webm"]) {
    for (const format of ["mp4", "webm"] as const) {
      for (const [what, steps, at] of [
        ["whole", [smaller], 2],
        ["a piece", [{ op: "clip", start: 1.1 }, smaller], 0.9],
        ["twice as fast", [smaller, { op: "speed", factor: 2 }], 1],
      ] as const) {
        it(`are in sync: ${name} as ${format}, ${what}`, async () => {
          const [flash, tone] = await events(name, steps, { format });
          // The stream itself begins up to 44 ms late.
          const most = name.endsWith(".ts") ? 0.075 : 0.045;
          assert.ok(Math.abs(flash - at) <= most, `flash at ${flash} instead of ${at}`);
          assert.ok(Math.abs(tone - at) <= most, `tone at ${tone} instead of ${at}`);
        });
      }
    }
  }

  it("are in sync if nothing is encoded", async () => {
    const [flash, tone] = await events("flash.mp4", [], { format: "mp4" });
    assert.ok(Math.abs(flash - 2) <= 0.045 && Math.abs(tone - 2) <= 0.045, `${flash} ${tone}`);
  });
});
