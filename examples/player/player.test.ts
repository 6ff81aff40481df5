import assert from "node:assert/strict";
import { join } from "node:path";
import { startServer, type TestServer } from "@mediatap/test";
import { assertAccessible } from "../../test/suites/support/axe.ts";
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
      assert.doesNotMatch(String(await page.textContent("#said")), /Failed/);
      await page.close();
    });
  }

  for (const player of ["hls", "shaka"]) {
    it(`shows which quality is chosen, and when it is there (${player})`, async () => {
      const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
      const within = { timeout: 60_000 };
      await page.goto(`${server.url}/#${player}`);
      await page.waitForFunction(
        inPage(`/^Playing/.test(document.getElementById("said").textContent)`),
        undefined,
        within,
      );
      const pressed = `document.querySelector("#rungs [aria-pressed=true]").textContent`;
      assert.equal(await page.evaluate(inPage(pressed)), "Auto");
      await page.click("#rungs button:last-child");
      assert.equal(await page.evaluate(inPage(pressed)), "720p");
      await page.evaluate(inPage(`document.getElementById("video").play()`));
      await page.waitForFunction(
        inPage(`document.getElementById("said").textContent === "Playing 720p"`),
        undefined,
        within,
      );
      assert.equal(
        await page.evaluate(inPage(`document.querySelector("[aria-current]").hash`)),
        `#${player}`,
      );
      assert.equal(await page.evaluate(inPage("document.documentElement.scrollWidth")), 390);
      await page.close();
    });
  }

  it("is accessible, in light and dark", async () => {
    const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
    await page.goto(`${server.url}/#shaka`);
    await page.waitForFunction(inPage(`/^Playing/.test(document.getElementById("said").textContent)`));
    await assertAccessible(page);
    await page.close();
  });
});
