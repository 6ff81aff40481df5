import assert from "node:assert/strict";
import { join } from "node:path";
import { cacheMemory } from "@mediatap/cache-memory";
import { storageFs } from "@mediatap/storage-fs";
import {
  describeWith,
  FFMPEG,
  makeFolder,
  runFfmpeg,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { type Browser, describeInBrowser, inPage, type Page, startChromium } from "../support/chromium.ts";

/** What a player says of itself. */
interface State {
  readonly time: number;
  readonly duration: number;
  readonly size: string;
  readonly error: string | undefined;
}

describeWith(FFMPEG, "whole videos", () =>
  describeInBrowser("in Chromium", () => {
    let folder: TestFolder;
    let server: TestServer;
    let browser: Browser | undefined;
    let page: Page;

    before(async function () {
      this.timeout(180_000);
      folder = await makeFolder();
      await runFfmpeg(
        join(folder.path, "a.mp4"),
        ...["-f", "lavfi", "-i", "mandelbrot=s=640x360:r=25", "-f", "lavfi", "-i", "sine=f=440"],
        ...["-t", "30", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"],
      );
      server = await startServer({
        plugins: [urlImagekit(), storageFs(), videoFfmpeg(), cacheMemory()],
        origins: { files: { type: "FOLDER", path: folder.path } },
        endpoints: { default: { origins: ["files"] } },
      });
      browser = await startChromium();
      if (!browser) return this.skip();
      page = await browser.newPage({});
      await page.goto(`${server.url}/-/live`);
    });
    after(async () => {
      await browser?.close();
      await server?.close();
      await folder?.close();
    });

    /** Plays from the beginning, then from a place in the middle. */
    const play = (path: string, seek: boolean) =>
      page.evaluate<State>(
        inPage(`(async () => {
      const video = document.createElement("video");
      video.muted = true;
      video.src = ${JSON.stringify(path)};
      document.body.replaceChildren(video);
      const failed = new Promise((resolve) => { video.addEventListener("error", resolve, { once: true }); setTimeout(resolve, 30_000); });
      const reached = (time) => new Promise((resolve) => {
        const look = () => (video.currentTime >= time ? resolve() : requestAnimationFrame(look));
        look();
      });
      const playing = video.play().catch((error) => { window.problem = String(error); }); await Promise.race([playing, failed]);
      await Promise.race([reached(0.5), failed]);
      if (${seek}) {
        video.currentTime = 20;
        await Promise.race([reached(20.3), failed]);
      }
      return {
        time: video.currentTime, duration: video.duration, error: video.error?.message ?? window.problem,
        size: video.videoWidth + "x" + video.videoHeight,
      };
    })()`),
      );

    for (const format of ["mp4", "webm"]) {
      it(`${format} plays while it is made, and at any place afterwards`, async () => {
        const path = `/a.mp4?tr=w-320,f-${format}`;
        const first = await play(path, false);
        assert.equal(first.error, undefined);
        assert.equal(first.size, "320x180");
        assert.ok(first.time >= 0.5);
        const held = await fetch(`${server.url}${path}`);
        await held.arrayBuffer();
        let kept = await fetch(`${server.url}${path}`, { method: "HEAD" });
        while (kept.headers.get("accept-ranges") === null) {
          kept = await fetch(`${server.url}${path}`, { method: "HEAD" });
        }
        const second = await play(path, true);
        assert.equal(second.error, undefined);
        assert.ok(Math.abs(second.duration - 30) < 0.2, String(second.duration));
        assert.ok(second.time >= 20.3);
      });
    }
  }),
);
