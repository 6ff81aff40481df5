import assert from "node:assert/strict";
import { type Browser, inPage, type Page, startChromium } from "./chromium.ts";

/** A page in Chromium for each test of a suite, and something that the suite shares, such as a server. */
export interface PageSuite<S> {
  readonly started: S;
  readonly page: Page;
  /** The server of this test ends before the page is left: that it is gone is no error then. */
  isLeft: boolean;
  /** Waits until code of the page is true. */
  until(code: string): Promise<unknown>;
  run<T>(code: string): Promise<T>;
  /** What is to be read in the first element that matches. */
  text(selector: string): Promise<string>;
  /** Fails if an element exceeds the window. */
  assertFits(): Promise<void>;
}

/**
 * Call in a suite. Without Chromium its tests are skipped; an error in the page, or a violation of its policy, fails the test. Refusals
 * of the server are none: they are what some tests ask for, and a busy machine may refuse a picture that nobody waits for.
 */
export function pageSuite<S extends { close(): Promise<unknown> }>(
  start: () => Promise<S>,
  { width = 1280 }: { readonly width?: number } = {},
): PageSuite<S> {
  let started: S;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  before(async function () {
    const found = await startChromium();
    if (!found) return this.skip();
    browser = found;
    started = await start();
  });
  after(async () => {
    await browser?.close();
    await started?.close();
  });

  beforeEach(async () => {
    errors.length = 0;
    own.isLeft = false;
    page = await browser.newPage({ viewport: { width, height: 900 }, reducedMotion: "reduce" });
    page.on("console", (message) => {
      if (message.type() !== "error" || /status of (?:4\d\d|501|503)/.test(message.text())) return;
      if (own.isLeft && /net::ERR_/.test(message.text())) return;
      errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(error.message));
  });
  afterEach(async () => {
    await page?.close();
    assert.deepEqual(errors, []);
  });

  const run = <T>(code: string) => page.evaluate<T>(inPage(code));
  const own: PageSuite<S> = {
    get started() {
      return started;
    },
    get page() {
      return page;
    },
    isLeft: false,
    until: (code) => page.waitForFunction(inPage(code)),
    run,
    text: (selector) =>
      run<string>(
        `document.querySelector(${JSON.stringify(selector)}).innerText.replace(/\\s+/g, " ").trim()`,
      ),
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
