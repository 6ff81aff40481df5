import assert from "node:assert/strict";
import { join } from "node:path";
import { bodyOf, MediaError, type PlanResult, type Plugin } from "@mediatap/core";
import { stateSqlite } from "@mediatap/state-sqlite";
import { makeFolder, memoryStorage } from "@mediatap/test";
import { warm } from "@mediatap/warm";
import { webhooks } from "@mediatap/webhooks";
import { assertAccessible } from "../../../test/suites/support/axe.ts";
import { describeInBrowser, type Page } from "../../../test/suites/support/chromium.ts";
import { type Receiver, startReceiver } from "../../webhooks/test/receiver.ts";
import { inBrowser } from "./browser.ts";
import { KEY, startConsole } from "./support.ts";

describeInBrowser("the pages Purge and Warm in Chromium", () => {
  const browser = inBrowser(async () => {
    const folder = await makeFolder();
    const console = await startConsole(
      {},
      { plugins: [warm(), stateSqlite({ path: join(folder.path, "state.sqlite") })] },
    );
    return {
      ...console,
      async close() {
        await console.close();
        await folder.close();
      },
    };
  });
  const { until, run, text, open, assertFits } = browser;
  let page: Page;
  beforeEach(() => {
    page = browser.page;
  });

  it("counts what a purge would remove, and lists purges of everybody", async () => {
    const { server } = browser.started;
    for (const width of [31, 32, 33]) await server.ask(`/tr:w-${width}/a.png`);
    await open("/purge");
    await until(`document.querySelector(".purge") && document.querySelector(".empty")`);
    await page.click('.choices input[value="source"]');
    await page.click(".purge-row .outlined");
    assert.equal(await text("#purge-error"), "Enter a path.");
    await page.fill("#purge-value", "a.png");
    await page.click(".purge-row .outlined");
    await until(`document.querySelector(".preview-count")`);
    assert.match(await text(".preview-count"), /^Would remove 3 renditions [\d.]+ k?B Memory: 3$/);
    await assertAccessible(page);
    assert.match((await server.ask("/tr:w-31/a.png")).headers["cache-status"] ?? "", /; hit/);
    await page.click(".purge-row .main");
    await until(`document.querySelector(".purged .pill.good")?.textContent === "completed"`);
    await until(`document.querySelector(".earlier")`);
    assert.match(await text(".earlier"), /^the source a\.png /);
    await assertAccessible(page);
    await page.fill("#purge-value", "a.png");
    await page.click(".purge-row .outlined");
    await until(`document.querySelector(".preview-count")?.innerText.includes("Would remove 0 renditions")`);
  });

  it("renders URLs, and shows how far it is and what failed", async () => {
    const { server } = browser.started;
    await open("/warm");
    await until(`document.querySelector(".empty h2")?.textContent === "No batches yet"`);
    await assertAccessible(page);
    await page.click(".purge .main");
    assert.equal(await text("#warm-error"), "Enter a URL.");
    await page.fill("#warm-urls", "/tr:w-41/a.png\n\n/tr:w-oops/a.png\n");
    await page.click(".choices label:nth-child(2)");
    await page.click(".purge-row .outlined");
    await until(`document.querySelector(".preview-count")`);
    assert.match(await text(".preview-count"), /^Would render 1 of 2 URLs 0 cached, 1 .* EINVAL Expected/);
    await assertAccessible(page);
    assert.equal(await text(".empty h2"), "No batches yet");
    await page.click(".purge .main");
    await until(`document.querySelector(".batch .pill.bad")`);
    assert.match(await text(".batch-head"), /^2 URLs 1 rendered, 1 failed /);
    for (const accept of ["image/avif,image/webp,*/*", "image/webp,*/*"]) {
      const { headers } = await server.ask("/tr:w-41/a.png", { headers: { accept } });
      assert.match(headers["cache-status"] ?? "", /; hit/, accept);
    }
    await page.click(".batch summary");
    await assertAccessible(page);
    assert.match(await text(".batch-errors"), /\/tr:w-oops\/a\.png EINVAL/);
    await page.click(".batch-errors a");
    await until(`document.querySelector("#url")?.value === "/tr:w-oops/a.png"`);
  });

  it("says what purging and warming needs, and signs in for it", async () => {
    const own = await startConsole({ open: true }, { plugins: [warm()] });
    try {
      await page.goto(`${own.server.url}/-/console/warm`);
      await until(`document.querySelector(".locked")`);
      assert.match(await text(".locked"), /^Sign in to render URLs Without a key, this console only shows\./);
      await page.goto(`${own.server.url}/-/console/purge`);
      await until(`document.querySelector(".locked")`);
      assert.match(await text(".locked"), /^Sign in to purge /);
      await assertAccessible(page);
      await page.fill("#purge-value", "/tr:w-41/a.png");
      await page.press("#purge-value", "Enter");
      await until(`document.querySelector(".preview-count")`);
      await page.click(".locked button");
      await page.fill("#key", KEY);
      await page.press("#key", "Enter");
      await until(`document.querySelector(".purge .main")?.textContent === "Purge URL"`);
      assert.equal(await run(`document.querySelector(".locked")`), null);
    } finally {
      await page.goto("about:blank");
      await own.close();
    }
  });

  it("says that warm is not installed", async () => {
    const own = await startConsole();
    try {
      await open("/warm");
      await page.goto(`${own.server.url}/-/console/warm`);
      await until(`document.querySelector(".empty h2")?.textContent === "Nothing can be warmed here"`);
      await assertAccessible(page);
    } finally {
      await page.goto("about:blank");
      await own.close();
    }
  });

  for (const width of [320, 1920]) {
    it(`fits a window of ${width} pixels`, async () => {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme: "dark" });
      await open("/warm");
      await until(`document.querySelector(".batch")`);
      await assertFits();
      await assertAccessible(page);
      await page.goto(`${browser.started.server.url}/-/console/purge`);
      await until(`document.querySelector(".earlier")`);
      await assertFits();
      await assertAccessible(page);
    });
  }
});

