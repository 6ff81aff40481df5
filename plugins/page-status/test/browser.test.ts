import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import { makePng, startOrigin, startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import {
  type Browser,
  describeInBrowser,
  inPage,
  type Page,
  startChromium,
} from "../../../test/suites/support/chromium.ts";
import { pageStatus } from "../src/index.ts";

describeInBrowser("the status page in Chromium", () => {
  let origin: WebOrigin;
  let server: TestServer;
  let browser: Browser;
  let page: Page;
  let closed = false;
  const errors: string[] = [];

  before(async function () {
    const started = await startChromium();
    if (!started) return this.skip();
    browser = started;
  });
  after(() => browser?.close());

  beforeEach(async () => {
    origin = await startOrigin({
      "a.png": makePng(60, 40, () => [200, 30, 30, 255]),
      "broken.png": { answer: (_, response) => response.writeHead(500).end() },
    });
    const config: MediatapConfig = {
      plugins: [urlImagekit(), storageWeb(), imageSharp(), cacheMemory(), pageStatus()],
      origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
      endpoints: { default: { origins: ["site"] } },
      limits: { breakerRequests: 1, breakerRate: 1, breakerOpen: 60_000 },
    };
    server = await startServer(config);
    closed = false;
    errors.length = 0;
    page = await browser.newPage({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(error.message));
  });
  afterEach(async () => {
    await page?.close();
    if (!closed) await server?.close();
    await origin?.close();
  });

  const until = (code: string) => page.waitForFunction(inPage(code));
  const isLive = `document.getElementById("live-text").textContent === "Live"`;

  it("shows figures that move by themselves", async () => {
    await page.goto(`${server.url}/-/status`);
    await until(isLive);
    assert.match(String(await page.textContent("#rate-note")), /0 in all$/);
    assert.match(String(await page.textContent("#origins")), /siteWEB_FOLDERnot requested yetavailable/);
    assert.match(String(await page.textContent("#failures")), /^None/);
    assert.match(String(await page.textContent("#work-note")), /^0 of \d+ at once$/);
    assert.match(String(await page.textContent("#memory")), /^\d[\d.]* (?:MB|GB)$/);
    for (let i = 0; i < 4; i++) await server.ask("/tr:w-20/a.png");
    await until(`document.getElementById("ratio").textContent === "75%"`);
    assert.match(String(await page.textContent("#rate-note")), /4 in all$/);
    assert.match(String(await page.textContent("#p50")), /^\d.* ms$/);
    const heights = await page.evaluate<number[]>(
      inPage(`["all", "hit"].map((id) => document.getElementById(id).getBBox().height)`),
    );
    for (const height of heights) assert.ok(height > 50, String(heights));
    assert.match(String(await page.textContent("#axis-top")), /^[125]0*\/s$/);
    assert.match(String(await page.textContent("#failed-note")), /^none/);
    assert.deepEqual(errors, []);
  });

  it("shows an origin that fails, and what failed", async () => {
    await server.ask("/broken.png?token=s3cret");
    await page.goto(`${server.url}/-/status`);
    await until(`document.querySelector("#origins .pill.open") !== null`);
    assert.match(String(await page.textContent("#origins")), /failed 1×skipped/);
    assert.match(String(await page.textContent("#failures")), /UNIDENTIFIED.*\(site\)broken\.png/);
    // The client got a 404; to the operator it is a failure.
    await until(`document.getElementById("failed").textContent === "100%"`);
    assert.match(String(await page.textContent("#failed-note")), /^1 in the last minute$/);
    const [figure, height] = await page.evaluate<[string, number]>(
      inPage(
        `[getComputedStyle(document.getElementById("failed")).color, document.getElementById("error").getBBox().height]`,
      ),
    );
    assert.equal(figure, "rgb(179, 38, 30)");
    assert.ok(height > 50, String(height));
    assert.doesNotMatch(await page.evaluate<string>(inPage("document.body.innerText")), /s3cret/);
    assert.deepEqual(errors, []);
  });

  it("fits a phone", async () => {
    await page.close();
    page = await browser.newPage({ viewport: { width: 320, height: 800 }, reducedMotion: "reduce" });
    await page.goto(`${server.url}/-/status`);
    await until(isLive);
    assert.equal(await page.evaluate(inPage("document.documentElement.scrollWidth")), 320);
  });

  it("says so when the server is gone", async () => {
    await page.goto(`${server.url}/-/status`);
    await until(isLive);
    await server.close();
    closed = true;
    await until(`document.getElementById("live-text").textContent === "The server does not respond"`);
    assert.equal(await page.evaluate(inPage(`document.querySelector("main").className`)), "stale");
  });
});
