import assert from "node:assert/strict";
import type { Plugin } from "@mediatap/core";
import { storageFs } from "@mediatap/storage-fs";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { videoRemux } from "../src/index.ts";
import { describeRemuxing } from "./support/remuxing.ts";

describeRemuxing("video-remux: streams that are encoded", (remuxing) => {
  it("are encoded if the file is not suitable", async () => {
    const h264 = (...more: readonly string[]) => [
      ...["-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=9", "-c:v", "libx264", "-pix_fmt", "yuv420p"],
      ...["-preset", "ultrafast", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0", ...more],
    ];
    const files: Record<string, readonly string[]> = {
      "sparse.mp4": h264("-vf", "tpad=stop_mode=clone:stop_duration=5", "-g", "300", "-keyint_min", "300"),
      "open.mp4": h264(
        "-vf",
        "tpad=stop_mode=clone:stop_duration=5",
        "-bf",
        "3",
        "-x264-params",
        "open-gop=1:bframes=3:b-adapt=0",
      ),
      "refresh.mp4": h264("-x264-params", "intra-refresh=1"),
      "chroma.mp4": h264("-pix_fmt", "yuv422p"),
      "deep.mp4": h264("-pix_fmt", "yuv420p10le"),
      "anamorphic.mp4": h264("-vf", "setsar=4/3"),
      "hdr.mp4": h264("-crf", "40", "-x264-params", "transfer=smpte2084:colorprim=bt2020"),
      "interlaced.mp4": h264("-preset", "veryfast", "-flags", "+ildct+ilme", "-x264-params", "tff=1"),
      "fast.mp4": h264("-vf", "fps=100", "-g", "200"),
      "large.mp4": h264("-crf", "1", "-vf", "noise=alls=60:allf=t"),
      "fragments.mp4": h264("-movflags", "+frag_keyframe+empty_moov"),
      "container.mkv": h264(),
      "other.mp4": h264("-c:v", "mpeg4"),
      "uneven.mp4": h264("-vf", "select='not(between(t,1,1.5))'", "-fps_mode", "vfr"),
    };
    await Promise.all(Object.entries(files).map(([name, args]) => remuxing.studio.make(name, ...args)));
    await remuxing.studio.make(
      "turned.mp4",
      "-display_rotation",
      "90",
      "-i",
      remuxing.studio.path("clip.mp4"),
      "-c",
      "copy",
    );
    await remuxing.studio.make(
      "late.mp4",
      "-itsoffset",
      "0.5",
      "-i",
      remuxing.studio.path("clip.mp4"),
      "-i",
      remuxing.studio.path("clip.mp4"),
      "-map",
      "0:v",
      "-map",
      "1:a",
      "-c",
      "copy",
    );
    for (const [name, why] of Object.entries({
      "sparse.mp4": /no key frame within 6 s from 0 s on/,
      "open.mp4": /no key frame within 6 s from 0 s on/,
      "refresh.mp4": /key frame at 4 s needs others/,
      "chroma.mp4": /colours/,
      "deep.mp4": /colours/,
      "hdr.mp4": /colours/,
      "anamorphic.mp4": /not square/,
      "turned.mp4": /turned/,
      "interlaced.mp4": /interlaced/,
      "fast.mp4": /rate is changed/,
      "uneven.mp4": /rate/,
      "large.mp4": /bits a second/,
      "fragments.mp4": /fragments/,
      "container.mkv": /no MP4/,
      "other.mp4": /not H.264/,
      "late.mp4": /does not begin/,
    })) {
      const [words = ""] = await remuxing.made(name, "240");
      assert.match(words, /^encoded: /, name);
      assert.match(words, why, name);
      const { status } = await remuxing.server.ask(`/${name}/240-0.m4s`);
      assert.equal(status, 200, name);
    }
  });

  it("are encoded if the URL transforms them", async () => {
    assert.match(
      (await remuxing.made("clip.mp4", "360", [{ op: "rotate", angle: 180 }]))[0] ?? "",
      /changed/,
    );
    assert.deepEqual(await remuxing.made("clip.mp4", "360", [{ op: "volume", gain: 0.5 }]), ["copied"]);
    assert.deepEqual(await remuxing.made("clip.mp4", "360", [], await remuxing.start({ copy: false })), [
      "encoded: copying is turned off",
    ]);
  });

  it("are encoded if no plugin packages them, or if the first one refuses", async () => {
    const answering = async (name: string, ...plugins: readonly Plugin[]) => {
      const server = await remuxing.startWith([storageFs(), videoFfmpeg(), ...plugins]);
      return remuxing.made(name, "360", [], server);
    };
    assert.deepEqual(await answering("clip.mp4"), ["encoded: no plugin packages it without encoding"]);
    const refusing: Plugin = {
      name: "remux-nothing",
      version: "1.0.0",
      apiVersion: 1,
      apply: ({ hooks }) =>
        hooks.inspect.for("remux").tap("remux-nothing", () => ({ unfit: "it is private" })),
    };
    assert.deepEqual(await answering("clip.mp4", refusing, videoRemux()), ["encoded: it is private"]);
  });
});
