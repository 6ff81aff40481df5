import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { freePort, until } from "@mediatap/test";
import { assertAccessible } from "../../../test/suites/support/axe.ts";
import { describeInBrowser, type Page } from "../../../test/suites/support/chromium.ts";
import { pageSuite } from "../../../test/suites/support/page-suite.ts";

const ROOT = new URL("../../../", import.meta.url);

/** The server as `npm start` runs it. */
async function start(): Promise<{ url: string; close(): Promise<void> }> {
  const port = await freePort();
  const child: ChildProcess = spawn(
    process.execPath,
    ["presets/mediatap/bin/mediatap.js", "serve", "--config", "examples/start/mediatap.config.ts"],
    {
      cwd: fileURLToPath(ROOT),
      env: { ...process.env, PORT: String(port) },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let said = "";
  child.stdout?.on("data", (data) => {
    said += data;
  });
  child.stderr?.on("data", (data) => {
    said += data;
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = `http://localhost:${port}`;
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the server ended: ${said}`);
    return (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok;
  }, "it is ready");
  const close = () => {
    child.kill("SIGTERM");
    return exited;
  };
  return { url, close };
}

describeInBrowser("the start page in Chromium", () => {
  const browser = pageSuite(start);
  const { until, run } = browser;
  let page: Page;
  let server: Awaited<ReturnType<typeof start>>;

  beforeEach(async () => {
    ({ page, started: server } = browser);
    await page.goto(server.url);
    await settled();
  });

  /** The answer to the URL in the field is on the page. */
  const settled = () =>
    until(
      `document.getElementById("editor").ariaBusy === "false"
        && (document.getElementById("format").textContent !== "–" || document.querySelector(".failed"))
        && location.hash === "#" + document.getElementById("url").value`,
    );

  const type = async (url: string) => {
    await page.fill("#url", url);
    await page.press("#url", "Enter");
    await settled();
  };

  const pixels = (selector: string) =>
    run<number[]>(
      `(({ naturalWidth, naturalHeight, hidden }) => hidden ? [] : [naturalWidth, naturalHeight])(document.querySelector("${selector}"))`,
    );

  it("shows original and result, decoded, with what they cost", async () => {
    assert.deepEqual(await pixels("#before-image"), [3840, 2160]);
    assert.deepEqual(await pixels("#after-image"), [720, 480]);
    assert.match(String(await page.textContent("#saved")), /^9\d%$/);
    assert.match(String(await page.textContent("#bytes")), /^733 kB → [\d.]+ kB$/);
    assert.equal(await page.textContent("#type"), "image/webp");
    assert.match(String(await page.textContent("#phases")), /transformation/);
    assert.match(String(await page.textContent("#headers")), /^cache-status: /m);
  });

  it("shows every sample as a picture made by its URL", async () => {
    await run(`document.querySelectorAll(".card img").forEach((image) => { image.loading = "eager"; })`);
    await until(
      `[...document.querySelectorAll(".card img")].every((image) => image.complete && image.naturalWidth)`,
    );
    const sizes = await run<number[][]>(
      `[...document.querySelectorAll(".card img")].map((image) => [image.naturalWidth, image.naturalHeight])`,
    );
    assert.ok(sizes.length >= 6);
    assert.deepEqual(sizes[0], [720, 480]);
    for (const size of sizes.slice(1)) assert.deepEqual(size, [480, 320]);
  });

  it("follows an edit of the URL", async () => {
    await type("/tr:w-300,h-200,f-png/fig.jpg");
    assert.deepEqual(await pixels("#after-image"), [300, 200]);
    assert.deepEqual(await pixels("#before-image"), [2572, 1740]);
    assert.equal(await page.textContent("#type"), "image/png");
  });

  it("writes the URL by its chips", async () => {
    await page.click('[data-text="w-240"]');
    await settled();
    assert.deepEqual(await pixels("#after-image"), [240, 160]);
    await page.click('[data-text="ar-1-1"]');
    await settled();
    assert.deepEqual(await pixels("#after-image"), [240, 240]);
    assert.equal(await run(`document.querySelector('[data-text="ar-3-2"]').ariaPressed`), "false");
  });

  it("takes the second answer to one URL from the cache", async () => {
    await type("/tr:w-333/stream.jpg");
    assert.equal(await page.textContent("#cache"), "Miss");
    assert.equal(await page.textContent("#cache-status"), "made for this request, now stored");
    await page.click(".main");
    await until(`document.getElementById("cache").textContent === "Hit"`);
    assert.doesNotMatch(String(await page.textContent("#cache-status")), /mediatap;/);
    assert.match(String(await page.textContent("#headers")), /cache-status: mediatap; /);
  });

  it("opens with the URL in its fragment, and follows that", async () => {
    await page.goto(`${server.url}/#/tr:w-222/fig.jpg`);
    await until(`document.getElementById("after-image").naturalWidth === 222`);
    await run(`location.hash = "#/tr:w-111/fig.jpg"`);
    await until(`document.getElementById("after-image").naturalWidth === 111`);
    await page.click('nav a[href="#files-title"]');
    assert.equal(await run(`document.getElementById("url").value`), "/tr:w-111/fig.jpg");
  });

  it("lays pictures of one shape over each other", async () => {
    assert.equal(await page.isVisible("#view"), false);
    await type("/tr:w-600,q-10/dandelion.jpg");
    await page.click("#view");
    assert.equal(await page.isVisible("#slide"), true);
    await page.press("#slide", "ArrowRight");
    assert.match(await run<string>(`document.getElementById("stage").style.cssText`), /--cut: ?50\.1%/);
  });

  it("offers the slider for a small picture, too, whose sides were rounded", async () => {
    await type("/tr:w-20/fig.jpg");
    assert.equal(await page.isVisible("#view"), true);
    await type("/tr:w-20,h-20/fig.jpg");
    assert.equal(await page.isVisible("#view"), false);
  });

  it("goes back to the URL before the last edit, however it was made", async () => {
    await type("/tr:w-100/fig.jpg");
    await page.click('[data-text="rt-90"]');
    await settled();
    await page.fill("#url", "");
    // Letter by letter: one edit, not thirteen.
    await page.type("#url", "/tr:w-50/dogs.jpg");
    await until(`document.getElementById("after-image").naturalWidth === 50`);
    await page.goBack();
    await until(`document.getElementById("url").value === "/tr:w-100,rt-90/fig.jpg"`);
    await until(`document.getElementById("after-image").naturalWidth === 68`);
    await page.goBack();
    await until(`document.getElementById("after-image").naturalWidth === 100`);
    await page.goBack();
    await until(`document.getElementById("after-image").naturalWidth === 720`);
  });

  it("shows nothing of the URL before when the field is emptied", async () => {
    await type("/tr:w-200/nothing.jpg");
    assert.equal(await page.isVisible("#problem"), true);
    await page.fill("#url", "");
    await until(`document.getElementById("editor").classList.contains("blank")`);
    assert.equal(await page.isVisible("#problem"), false);
    assert.equal(await page.isVisible("#stage"), false);
    await type("/tr:w-200/fig.jpg");
    assert.equal((await pixels("#after-image"))[0], 200);
  });

  it("shows what the URL of another server would be here", async () => {
    await page.fill("#url", "https://ik.imagekit.io/demo/tr:w-150/fig.jpg?v=1");
    await page.press("#url", "Enter");
    await until(`!document.getElementById("problem").hidden`);
    assert.match(
      String(await page.textContent("#problem")),
      /This is a URL of ik\.imagekit\.io\..* its URL here is \/tr:w-150\/fig\.jpg\?v=1/,
    );
    await page.click("#problem button");
    await until(`document.getElementById("after-image").naturalWidth === 150`);
    assert.equal(await page.isVisible("#problem"), false);
  });

  for (const width of [320, 390, 768, 1440]) {
    it(`fits a window of ${width} pixels, with samples and a player`, async () => {
      await page.setViewportSize({ width, height: 800 });
      await until(`document.querySelector(".player")`);
      const outside = await run<string[]>(`[...document.querySelectorAll("body *:not(.chips *)")]
        .filter((node) => node.checkVisibility() && node.getBoundingClientRect().right > innerWidth + 1)
        .map((node) => node.tagName + "." + node.className).slice(0, 3)`);
      assert.deepEqual(outside, []);
      assert.equal(await run("document.documentElement.scrollWidth"), width);
    });
  }

  it("is accessible, in light and dark", async () => {
    await until(`document.querySelector(".player") && document.querySelector("#items li")`);
    await assertAccessible(page);
  });

  it("shows a text file as text", async () => {
    await type("/palette.json");
    assert.match(String(await page.textContent("#after-text")), /Each photograph reduced/);
    assert.deepEqual(await pixels("#after-image"), []);
  });

  it("says what is wrong with a bad URL, and goes on", async () => {
    await type("/tr:w-abc/fig.jpg");
    assert.match(String(await page.textContent("#problem")), /^400EINVAL.*'abc'/);
    for (const id of ["format", "cache"]) assert.equal(await page.textContent(`#${id}`), "–");
    assert.equal(await page.textContent("#type"), "");
    assert.equal(await page.isVisible("#after-image"), false);
    await type("/tr:w-200/nothing.jpg");
    assert.match(String(await page.textContent("#problem")), /^404ENOENT/);
    await type("/tr:w-200/fig.jpg");
    assert.equal(await page.isVisible("#problem"), false);
    assert.equal((await pixels("#after-image"))[0], 200);
  });
});
