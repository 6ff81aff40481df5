import assert from "node:assert/strict";
import { LAYER_KEYS, PARAMETERS } from "../../plugins/url-imagekit/src/parameters.ts";
import { assertAccessible } from "../../test/suites/support/axe.ts";
import {
  type Browser,
  describeInBrowser,
  inPage,
  startChromium,
} from "../../test/suites/support/chromium.ts";
import { serveExample } from "../serve.ts";
import { sections, urlOf } from "./sheet.ts";

/** Words of the language that no picture can show: they need a model of the service, or are about video. */
const ELSEWHERE = new Set([
  ..."c2pa vc ac so eo du sr spd vol lang lso leo ldu fol fsh".split(" "),
  ..."bgremove removedotbg changebg dropshadow edit retouch upscale genvar"
    .split(" ")
    .map((key) => `e-${key}`),
]);

const shots = sections.flatMap((section) => section.shots);

describe("example: a contact sheet", function () {
  // More than a hundred pictures, on a machine that others use.
  this.timeout(300_000);
  let server: Awaited<ReturnType<typeof serveExample>>;
  before(async () => {
    server = await serveExample(import.meta.dirname);
  });
  after(() => server.close());

  it("leaves no word of the language out", () => {
    const said = shots.flatMap(([transformation]) => transformation.split(/[:,]/));
    const missing = [...Object.keys(PARAMETERS), ...LAYER_KEYS].filter(
      (key) => !ELSEWHERE.has(key) && !said.some((word) => word === key || word.startsWith(`${key}-`)),
    );
    assert.deepEqual(missing, []);
  });

  it("shows each picture once", () => {
    assert.equal(new Set(shots.map(urlOf)).size, shots.length);
  });

  describeInBrowser("in Chromium", () => {
    let browser: Browser;
    before(async function () {
      const started = await startChromium();
      if (!started) return this.skip();
      browser = started;
    });
    after(() => browser?.close());

    it("shows all pictures, and says of each how large it is", async () => {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      const errors: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") errors.push(message.text());
      });
      page.on("pageerror", (error) => errors.push(error.message));
      await page.goto(server.url);
      await page.evaluate(
        inPage('document.querySelectorAll("img").forEach((image) => { image.loading = "eager"; })'),
      );
      await page.waitForFunction(
        inPage("[...document.images].every(({ complete }) => complete)"),
        undefined,
        {
          timeout: 240_000,
        },
      );
      const seen = await page.evaluate<{ url: string; width: number; said: string }[]>(
        inPage(`[...document.querySelectorAll("figure")].map((figure) => {
          const image = figure.querySelector("img");
          const said = figure.querySelector("output").textContent;
          return { url: image.getAttribute("src"), width: image.naturalWidth, said };
        })`),
      );
      assert.deepEqual(
        seen.filter(({ width }) => width === 0).map(({ url }) => url),
        [],
        "pictures that are not there",
      );
      assert.deepEqual(
        seen.map(({ url }) => url),
        shots.map(urlOf),
      );
      for (const { url, width, said } of seen)
        assert.match(said, new RegExp(`^${width} × \\d+ · [\\d.]+ kB$`), url);
      assert.deepEqual(errors, []);
      await page.close();
    });

    it("finds pictures by words, fits a phone, and is accessible", async () => {
      const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
      await page.goto(server.url);
      await page.fill("#search", "fo-face");
      const found = await page.evaluate<string[]>(
        inPage(
          `[...document.querySelectorAll("figure:not([hidden]) code")].map(({ textContent }) => textContent)`,
        ),
      );
      assert.ok(found.length > 2 && found.every((text) => text.includes("fo-face")), String(found));
      assert.equal(await page.evaluate(inPage("document.documentElement.scrollWidth")), 390);
      await assertAccessible(page);
      await page.fill("#search", "no such word");
      assert.equal(await page.textContent("#none"), "Nothing found");
      await page.fill("#search", "");
      assert.equal(await page.evaluate(inPage(`document.querySelectorAll("figure[hidden]").length`)), 0);
      await page.close();
    });
  });
});
