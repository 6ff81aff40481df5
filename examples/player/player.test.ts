import assert from "node:assert/strict";
import { join } from "node:path";
import { startServer, type TestServer } from "@mediatap/test";
import {
  type Browser,
  describeInBrowser,
  inPage,
  startChromium,
} from "../../test/suites/support/chromium.ts";
import config from "./mediatap.config.ts";
import { pagePlayer } from "./page.ts";

/** The players are installed for tests only. */
const INSTALLED = new URL("../../test/services/package.json", import.meta.url);

describeInBrowser("example: a player", () => {
  let server: TestServer;
  let browser: Browser;
  before(async function () {
    const started = await startChromium();
    if (!started) return this.skip();
    browser = started;
    server = await startServer({
      ...config,
      plugins: [pagePlayer({ video: "tour.mp4", from: INSTALLED })],
      origins: { videos: { type: "FOLDER", path: join(import.meta.dirname, "../start/media") } },
    });
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  for (const player of ["hls", "shaka", "native"]) {
    it(`plays, and goes on from another place (${player})`, async () => {
      const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      await page.goto(`${server.url}/#${player}`);
      const video = `document.getElementById("video")`;
      const within = { timeout: 60_000 };
      await page.waitForFunction(inPage(`${video}.readyState >= 2`), undefined, within);
      await page.evaluate(inPage(`${video}.play()`));
      await page.waitForFunction(inPage(`${video}.currentTime > 0.5`), undefined, within);
      const end = await page.evaluate<number>(inPage(`${video}.duration`));
      await page.evaluate(inPage(`void (${video}.currentTime = ${end - 1.5})`));
      await page.waitForFunction(inPage(`${video}.ended`), undefined, within);
      assert.deepEqual(errors, []);
      assert.equal(await page.evaluate(inPage(`${video}.error`)), null);
      assert.doesNotMatch(String(await page.textContent("#said")), /failed/);
      await page.close();
    });
  }
});
