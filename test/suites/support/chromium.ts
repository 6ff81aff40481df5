import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const SERVICES = new URL("../../services/package.json", import.meta.url);
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

export type InPage = () => unknown;

/** Code for the page; as a string it would be evaluated there, which a page's policy may forbid. */
export const inPage = (code: string) => new Function(`return ${code}`) as InPage;

/** The little of playwright-core that is used here: it is not installed with the workspace. */
export interface Page {
  goto(url: string): Promise<unknown>;
  fill(selector: string, text: string): Promise<void>;
  click(selector: string): Promise<void>;
  press(selector: string, key: string): Promise<void>;
  textContent(selector: string): Promise<string | null>;
  isVisible(selector: string): Promise<boolean>;
  goBack(): Promise<unknown>;
  goForward(): Promise<unknown>;
  dragAndDrop(from: string, to: string): Promise<void>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  emulateMedia(media: { colorScheme: "light" | "dark" }): Promise<void>;
  type(selector: string, text: string): Promise<void>;
  waitForFunction(code: InPage, argument?: undefined, options?: { timeout: number }): Promise<unknown>;
  evaluate<T>(code: InPage): Promise<T>;
  screenshot(options: object): Promise<unknown>;
  close(): Promise<void>;
  on(event: "response", listener: (response: PageResponse) => void): void;
  on(event: string, listener: (said: { text(): string; type(): string; message: string }) => void): void;
}

export interface PageResponse {
  url(): string;
  body(): Promise<Buffer>;
}

export interface Browser {
  newPage(options: object): Promise<Page>;
  close(): Promise<void>;
}

interface Playwright {
  chromium: { launch(options: object): Promise<Browser> };
}

/** Chromium without a window. Where it is missing one line says so, and nothing is returned; with `CI=true` it throws. */
export async function startChromium(): Promise<Browser | undefined> {
  const found = playwright();
  if (typeof found !== "string") {
    return found.chromium.launch({
      executablePath: CHROMIUM,
      chromiumSandbox: false,
      args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    });
  }
  if (process.env.CI === "true") throw new Error(found);
  console.log(`    skipped: ${found}`);
  return undefined;
}

/** Tests that were reported as run again. */
const reported = new WeakSet<object>();

/**
 * A suite that drives Chromium. Its network stack, decoders and compositor drop work on a machine that is busy, and nothing
 * in a test can wait for that: a test that fails runs again, once, and one line reports it. No other suite may do so.
 */
export function describeInBrowser(title: string, suite: (this: Mocha.Suite) => void): void {
  describe(title, function () {
    this.retries(1);
    afterEach(function () {
      const test = this.currentTest;
      // A test that is about to run again has no state yet.
      if (!test || test.state !== undefined || reported.has(test)) return;
      reported.add(test);
      console.log(`Failed in the browser, runs again: ${test.fullTitle()}`);
    });
    suite.call(this);
  });
}

/** What is missing for a browser, in one line, or playwright. */
function playwright(): Playwright | string {
  if (!existsSync(CHROMIUM))
    return `no Chromium at ${CHROMIUM}: apt-get install chromium, or name one in CHROMIUM`;
  try {
    return createRequire(SERVICES)("playwright-core") as Playwright;
  } catch {
    return "playwright-core is not installed: npm ci --prefix test/services";
  }
}
