import assert from "node:assert/strict";
import { join } from "node:path";
import { cacheMemory } from "@mediatap/cache-memory";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { runFfmpeg, startServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { videoRemux } from "@mediatap/video-remux";
import { describePlayers, HLS, SHAKA } from "../support/players.ts";

const RATE = 25;
const SECONDS = 20;
const MASTER = "count.mp4/ik-master";

/** What a player reports once it is ready. */
interface State {
  readonly time: number;
  readonly duration: number;
  readonly height: number;
  /** The number that the picture shows. */
  readonly number: number;
  readonly buffered: readonly (readonly [number, number])[];
  readonly ended: boolean;
  readonly corrupted: number;
  readonly total: number;
  readonly error: string | undefined;
  readonly waits: number;
}

/** In the page: what happens to the video, and what it shows. */
const PAGE = `
  let waits = 0;
  video.addEventListener("waiting", () => { waits++; });
  window.state = () => {
    const canvas = document.createElement("canvas");
    canvas.width = 160; canvas.height = 90;
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 160, 90);
    let number = 0;
    for (let bit = 0; bit < 10; bit++) if (context.getImageData(bit * 16 + 8, 45, 1, 1).data[0] > 128) number += 2 ** bit;
    const quality = video.getVideoPlaybackQuality();
    return {
      time: video.currentTime, duration: video.duration, height: video.videoHeight, number, ended: video.ended,
      buffered: Array.from({ length: video.buffered.length }, (_, at) => [video.buffered.start(at), video.buffered.end(at)]),
      corrupted: quality.corruptedVideoFrames, total: quality.totalVideoFrames,
      error: window.failure ?? video.error?.message, waits,
    };
  };
  window.seek = async (time) => {
    video.currentTime = time;
    await new Promise((resolve) => video.addEventListener("seeked", resolve, { once: true }));
    // A browser shows the picture some frames later; one that never comes fails the test.
    const isShown = () => Math.abs(window.state().number - Math.floor(time * ${RATE} + 0.001)) <= 1;
    for (const end = performance.now() + 30_000; performance.now() < end && !isShown(); ) await new Promise(requestAnimationFrame);
    return window.state();
  };
`;

/** How each player is started, and how it changes to another rung. */
const PLAYERS = {
  "Chromium itself": {
    scripts: [],
    start: `video.src = "/${MASTER}.m3u8?tr=sr-240_360"`,
    rung: undefined,
  },
  "hls.js": {
    scripts: [HLS],
    start: `(async () => {
      window.player = new Hls({ startLevel: 0 });
      player.on(Hls.Events.ERROR, (_, { fatal, details }) => { if (fatal || /gap|stall|parsing|append/i.test(details)) window.failure = details; });
      player.loadSource("/${MASTER}.m3u8?tr=sr-240_360");
      player.attachMedia(video);
      await new Promise((resolve) => player.once(Hls.Events.MANIFEST_PARSED, resolve));
    })()`,
    // While it stands still it shows the other rung only after a jump that comes when that rung is there.
    rung: (
      at: number,
    ) => `(player.currentLevel = ${at}, clearInterval(window.jumps), window.jumps = setInterval(() => {
      if (video.videoHeight === ${[240, 360][at]}) clearInterval(window.jumps);
      else if (!video.seeking) video.currentTime += 0.04;
    }, 250), undefined)`,
  },
  "shaka-player with DASH": {
    scripts: [SHAKA],
    start: shaka("mpd"),
    rung: (at: number) => `(player.configure({ abr: { enabled: false } }),
      player.selectVariantTrack(player.getVariantTracks().sort((a, b) => a.height - b.height)[${at}], true))`,
  },
  "shaka-player with HLS": {
    scripts: [SHAKA],
    start: shaka("m3u8"),
    rung: undefined,
  },
};

function shaka(ending: string) {
  return `(async () => {
    window.player = new shaka.Player();
    await player.attach(video);
    player.addEventListener("error", ({ detail }) => { window.failure = String(detail.code); });
    await player.load("/${MASTER}.${ending}?tr=sr-240_360");
  })()`;
}

async function start(folder: string) {
  await runFfmpeg(
    join(folder, "count.mp4"),
    ...["-f", "lavfi", "-i"],
    `color=black:s=10x1:r=${RATE}:d=${SECONDS},format=gray,geq=lum='if(mod(floor(N/pow(2,X)),2),235,16)',scale=640:360:flags=neighbor,setsar=1`,
    ...["-f", "lavfi", "-i", `sine=f=440:d=${SECONDS}`, "-c:v", "libx264", "-pix_fmt", "yuv420p"],
    ...["-preset", "ultrafast", "-g", "250", "-bf", "2", "-c:a", "aac"],
  );
  return await startServer({
    plugins: [urlImagekit(), storageFs(), imageSharp(), videoFfmpeg(), videoRemux(), cacheMemory()],
    origins: { files: { type: "FOLDER", path: folder } },
    endpoints: { default: { origins: ["files"] } },
  });
}

describePlayers("streams in players", start, (playing) => {
  const { evaluate, until } = playing;

  async function open({ scripts, start }: { readonly scripts: readonly string[]; readonly start: string }) {
    await playing.open(scripts, PAGE);
    await evaluate(start);
    await until("video.readyState >= 2");
  }

  /** The picture is the one of its time, but for what a screen shows later. */
  function assertShows({ number, time }: State) {
    assert(Math.abs(number - Math.floor(time * RATE + 0.001)) <= 1, `${number} at ${time} s`);
  }

  for (const [name, player] of Object.entries(PLAYERS)) {
    describe(`by ${name}`, () => {
      it("play from the first frame to the last", async () => {
        await open(player);
        const first = await evaluate<State>("state()");
        assert.equal(first.time, 0);
        assertShows(first);
        await evaluate("(video.playbackRate = 3, video.play().then(() => true))");
        await until("video.ended || state().error");
        const { error, corrupted, total, buffered, duration, time } = await evaluate<State>("state()");
        assert.equal(error, undefined);
        assert.equal(corrupted, 0);
        assert(
          Math.abs(duration - SECONDS) < 0.1 && Math.abs(time - duration) < 0.1,
          `${time} of ${duration}`,
        );
        // A slow machine shows fewer of them.
        assert(total > SECONDS * RATE * 0.5, `${total} pictures`);
        // Nothing is missing in between; what is played may have been let go of.
        assert.equal(buffered.length, 1, JSON.stringify(buffered));
      });

      it("are there at once wherever somebody jumps to", async () => {
        await open(player);
        for (const time of [13.3, 4.02, 19.5, 0.5, 11.98, 7.96]) {
          const state = await evaluate<State>(`seek(${time})`);
          assert.equal(state.error, undefined);
          assert(Math.abs(state.time - time) < 0.001, `${state.time}`);
          assertShows(state);
        }
      });

      if (name === "shaka-player with HLS") {
        it("are wound through by their key frames", async () => {
          await open(player);
          await evaluate("(player.trickPlay(4), video.play().then(() => true))");
          // What was there before is played first.
          await until("video.currentTime > 13 || state().error");
          const { error, number, time, waits } = await evaluate<State>("state()");
          assert.equal(error, undefined);
          const seen = `${number} at ${time} s, ${waits} waits`;
          assert(number % (2 * RATE) === 0 && number <= time * RATE + 1, seen);
          assert(number > (time - 4) * RATE, seen);
          // All pictures are back, at the latest behind those that were there before.
          await evaluate(
            "(player.cancelTrickPlay(), video.currentTime = 5.5, video.play().then(() => true))",
          );
          await until(
            `(({ number, time }) => number % ${RATE} !== 0 && Math.abs(number - time * ${RATE}) < 3)(state())`,
          );
          assert.equal((await evaluate<State>("state()")).error, undefined);
        });
      }

      if (player.rung) {
        const { rung } = player;
        it("change their size on the way", async () => {
          await open(player);
          const heights = new Set<number>();
          for (const [turn, at] of [0, 1, 0, 1].entries()) {
            await evaluate(rung(at));
            await until(`video.videoHeight === ${[240, 360][at]} && !video.seeking`);
            const state = await evaluate<State>(`seek(${turn * 4 + 2.5})`);
            assert.equal(state.error, undefined);
            assertShows(state);
            heights.add(state.height);
          }
          assert.deepEqual([...heights].sort(), [240, 360]);
        });
      }
    });
  }
});
