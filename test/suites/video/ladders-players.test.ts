import assert from "node:assert/strict";
import { join } from "node:path";
import { cacheMemory } from "@mediatap/cache-memory";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { runFfmpeg, startServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { describePlayers, HLS, SHAKA } from "../support/players.ts";

const SECONDS = 8;
const MASTER = "clip.mp4/ik-master";

/** How each player is started with AV1 alone; `codecs` is what it plays. */
const PLAYERS = {
  "hls.js": {
    script: HLS,
    start: `
      window.player = new Hls({ videoPreference: { videoCodec: "av01" } });
      player.on(Hls.Events.ERROR, (_, { fatal, details }) => { if (fatal || /gap|stall|parsing|append/i.test(details)) window.failure = details; });
      player.on(Hls.Events.MANIFEST_PARSED, () => {
        window.offered = new Set(player.levels.map(({ videoCodec }) => videoCodec.split(".")[0]));
        for (const { videoCodec, id } of [...player.levels]) if (!videoCodec.startsWith("av01")) player.removeLevel(player.levels.findIndex((one) => one.id === id));
      });
      window.codecs = () => player.levels[player.currentLevel]?.videoCodec;
      player.loadSource("/${MASTER}.m3u8?tr=sr-240");
      player.attachMedia(video);
    `,
  },
  "shaka-player with DASH": { script: SHAKA, start: shaka("mpd") },
  "shaka-player with HLS": { script: SHAKA, start: shaka("m3u8") },
};

function shaka(ending: string) {
  return `
    window.player = new shaka.Player();
    player.configure({ preferredVideoCodecs: ["av01"] });
    player.addEventListener("error", ({ detail }) => { window.failure = String(detail.code); });
    window.codecs = () => player.getVariantTracks().find(({ active }) => active)?.videoCodec;
    player.attach(video).then(() => player.load("/${MASTER}.${ending}?tr=sr-240")).catch(({ code }) => { window.failure = String(code); });
  `;
}

async function start(folder: string) {
  await runFfmpeg(
    join(folder, "clip.mp4"),
    ...["-f", "lavfi", "-i", `testsrc2=s=320x180:r=25:d=${SECONDS}`],
    ...["-f", "lavfi", "-i", `sine=f=440:d=${SECONDS}`, "-c:v", "libx264", "-pix_fmt", "yuv420p"],
    ...["-preset", "ultrafast", "-c:a", "aac"],
  );
  return await startServer({
    plugins: [
      urlImagekit(),
      storageFs(),
      imageSharp(),
      videoFfmpeg({ ladders: ["h264", "av1"] }),
      cacheMemory(),
    ],
    origins: { files: { type: "FOLDER", path: folder } },
    endpoints: { default: { origins: ["files"] } },
  });
}

describePlayers("streams in AV1, in players", start, ({ open, evaluate, until }) => {
  for (const [name, player] of Object.entries(PLAYERS)) {
    it(`play to the end in ${name}`, async () => {
      await open([player.script], player.start);
      await until("window.failure || video.readyState >= 3");
      await evaluate("(video.playbackRate = 2, video.play().then(() => true))");
      await until("window.failure || (video.currentTime > 1 && codecs())");
      const codecs = await evaluate<string>("codecs()");
      await until("window.failure || video.ended");
      const { failure, duration, width, corrupted } = await evaluate<{
        readonly failure?: string;
        readonly duration: number;
        readonly width: number;
        readonly corrupted: number;
      }>(
        "({ failure: window.failure, duration: video.duration, width: video.videoWidth, corrupted: video.getVideoPlaybackQuality().corruptedVideoFrames })",
      );
      assert.equal(failure, undefined);
      assert.match(codecs, /^av01\.0\.04M\.08/);
      assert.deepEqual([width, corrupted], [320, 0]);
      assert(Math.abs(duration - SECONDS) < 0.1, `${duration}`);
    });
  }
});
