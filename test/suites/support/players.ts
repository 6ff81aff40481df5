import { createRequire } from "node:module";
import { join } from "node:path";
import { describeWith, FFMPEG, makeFolder, type TestFolder, type TestServer } from "@mediatap/test";
import {
  type Browser,
  describeInBrowser,
  type InPage,
  inPage,
  type Page,
  startChromium,
} from "./chromium.ts";

const services = createRequire(new URL("../../services/package.json", import.meta.url));

/** Players are installed with what starts the browser. */
const installed = (script: string) => join(services.resolve("playwright-core"), "../..", script);

/** Scripts of players, by which globals `Hls` and `shaka` are there. */
export const HLS = "hls.js/dist/hls.min.js";
export const SHAKA = "shaka-player/dist/shaka-player.compiled.js";

interface Scripted extends Page {
  addScriptTag(options: { readonly path: string }): Promise<unknown>;
}

/** A page in which a video plays; in its code `video` is the element. */
export interface Playing {
  /** Opens it again, with the scripts of players, and runs code in it. */
  open(scripts: readonly string[], code: string): Promise<void>;
  evaluate<T>(code: string): Promise<T>;
  /** Waits until something holds in the page. */
  until(code: string): Promise<void>;
}

/** Starts a server for the videos that it makes in a folder. */
type Start = (folder: string) => Promise<TestServer>;

/** A suite of players in Chromium; skipped, as one line says, where that or ffmpeg is missing. */
export function describePlayers(title: string, start: Start, suite: (playing: Playing) => void): void {
  describeWith(FFMPEG, title, () =>
    describeInBrowser("in Chromium", () => {
      let folder: TestFolder | undefined;
      let server: TestServer | undefined;
      let browser: Browser | undefined;
      let page: Scripted | undefined;

      before(async function () {
        browser = await startChromium();
        if (!browser) return this.skip();
        folder = await makeFolder();
        server = await start(folder.path);
      });
      after(async () => {
        await browser?.close();
        await server?.close();
        await folder?.close();
      });
      afterEach(() => page?.close());

      const opened = () => {
        if (!page) throw new Error("no page is open");
        return page;
      };
      const evaluate = <T>(code: string) => opened().evaluate<T>(inPage(code) as InPage);
      suite({
        async open(scripts, code) {
          page = (await browser?.newPage({})) as Scripted;
          await page.goto(`${server?.url}/-/live`);
          for (const script of scripts) await page.addScriptTag({ path: installed(script) });
          await evaluate(`(() => { ${VIDEO} ${code} })()`);
        },
        evaluate,
        async until(code) {
          await opened().waitForFunction(inPage(code), undefined, { timeout: 60_000 });
        },
      });
    }),
  );
}

const VIDEO = `
  document.body.innerHTML = "<video muted playsinline></video>";
  const video = window.video = document.querySelector("video");
`;
