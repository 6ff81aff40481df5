import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import { storageWeb } from "@mediatap/storage-web";
import { type OriginFile, startOrigin, until, type WebOrigin } from "@mediatap/test";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { ownProgramsWith } from "../../video-ffmpeg/test/support/processes.ts";
import { get, numbersIn, track } from "../../video-ffmpeg/test/support/streams.ts";
import { mp4 } from "../../video-ffmpeg/test/support/videos.ts";
import { videoRemux } from "../src/index.ts";
import { describeRemuxing, range } from "./support/remuxing.ts";

/** Bytes of a file at an origin that are fetched and kept as one. */
const BLOCK = 512 * 1024;

describeRemuxing("video-remux: streams of a file at an origin", (remuxing) => {
  const origins: WebOrigin[] = [];
  after(() => Promise.all(origins.map((one) => one.close())));

  /** 10 MB, its index in front. */
  function makeNoise() {
    const noise = "nullsrc=s=320x180:r=25:d=1,geq=random(1)*255:128:128,loop=loop=19:size=25";
    const rate = ["-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M"];
    return remuxing.studio.make("noise.mp4", "-f", "lavfi", "-i", noise, ...mp4(), ...rate);
  }

  /** A remuxing.server of a file that lies elsewhere, and the ranges that its origin was asked for. */
  async function remote(name: string, file: OriginFile) {
    const origin = await startOrigin();
    origins.push(origin);
    origin.files.set(name, file);
    const place = await remuxing.startWith([storageWeb(), videoFfmpeg(), videoRemux()], {
      origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
    });
    const asked = () =>
      origin.requests
        .map(({ headers }) => /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? ""))
        .flatMap((range) => (range ? [{ first: Number(range[1]), last: Number(range[2]) }] : []));
    return { place, asked };
  }

  it("are no longer read when nobody waits", async () => {
    await makeNoise();
    const bytes = await remuxing.studio.bytes("noise.mp4");
    let waiting: Socket | null = null;
    const { place } = await remote("noise.mp4", {
      answer: ({ headers }, response) => {
        const asked = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "");
        const [first, last] = asked ? [Number(asked[1]), Number(asked[2])] : [0, bytes.length - 1];
        response.writeHead(asked ? 206 : 200, {
          etag: '"one"',
          "content-length": last - first + 1,
          ...(asked && { "content-range": `bytes ${first}-${last}/${bytes.length}` }),
        });
        // The last segment never comes.
        if (first < bytes.length * 0.85) response.end(bytes.subarray(first, last + 1));
        else {
          response.flushHeaders();
          waiting = response.socket;
        }
      },
    });
    await get(place, "/noise.mp4/1080-0.m4s");
    const controller = new AbortController();
    const answer = place.ask("/noise.mp4/1080-4.m4s", { signal: controller.signal }).catch(() => undefined);
    await until(() => waiting !== null, "the origin is asked");
    assert.equal(ownProgramsWith("noise.mp4").length, 0);
    controller.abort();
    await answer;
    await until(() => waiting?.destroyed === true, "its connection is closed");
  });

  it("are the same without ranges, and encoded without validators", async () => {
    const bytes = await remuxing.studio.bytes("count.mp4");
    const whole = (headers: OutgoingHttpHeaders): OriginFile => ({
      answer: (_, response) => {
        response.writeHead(200, { ...headers, "content-length": bytes.length }).end(bytes);
      },
    });
    const { whole: expected } = await track(remuxing.server, "/count.mp4/240.m3u8");
    const { place } = await remote("count.mp4", whole({ etag: '"one"' }));
    assert.deepEqual(await remuxing.made("count.mp4", "240", [], place), ["copied"]);
    assert(expected.equals((await track(place, "/count.mp4/240.m3u8")).whole));
    const { place: other } = await remote("count.mp4", whole({}));
    assert.match((await remuxing.made("count.mp4", "240", [], other))[0] ?? "", /versions apart/);
    assert.deepEqual(
      await numbersIn(remuxing.studio, (await track(other, "/count.mp4/240.m3u8")).whole),
      range(0, 390),
    );
  });

  it("are read in ranges, and nothing else is", async () => {
    await makeNoise();
    const { place, asked } = await remote("noise.mp4", {
      bytes: await remuxing.studio.bytes("noise.mp4"),
      headers: { etag: '"one"' },
    });
    const { segments } = await track(remuxing.server, "/noise.mp4/1080.m3u8");
    const lengths = segments.map(({ length }) => length);
    await get(place, "/noise.mp4/1080-init.mp4");
    const before = asked().length;
    assert(segments[3]?.equals(await get(place, "/noise.mp4/1080-3.m4s")));
    const more = asked().slice(before);
    const bytes = more.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    assert(bytes <= (lengths[3] ?? 0) + 2 * BLOCK, `${bytes} for ${lengths[3]}`);
    for (const { first, last } of more) {
      assert(
        first > lengths.slice(0, 3).reduce((sum, length) => sum + length) - 2 * BLOCK,
        `${first}-${last}`,
      );
    }
    const again = asked().length;
    assert(segments[3]?.equals(await get(place, "/noise.mp4/1080-3.m4s")));
    assert.equal(asked().length, again);
  });
});
