import assert from "node:assert/strict";
import { startOrigin, type WebOrigin } from "@mediatap/test";
import {
  type Browser,
  describeInBrowser,
  inPage,
  type Page,
  startChromium,
} from "../../../test/suites/support/chromium.ts";
import { sanitize } from "../src/sanitize.ts";
import { ATTACKS, CANARY, DOCUMENTS, document } from "./attacks.ts";

const RED = '<rect width="60" height="40" fill="red"/>';

describeInBrowser("svg-dompurify: attacks in Chromium", () => {
  let origin: WebOrigin;
  let browser: Browser;
  let page: Page;

  before(async function () {
    const started = await startChromium();
    if (!started) return this.skip();
    browser = started;
    origin = await startOrigin();
    page = await browser.newPage({});
  });
  after(async () => {
    await browser?.close();
    await origin?.close();
  });

  /** Opens a document without any policy that could help, follows its links, and says what it did. */
  async function open(svg: string, name: string) {
    origin.files.set(name, {
      // Every request of the document arrives here.
      bytes: Buffer.from(
        svg
          .replaceAll(CANARY, `${origin.url}/canary`)
          .replaceAll("//canary.invalid/", `${origin.url}/canary/`),
      ),
      headers: { "content-type": "image/svg+xml" },
    });
    await page.goto(`${origin.url}/${name}`);
    // Handlers that wait for a click or a movement, and links; what was requested before the last request has arrived by then.
    const touch = page.evaluate(
      inPage(`(async () => {
        for (const element of document.querySelectorAll("*")) {
          for (const type of ["click", "mouseover", "focusin", "focus"]) {
            element.dispatchEvent(new Event(type, { bubbles: true }));
          }
        }
        await new Promise(requestAnimationFrame);
        await fetch("/last");
      })()`),
    );
    // A page that navigated away has no result.
    await touch.catch(() => {});
    const ran = await page.evaluate<boolean>(
      inPage(`document.title === "ran" || document.documentElement.localName !== "svg"`),
    );
    const own = [`/${name}`, "/favicon.ico", "/last"];
    const requestedUrls = origin.requests.map(({ url = "" }) => url).filter((url) => !own.includes(url));
    (origin.requests as unknown[]).length = 0;
    return { ran, requestedUrls };
  }

  it("run before they are sanitised", async () => {
    const { ran } = await open(document(ATTACKS["a script"]?.[0] ?? ""), "before.svg");
    const { requestedUrls } = await open(document(ATTACKS["another document"]?.[0] ?? ""), "asks.svg");
    assert(ran, "the test sees scripts");
    assert.deepEqual(requestedUrls, ["/canary"], "the test sees requests");
  });

  for (const [what, attacks] of Object.entries(ATTACKS)) {
    it(`neither run nor request anything afterwards: ${what}`, async () => {
      const done = await open(
        sanitize(document(`${attacks.join("")}${RED}`)),
        `${what.replaceAll(" ", "-")}.svg`,
      );
      assert.deepEqual(done, { ran: false, requestedUrls: [] });
    });
  }

  for (const [what, text] of Object.entries(DOCUMENTS)) {
    it(`neither run nor request anything afterwards: ${what}`, async () => {
      const done = await open(sanitize(text), `${what.replaceAll(" ", "-")}.svg`);
      assert.deepEqual(done, { ran: false, requestedUrls: [] });
    });
  }
});
