import assert from "node:assert/strict";
import { type Browser, inPage, type Page, startChromium } from "../../../test/suites/support/chromium.ts";
import { type Console, KEY } from "./support.ts";

/** A page in Chromium for each test of a suite, and a console that the suite shares. */
export interface InBrowser {
  readonly console: Console;
  readonly page: Page;
  /** The server of this test ends before the page is left: that it is gone is no error then. */
  isLeft: boolean;
  /** Waits until code of the page is true. */
  until(code: string): Promise<unknown>;
  run<T>(code: string): Promise<T>;
  /** What is to be read in the first element that matches. */
  text(selector: string): Promise<string>;
  /** Opens a page of the console, signed in. */
  open(path: string): Promise<void>;
  /** Fails if an element exceeds the window. */
  assertFits(): Promise<void>;
}

/** Call in a suite. Without Chromium its tests are skipped; an error in the page, or a violation of its policy, fails the test. */
export function inBrowser(start: () => Promise<Console>): InBrowser {
  let console: Console;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  before(async function () {
    const started = await startChromium();
    if (!started) return this.skip();
    browser = started;
    console = await start();
  });
  after(async () => {
    await browser?.close();
    await console?.close();
  });

  beforeEach(async () => {
    errors.length = 0;
    own.isLeft = false;
    page = await browser.newPage({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
    page.on("console", (message) => {
      // Refusals are what some tests ask for; violations of the policy are errors, too.
      if (message.type() !== "error" || /status of (?:4\d\d|501)/.test(message.text())) return;
      if (own.isLeft && /net::ERR_/.test(message.text())) return;
      errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(error.message));
  });
  afterEach(async () => {
    await page?.close();
    assert.deepEqual(errors, []);
  });

  const until = (code: string) => page.waitForFunction(inPage(code));
  const run = <T>(code: string) => page.evaluate<T>(inPage(code));
  const own: InBrowser = {
    get console() {
      return console;
    },
    get page() {
      return page;
    },
    isLeft: false,
    until,
    run,
    text: (selector) =>
      run<string>(
        `document.querySelector(${JSON.stringify(selector)}).innerText.replace(/\\s+/g, " ").trim()`,
      ),
    async open(path) {
      await page.goto(`${console.server.url}/-/console${path}`);
      await until(`document.querySelector("#key")`);
      await page.fill("#key", KEY);
      await page.press("#key", "Enter");
      await until(`document.querySelector(".account button")`);
    },
    async assertFits() {
      const outside = await run<string[]>(`[...document.querySelectorAll("body *:not(nav *, code)")]
        .filter((node) => node.checkVisibility() && node.getBoundingClientRect().right > innerWidth + 1)
        .map((node) => node.tagName + "." + node.className).slice(0, 3)`);
      assert.deepEqual(outside, []);
      assert.equal(await run("document.documentElement.scrollWidth <= innerWidth"), true);
    },
  };
  return own;
}
