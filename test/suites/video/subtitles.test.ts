import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { runFfmpeg, startServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { describePlayers, HLS, SHAKA } from "../support/players.ts";
import { signed } from "../support/signed.ts";

const KEY = "private_test_key";

const url = (ending: string, chain = "") => signed(`/clip.mp4/ik-master.${ending}?tr=sr-240${chain}`, KEY);

/** Starts each player on a stream, shows the first subtitles, and says in which languages there are some. */
const PLAYERS = {
  "hls.js": {
    script: HLS,
    start: (chain: string) => `(async () => {
      const player = new Hls();
      player.loadSource("${url("m3u8", chain)}");
      player.attachMedia(video);
      await new Promise((resolve) => player.once(Hls.Events.SUBTITLE_TRACKS_UPDATED, resolve));
      player.subtitleDisplay = true;
      player.subtitleTrack = 0;
      return player.subtitleTracks.map(({ lang }) => lang);
    })()`,
  },
  "shaka-player with DASH": { script: SHAKA, start: shaka("mpd") },
  "shaka-player with HLS": { script: SHAKA, start: shaka("m3u8") },
};

function shaka(ending: string) {
  return (chain: string) => `(async () => {
    const player = new shaka.Player();
    await player.attach(video);
    await player.load("${url(ending, chain)}");
    const tracks = player.getTextTracks();
    player.selectTextTrack(tracks.find(({ language }) => language === "en"));
    return tracks.map(({ language }) => language);
  })()`;
}

/** What is shown at a time: what is expected, as soon as it is. */
const SHOWN = `
  window.shown = async (time, expected) => {
    video.currentTime = time;
    await new Promise((resolve) => video.addEventListener("seeked", resolve, { once: true }));
    const texts = () => Array.from(video.textTracks).filter(({ mode }) => mode === "showing")
      .flatMap(({ activeCues }) => Array.from(activeCues ?? [])).map(({ text }) => text);
    // A browser changes the cues some frames after the picture, when a player has loaded them; those that never come fail the test.
    const end = performance.now() + 30_000;
    for (let frames = 0; performance.now() < end && (frames < 10 || texts().join() !== expected); frames++) {
      await new Promise(requestAnimationFrame);
    }
    return texts();
  };
`;

async function start(folder: string) {
  await runFfmpeg(
    join(folder, "clip.mp4"),
    ...["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=12", "-f", "lavfi", "-i", "sine=d=12"],
    ...["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast", "-c:a", "aac"],
  );
  await writeFile(
    join(folder, "clip.en.vtt"),
    "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\n00:03.000 --> 00:05.000\nearly\n\n00:09.000 --> 00:10.000\nlate\n",
  );
  await writeFile(join(folder, "clip.de.srt"), "1\n00:00:03,000 --> 00:00:05,000\nfrüh\n");
  return await startServer({
    plugins: [urlImagekit(), storageFs(), imageSharp(), videoFfmpeg({ subtitles: ["en", "de", "fr"] })],
    origins: { files: { type: "FOLDER", path: folder } },
    endpoints: { default: { origins: ["files"], restrictUnsigned: "all" } },
    privateKey: KEY,
  });
}

describePlayers("subtitles of streams in players", start, (playing) => {
  const { evaluate, until } = playing;

  async function open(script: string, start: string) {
    await playing.open([script], SHOWN);
    const languages = await evaluate<string[]>(start);
    await until(
      "video.readyState >= 2 && Array.from(video.textTracks).some(({ mode, cues }) => mode === 'showing' && cues?.length)",
    );
    return languages;
  }

  const shown = (time: number, expected: readonly string[]) =>
    evaluate(`shown(${time}, ${JSON.stringify(expected.join())})`);

  for (const [name, { script, start }] of Object.entries(PLAYERS)) {
    describe(`by ${name}`, () => {
      it("are shown when they are said, by signed links", async () => {
        assert.deepEqual((await open(script, start(""))).sort(), ["de", "en"]);
        for (const [time, expected] of [
          [2.8, []],
          [3.2, ["early"]],
          [4.8, ["early"]],
          [5.2, []],
          [9.5, ["late"]],
        ] as const) {
          assert.deepEqual(await shown(time, expected), expected, `${time} s`);
        }
      });

      // On a busy machine shaka-player with HLS sometimes never begins to read so short a stream.
      if (name !== "shaka-player with HLS") {
        it("move along with a clip", async () => {
          await open(script, start(",so-2,du-4"));
          for (const [time, expected] of [
            [0.8, []],
            [1.2, ["early"]],
            [3.4, []],
          ] as const) {
            assert.deepEqual(await shown(time, expected), expected, `${time} s`);
          }
        });
      }
    });
  }
});
