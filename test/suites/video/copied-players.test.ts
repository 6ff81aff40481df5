import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheMemory } from "@mediatap/cache-memory";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import {
  describeWith,
  FFMPEG,
  makeFolder,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { videoRemux } from "@mediatap/video-remux";
import {
  type Browser,
  describeInBrowser,
  type InPage,
  inPage,
  type Page,
  startChromium,
} from "../support/chromium.ts";

const run = promisify(execFile);
const services = createRequire(new URL("../../services/package.json", import.meta.url));

const RATE = 25;
const SECONDS = 20;

interface Scripted extends Page {
  addScriptTag(options: { readonly path: string }): Promise<unknown>;
}

/** What was seen of a video from its beginning to its end. */
interface Seen {
  readonly duration: number;
  /** Time of each picture, the number that it shows, and its height. */
  readonly pictures: readonly (readonly [time: number, number: number, height: number])[];
  readonly buffered: readonly (readonly [number, number])[];
  readonly corrupted: number;
  readonly error: string | undefined;
}

/** In the page: a video, and each picture that it shows. */
const PAGE = `
  document.body.innerHTML = "<video muted playsinline></video>";
  const video = window.video = document.querySelector("video");
  const canvas = document.createElement("canvas");
  canvas.width = 160; canvas.height = 90;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const pictures = [];
  const look = (_, { mediaTime }) => {
    context.drawImage(video, 0, 0, 160, 90);
    let number = 0;
    for (let bit = 0; bit < 10; bit++) if (context.getImageData(bit * 16 + 8, 45, 1, 1).data[0] > 128) number += 2 ** bit;
    pictures.push([mediaTime, number, video.videoHeight]);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  window.seen = () => ({
    pictures, duration: video.duration, corrupted: video.getVideoPlaybackQuality().corruptedVideoFrames,
    error: window.failure ?? video.error?.message,
    buffered: Array.from({ length: video.buffered.length }, (_, at) => [video.buffered.start(at), video.buffered.end(at)]),
  });
  // It changes to the other rung whenever it has played on for a while.
  window.changes = (change) => {
    let turn = 0;
    video.addEventListener("timeupdate", () => {
      if (video.currentTime > turn * 4 + 2) change(++turn % 2);
    });
  };
`;

/** How the sources of these tests have key frames: every two seconds, and here and there. */
const KEYS = {
  regular: ["-g", "50", "-keyint_min", "50"],
  scenes: ["-g", "9999", "-force_key_frames", "0,2.8,6.04,9.2,10.04,16,18.08"],
};

const shaka = (ending: string) => ({
  script: "shaka-player/dist/shaka-player.compiled.js",
  start: (file: string) => `(async () => {
    window.player = new shaka.Player();
    await player.attach(video);
    player.addEventListener("error", ({ detail }) => { window.failure = String(detail.code); });
    player.configure({ abr: { enabled: false }, streaming: { bufferingGoal: 3, rebufferingGoal: 1 } });
    await player.load("/${file}/ik-master.${ending}?tr=sr-240_360");
    const tracks = player.getVariantTracks().sort((a, b) => a.height - b.height);
    player.selectVariantTrack(tracks[0], true);
    changes((at) => player.selectVariantTrack(tracks[at], false));
  })()`,
});

const PLAYERS = {
  "hls.js": {
    script: "hls.js/dist/hls.min.js",
    start: (file: string) => `(async () => {
      window.player = new Hls({ startLevel: 0, maxBufferLength: 3, maxMaxBufferLength: 3 });
      player.on(Hls.Events.ERROR, (_, { fatal, details }) => { if (fatal || /gap|hole|parsing|append/i.test(details)) window.failure = details; });
      player.loadSource("/${file}/ik-master.m3u8?tr=sr-240_360");
      player.attachMedia(video);
      await new Promise((resolve) => player.once(Hls.Events.MANIFEST_PARSED, resolve));
      const levels = [240, 360].map((height) => player.levels.findIndex((level) => level.height === height));
      player.loadLevel = levels[0];
      changes((at) => { player.loadLevel = levels[at]; });
    })()`,
  },
  "shaka-player with DASH": shaka("mpd"),
  "shaka-player with HLS": shaka("m3u8"),
};

describeWith(FFMPEG, "streams of what is there, in players", () =>
  describeInBrowser("in Chromium", () => {
    let folder: TestFolder;
    let server: TestServer;
    let browser: Browser | undefined;

    before(async function () {
      browser = await startChromium();
      if (!browser) return this.skip();
      folder = await makeFolder();
      for (const [name, keys] of Object.entries(KEYS)) {
        await run(FFMPEG.path, [
          ...["-nostdin", "-v", "error", "-f", "lavfi", "-i"],
          `color=black:s=10x1:r=${RATE}:d=${SECONDS},format=gray,geq=lum='if(mod(floor(N/pow(2,X)),2),235,16)',scale=640:360:flags=neighbor,setsar=1`,
          ...["-f", "lavfi", "-i", `sine=f=440:d=${SECONDS}`, "-c:v", "libx264", "-pix_fmt", "yuv420p"],
          ...["-preset", "veryfast", ...keys, "-sc_threshold", "0", "-bf", "2"],
          ...["-c:a", "aac", join(folder.path, `${name}.mp4`)],
        ]);
      }
      server = await startServer({
        plugins: [urlImagekit(), storageFs(), imageSharp(), videoFfmpeg(), videoRemux(), cacheMemory()],
        origins: { files: { type: "FOLDER", path: folder.path } },
        endpoints: { default: { origins: ["files"] } },
        server: { explain: true },
      });
      for (const name of Object.keys(KEYS)) {
        const url = encodeURIComponent(`/${name}.mp4/ik-master.m3u8?tr=sr-240_360`);
        const { text } = await server.ask(`/-/explain?url=${url}`);
        assert.deepEqual(text.match(/"made":"\w+/g), ['"made":"encoded', '"made":"copied']);
      }
    });
    after(async () => {
      await browser?.close();
      await server?.close();
      await folder?.close();
    });

    /** What a player shows of a video from its beginning to its end. */
    async function play(script: string, start: string): Promise<Seen> {
      const page = (await browser?.newPage({})) as Scripted;
      const evaluate = <T>(code: string) => page.evaluate<T>(inPage(code) as InPage);
      await page.goto(`${server.url}/-/live`);
      await page.addScriptTag({ path: join(services.resolve("playwright-core"), "../..", script) });
      await evaluate(`(() => { ${PAGE} })()`);
      await evaluate(start);
      await evaluate("video.play().then(() => true)");
      await page.waitForFunction(inPage("video.ended || seen().error"), undefined, { timeout: 150_000 });
      const seen = await evaluate<Seen>("seen()");
      await page.close();
      return seen;
    }

    for (const [name, { script, start }] of Object.entries(PLAYERS)) {
      it(`play on and on by ${name}, whichever rung comes next, wherever their key frames are`, async () => {
        const all = await Promise.all(Object.keys(KEYS).map((keys) => play(script, start(`${keys}.mp4`))));
        for (const { duration, pictures, buffered, corrupted, error } of all) {
          assert.deepEqual([error, corrupted], [undefined, 0]);
          assert(Math.abs(duration - SECONDS) < 0.1, `${duration}`);
          // No hole, whichever rung a segment is of; what has been played may have been let go of.
          assert.equal(buffered.length, 1, JSON.stringify(buffered));
          // A busy machine looks late, and sees a later picture.
          const off = pictures.map(([time, number]) => number - Math.round(time * RATE));
          assert(Math.min(...off) >= -1 && Math.max(...off) <= RATE / 2, `${off}`);
          assert(off.filter((one) => one === 0).length > off.length / 2, `${off}`);
          const heights = pictures.map(([, , height]) => height);
          const changes = heights.filter((height, at) => at > 0 && height !== heights[at - 1]).length;
          assert(changes >= 3, `${changes} changes`);
          assert.deepEqual([...new Set(heights)].sort(), [240, 360]);
        }
      });
    }
  }),
);
