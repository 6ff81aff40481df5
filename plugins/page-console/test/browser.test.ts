import assert from "node:assert/strict";
import { sign } from "@mediatap/url-imagekit";
import { assertAccessible } from "../../../test/suites/support/axe.ts";
import {
  type Browser,
  describeInBrowser,
  inPage,
  type Page,
  startChromium,
} from "../../../test/suites/support/chromium.ts";
import { type Console, KEY, startConsole } from "./support.ts";

describeInBrowser("the console in Chromium", () => {
  let console: Console;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  before(async function () {
    const started = await startChromium();
    if (!started) return this.skip();
    browser = started;
    console = await startConsole();
  });
  after(async () => {
    await browser?.close();
    await console?.close();
  });

  beforeEach(async () => {
    errors.length = 0;
    page = await browser.newPage({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
    page.on("console", (message) => {
      // A refused sign-in is what a test asks for; violations of the policy are errors, too.
      if (message.type() === "error" && !/status of 401/.test(message.text())) errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(error.message));
  });
  afterEach(async () => {
    await page?.close();
    assert.deepEqual(errors, []);
  });

  const until = (code: string) => page.waitForFunction(inPage(code));
  const run = <T>(code: string) => page.evaluate<T>(inPage(code));
  const text = (selector: string) =>
    run<string>(`document.querySelector(${JSON.stringify(selector)}).innerText.replace(/\\s+/g, " ").trim()`);

  /** Opens a page of the console, signed in. */
  async function open(path: string): Promise<void> {
    await page.goto(`${console.server.url}/-/console${path}`);
    await until(`document.querySelector("#key")`);
    await page.fill("#key", KEY);
    await page.press("#key", "Enter");
    await until(`document.querySelector(".account button")`);
  }

  const inspected = (url: string) => `/inspect?${new URLSearchParams({ url })}`;
  /** The answer is there, and original and result if there is a result. */
  const settled = () =>
    until(`document.querySelector(".ask[aria-busy=false]") && document.querySelector(".verdict")`);

  it("asks for a key, says that one is wrong, and signs out again", async () => {
    await page.goto(`${console.server.url}/-/console`);
    await until(`document.activeElement?.id === "key"`);
    await assertAccessible(page);
    await page.press("#key", "Enter");
    assert.equal(await text("#key-error"), "Enter a private key.");
    await page.fill("#key", "private_wrong");
    await page.press("#key", "Enter");
    await until(`document.querySelector("#key-error").textContent.startsWith("No account")`);
    await page.fill("#key", KEY);
    await page.press("#key", "Enter");
    await until(`document.querySelector(".account button")`);
    assert.match(await text(".account"), /closed, default|default, closed/);
    assert.equal(await run("document.cookie"), "");
    await page.click(".account button");
    await until(`document.querySelector("#key")`);
  });

  it("shows the last requests, and inspects the one that is chosen", async () => {
    await console.server.ask("/tr:w-77/a.png");
    await open("/inspect");
    await until(`document.querySelector(".request")`);
    await assertAccessible(page);
    assert.match(await text(".request"), /^200 \/tr:w-77\/a\.png rendered/);
    await page.click(".request");
    await settled();
    assert.match(await text(".verdict h2"), /^\w+ · 77 × 51 · [\d.]+ k?B$/);
    await page.goBack();
    await until(`document.querySelector(".request") && !document.querySelector(".verdict")`);
  });

  it("shows what a URL gets: original beside result, time, caches, origins, plan and headers", async () => {
    await open(inspected(`/tr:w-300/a.png?v=${Math.random()}`));
    await settled();
    assert.equal(await text(".status strong"), "200");
    assert.match(await text(".saving strong"), /^[\d.]+ % saved$/);
    assert.match(await text(".timeline"), /Origin 1.*Download.*Plan.*Queue.*Transformation/);
    assert.match(
      await text(".journey"),
      /Endpoint default.*Signature none.*resize width 300.*Memory miss.*site found.*600 × 400.*image-sharp/,
    );
    assert.match(await text(".headers"), /cache-status/);
    const pictures = `[...document.querySelectorAll(".slider img")].map((image) => [image.alt, image.naturalWidth])`;
    assert.deepEqual(await run(pictures), [
      ["The result", 300],
      ["The original", 600],
    ]);
    await page.press(".slider input", "ArrowRight");
    assert.match(await run<string>(`document.querySelector(".slider").style.cssText`), /--cut: ?50\.5%/);
    await assertAccessible(page);
    await page.click(".stage .segments button:last-child");
    await until(`document.querySelectorAll(".sides img").length === 2`);
    // Again: this time it is in the cache.
    await page.click(".ask .main");
    await until(`document.querySelector(".tier .pill.good")?.textContent === "fresh"`);
    await settled();
    assert.match(await text("#time-title"), /served from a cache \(memory\)/);
  });

  it("asks as another client", async () => {
    await open(inspected("/tr:w-200/a.png"));
    await settled();
    assert.match(await text(".verdict h2"), /^WebP/);
    await page.click(".options .segments button:last-child");
    await until(`/^PNG|^JPEG/.test(document.querySelector(".verdict h2")?.textContent)`);
    assert.match(await run<string>("location.search"), /accept=basic/);
  });

  it("says what is wrong with a signature, and signs the URL", async () => {
    const wrong = `/closed/tr:w-60/a.png?v=2&ik-s=${sign("tr:w-60/a.png", KEY)}`;
    await open(inspected(wrong));
    await settled();
    assert.equal(await text(".status strong"), "401");
    assert.match(await text(".verdict"), /It was made without the query\./);
    await assertAccessible(page);
    await page.click(".sign button");
    await until(`document.querySelector(".status strong")?.textContent === "200"`);
    await settled();
    assert.match(await text(".journey"), /Signature valid/);
    assert.match(await run<string>(`document.getElementById("url").value`), /v=2&ik-s=[0-9a-f]{40}$/);
    assert.equal(await run(`document.querySelector(".sign")`), null);
  });

  it("shows an origin that failed, and an error of the URL", async () => {
    await open(inspected("/tr:w-60/broken.png"));
    await settled();
    assert.match(await text(".journey"), /site failed/);
    await page.fill("#url", "/tr:w-abc/a.png");
    await page.press("#url", "Enter");
    await until(`document.querySelector(".status strong")?.textContent === "400"`);
    assert.match(await text(".verdict h2"), /'abc'/);
    await page.fill("#url", "/shop/a.png");
    await page.press("#url", "Enter");
    await until(`document.querySelector(".status strong")?.textContent === "403"`);
    assert.match(await text(".verdict h2"), /another account/);
  });

  for (const width of [320, 390, 768, 1920]) {
    it(`fits a window of ${width} pixels`, async () => {
      await page.setViewportSize({ width, height: 800 });
      await open(inspected("/tr:w-300/a.png"));
      await settled();
      await until(`document.querySelector(".slider")`);
      const outside = await run<string[]>(`[...document.querySelectorAll("body *:not(nav *, code)")]
        .filter((node) => node.checkVisibility() && node.getBoundingClientRect().right > innerWidth + 1)
        .map((node) => node.tagName + "." + node.className).slice(0, 3)`);
      assert.deepEqual(outside, []);
      assert.equal(await run("document.documentElement.scrollWidth <= innerWidth"), true);
    });
  }
});