/** An engine for `.mp4`, of which `broken.mp4` is damaged. */
const videos: Plugin = {
  name: "test-videos",
  version: "1.0.0",
  apiVersion: 1,
  apply({ hooks }) {
    hooks.transform.tap("test-videos", ({ asset, transformation }) => {
      if (!transformation.output.video) return undefined;
      const run = async (): Promise<PlanResult> => {
        if (asset.path === "broken.mp4") throw new MediaError("UNIDENTIFIED", "The video is damaged");
        const body = bodyOf(Buffer.from("a video"));
        return { body, type: "video/mp4", format: "mp4" };
      };
      return { engine: "test-videos", lane: "video", cost: 1, memory: 0, explain: () => ({}), run };
    });
  },
};

describeInBrowser("the page Videos in Chromium", () => {
  let receiver: Receiver;
  before(async () => {
    receiver = await startReceiver();
  });
  after(() => receiver?.close());
  const browser = inBrowser(() =>
    startConsole(
      {},
      {
        plugins: [
          videos,
          memoryStorage(new Map(["clip.mp4", "broken.mp4"].map((name) => [name, Buffer.from(name)]))),
          webhooks({
            url: receiver.url,
            secret: Buffer.from("a secret of this test").toString("base64"),
            retries: 0,
            events: ["video.transformation.ready"],
          }),
        ],
        origins: { files: { type: "MEMORY" } },
        endpoints: { default: { origins: ["files"], privateKey: KEY } },
        tenants: {},
      },
    ),
  );
  const { until, text, open, assertFits } = browser;

  it("shows renders, failures and the queue, and sends a webhook again", async () => {
    const { page } = browser;
    const { server } = browser.started;
    await open("/videos");
    await until(`document.querySelector(".empty h2")?.textContent === "No videos yet"`);
    await assertAccessible(page);
    receiver.answers.push({ status: 500 });
    assert.equal((await server.ask("/clip.mp4?tr=w-100")).status, 200);
    assert((await server.ask("/broken.mp4?tr=w-100")).status >= 400);
    assert.equal((await server.ask("/clip.mp4/ik-seg-360-0.m4s?tr=sr-360")).status < 500, true);
    await until(`document.querySelectorAll(".video-render").length >= 2`);
    assert.match(await text(".totals"), /Failures 1 Running now 0 Queue 0/);
    await page.click(".segments button:last-child");
    await until(`document.querySelectorAll(".video-render").length === 1`);
    assert.match(await text(".video-render"), /^broken\.mp4 .*UNIDENTIFIED: The video is damaged/);
    await until(`document.querySelector(".delivery .pill.bad")`);
    assert.match(
      await text(".delivery"),
      /^failed ready clip\.mp4 127\.0\.0\.1:\d+: status 500 .* Send again$/,
    );
    await assertAccessible(page);
    await page.click(".delivery button");
    await until(`document.querySelector(".delivery .pill.good")?.textContent === "delivered"`);
    assert.equal(receiver.calls.length, 2);
    await page.emulateMedia({ colorScheme: "dark" });
    await assertAccessible(page);
    for (const width of [320, 1920]) {
      await page.setViewportSize({ width, height: 800 });
      await assertFits();
    }
  });
});
