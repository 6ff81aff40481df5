import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { MediatapConfig } from "@mediatap/core";
import { info } from "@mediatap/info";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { stateSqlite } from "@mediatap/state-sqlite";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, makePng, type TestFolder } from "@mediatap/test";
import sharp from "sharp";
import { assertAccessible } from "../../../test/suites/support/axe.ts";
import { describeInBrowser, type Page } from "../../../test/suites/support/chromium.ts";
import type { PageConsoleOptions } from "../src/index.ts";
import { inBrowser } from "./browser.ts";
import { type Client, type Console, KEY, SHOP_KEY, signIn, startConsole } from "./support.ts";

/** Red grows from left to right. */
const photo = makePng(400, 200, (x) => [Math.floor((x * 255) / 399), 0, 0, 255]);

interface Files extends Console {
  readonly folder: TestFolder;
}

/** A console whose default endpoint has a folder, and an origin that lists nothing. */
async function startWithFiles(options: PageConsoleOptions = {}, more: MediatapConfig = {}): Promise<Files> {
  const folder = await makeFolder({
    "files/photo.png": photo,
    "files/text.txt": "a text",
    "files/broken.png": "no image",
    "files/tour.mp4/ik-thumbnail.jpg": "its URL would be a still of a video",
    "files/holidays/a & b.png": photo,
    "files/holidays/sea/c.png": photo,
    "shop/shop.png": photo,
  });
  const files = { type: "FOLDER", path: join(folder.path, "files"), checkSeconds: 3600 };
  const console = await startConsole(options, {
    origins: { files, site: { type: "WEB_FOLDER", baseUrl: "http://127.0.0.1:9" } },
    endpoints: {
      default: { origins: ["files", "site"], privateKey: KEY, manageFiles: true },
      closed: { origins: ["files"], privateKey: KEY, restrictUnsigned: "all" },
      web: { origins: ["site"], privateKey: KEY },
    },
    tenants: {
      shop: {
        origins: { files: { type: "FOLDER", path: join(folder.path, "shop") } },
        endpoints: { default: { origins: ["files"] } },
        privateKey: SHOP_KEY,
      },
    },
    ...more,
    plugins: [
      storageFs(),
      info(),
      manageImagekit(),
      stateSqlite({ path: join(folder.path, "state.sqlite") }),
      ...(more.plugins ?? []),
    ],
  });
  return {
    ...console,
    folder,
    async close() {
      await console.close();
      await folder.close();
    },
  };
}

interface Item {
  readonly name: string;
  readonly kind: string;
  readonly url?: string;
  readonly size?: number;
}

describe("page-console: the calls of Browse", () => {
  let files: Files;
  let client: Client;
  let shop: Client;
  before(async () => {
    files = await startWithFiles();
    client = await signIn(files.server);
    shop = await signIn(files.server, SHOP_KEY);
  });
  after(() => files?.close());

  const pathOf = (call: string, query: Record<string, string> = {}) =>
    `/-/console/data/${call}?${new URLSearchParams(query)}`;
  async function list(query: Record<string, string> = {}, by = client) {
    const { status, text } = await by.ask(pathOf("folder", query));
    assert.equal(status, 200, text);
    return JSON.parse(text) as {
      readonly items: readonly Item[];
      readonly next?: string;
      readonly listed: readonly string[];
      readonly unlisted: readonly string[];
    };
  }
  const named = (items: readonly Item[]) => new Map(items.map((item) => [item.name, item]));

  it("list folders and files with their URLs, and name origins that cannot be listed", async () => {
    const { items, listed, unlisted } = await list();
    assert.deepEqual([listed, unlisted], [["files"], ["site"]]);
    const byName = named(items);
    assert.deepEqual(
      [...byName].map(([name, { kind, url }]) => [name, kind, url]).sort(),
      [
        ["broken.png", "image", "/broken.png"],
        ["holidays", "folder", undefined],
        ["photo.png", "image", "/photo.png"],
        ["text.txt", "file", "/text.txt"],
        ["tour.mp4", "folder", undefined],
      ].sort(),
    );
    assert.equal(byName.get("photo.png")?.size, photo.length);
    const below = named((await list({ path: "holidays" })).items);
    const { url = "" } = below.get("a & b.png") ?? {};
    assert.equal((await files.server.ask(url)).status, 200);
    assert.deepEqual(
      (await list({ endpoint: "closed", path: "holidays/sea" })).items[0]?.url,
      "/closed/holidays/sea/c.png",
    );
    assert.deepEqual((await list({ endpoint: "web" })).listed, []);
    const [still] = (await list({ path: "tour.mp4" })).items;
    assert.deepEqual([still?.name, still?.url], ["ik-thumbnail.jpg", undefined]);
  });

  it("list large folders by pages", async () => {
    for (let count = 0; count < 130; count++) await files.folder.write(`files/many/${count}.txt`, "x");
    const names = new Set<string>();
    const sizes: number[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined; ) {
      const page = await list({ path: "many", ...(cursor !== "" && { cursor }) });
      for (const { name } of page.items) names.add(name);
      sizes.push(page.items.length);
      cursor = page.next;
    }
    assert.equal(names.size, 130);
    assert.deepEqual(sizes.slice(0, 2), [60, 60]);
    await rm(join(files.folder.path, "files", "many"), { recursive: true });
  });

  it("render thumbnails, also of files that only signed URLs show", async () => {
    for (const url of ["/photo.png", "/closed/photo.png"]) {
      const { status, headers, body } = await client.ask(pathOf("thumbnail", { url, width: "100" }));
      assert.equal(status, 200);
      assert.equal(headers["content-type"], "image/webp");
      assert.match(headers["content-security-policy"] ?? "", /^sandbox;/);
      const { width, height } = await sharp(body).metadata();
      assert.deepEqual([width, height], [100, 50]);
    }
    assert.equal((await files.server.ask("/closed/photo.png")).status, 401);
  });

  it("describe a file", async () => {
    const { text } = await client.ask(pathOf("about", { url: "/photo.png" }));
    const { format, width, height, bytes } = JSON.parse(text);
    assert.deepEqual([format, width, height, bytes], ["png", 400, 200, photo.length]);
  });

  it("refuse what is wrong, and files of other accounts", async () => {
    const cases = [
      [400, "folder", { path: "../shop" }],
      [400, "folder", { path: "a//b" }],
      [400, "folder", { cursor: "7.x" }],
      [404, "folder", { endpoint: "none" }],
      [404, "folder", { tenant: "shop" }],
      [400, "thumbnail", { url: "/photo.png", width: "0" }],
      [400, "thumbnail", { url: "/photo.png", width: "100000" }],
      [400, "thumbnail", { width: "10" }],
      [404, "thumbnail", { url: "/none.png", width: "10" }],
      [400, "thumbnail", { url: "/broken.png", width: "10" }],
      [403, "thumbnail", { url: "/shop/shop.png", width: "10" }],
      [403, "about", { url: "/shop/shop.png" }],
    ] as const;
    for (const [status, call, query] of cases) {
      const answer = await client.ask(pathOf(call, query));
      assert.equal(answer.status, status, `${call} ${JSON.stringify(query)}: ${answer.text}`);
      assert.doesNotMatch(answer.text, new RegExp(files.folder.path));
      assert.equal((await files.server.ask(pathOf(call, query))).status, 401);
    }
    assert.deepEqual(
      (await list({ tenant: "shop" }, shop)).items.map(({ name, url }) => [name, url]),
      [["shop.png", "/shop/shop.png"]],
    );
    assert.equal((await shop.ask(pathOf("folder"))).status, 404);
  });
});

describe("page-console: Browse, open to this machine", () => {
  it("shows nothing that needs a signature", async () => {
    const files = await startWithFiles({ open: true });
    try {
      const ask = (path: string) => files.server.ask(path, { headers: { host: "localhost" } });
      const { items } = JSON.parse((await ask("/-/console/data/folder?path=holidays")).text);
      assert.equal(items.length, 2);
      const closed = await ask("/-/console/data/folder?endpoint=closed");
      assert.equal(closed.status, 403);
      assert.match(closed.text, /Sign in with a private key/);
    } finally {
      await files.close();
    }
  });
});

describeInBrowser("the page Browse in Chromium", () => {
  const browser = inBrowser(() => startWithFiles());
  const { until, run, text, open, assertFits } = browser;
  let page: Page;
  beforeEach(() => {
    page = browser.page;
  });

  const shown = `[...document.querySelectorAll(".files img")].every((image) => image.complete && image.naturalWidth > 0)`;

  it("shows files with thumbnails, and goes into folders and back", async () => {
    await open("/browse");
    await until(`document.querySelectorAll(".files img").length === 1 && ${shown}`);
    assert.match(await text(".files"), /holidays.*photo\.png/);
    assert.match(await text(".unlisted"), /Files of site are not listed/);
    await assertAccessible(page);
    await page.click(".file.folder");
    await until(
      `document.querySelectorAll(".path li").length === 2 && document.querySelectorAll(".files li").length === 2`,
    );
    assert.equal(await run("new URLSearchParams(location.search).get('folder')"), "holidays");
    await page.click(".path a");
    await until(`document.querySelectorAll(".path li").length === 1`);
    await page.goBack();
    await until(`document.querySelectorAll(".path li").length === 2`);
  });

  it("shows an endpoint without a list, and a file that is not there", async () => {
    await open("/browse?endpoint=web");
    await until(`document.querySelector(".empty h2")?.textContent === "Nothing can be listed"`);
    await assertAccessible(page);
    await page.goto(`${browser.started.server.url}/-/console/browse?file=none.png`);
    await until(`document.querySelector(".empty h2")?.textContent === "This file is not listed"`);
  });

  it("shows a file, and sets its focal point by a click and by keyboard", async () => {
    const red = async () => {
      const { body } = await browser.started.server.ask("/photo.png?tr=w-100,h-200,fo-custom");
      return (await sharp(body).stats()).channels[0]?.mean ?? 0;
    };
    const centre = await red();
    assert(centre > 120 && centre < 135, String(centre));
    await open("/browse?file=photo.png");
    await until(
      `document.querySelector(".focal-picture img")?.naturalWidth === 400 && document.querySelector(".crops")`,
    );
    await until(`document.querySelector(".about")?.innerText.includes("400 × 200")`);
    assert.equal(await run("document.activeElement.id"), "file-title");
    await assertAccessible(page);
    await run(`(() => {
      const picture = document.querySelector(".focal-picture");
      const { left, top, width, height } = picture.getBoundingClientRect();
      const at = { button: 0, pointerId: 1, bubbles: true, clientX: left + width * 0.95, clientY: top + height / 2 };
      picture.setPointerCapture = () => {};
      for (const type of ["pointerdown", "pointerup"]) picture.dispatchEvent(new PointerEvent(type, at));
    })()`);
    await until(`document.querySelector(".focal-sliders output").textContent === "95 %"`);
    await page.click(".focal-actions .main");
    await until(`document.querySelector(".focal-actions .pill")?.textContent === "set"`);
    const right = await red();
    assert(right > 200, String(right));
    await assertAccessible(page);
    await page.press(".focal-sliders input", "Home");
    await until(`document.querySelector(".focal-sliders output").textContent === "0 %"`);
    await page.press(".focal-actions .main", "Enter");
    await until(`document.querySelector(".focal-actions .pill")?.textContent === "set"`);
    assert((await red()) < 50);
    await page.press(".focal-actions .quiet", "Enter");
    await until(`document.querySelector(".focal-actions .pill")?.textContent === "removed"`);
    assert.equal(Math.round(await red()), Math.round(centre));
  });

  it("purges a file, and opens it in Inspect", async () => {
    const { server } = browser.started;
    await server.ask("/photo.png?tr=w-33");
    assert.match((await server.ask("/photo.png?tr=w-33")).headers["cache-status"] ?? "", /; hit/);
    await open("/browse?file=photo.png");
    await until(`document.querySelector(".details-actions")`);
    await page.click(".details-actions > .quiet:nth-of-type(2)");
    await until(`document.querySelector(".details-actions .pill")?.textContent === "purged"`);
    assert.doesNotMatch((await server.ask("/photo.png?tr=w-33")).headers["cache-status"] ?? "", /; hit/);
    await page.click('.details-actions a[href*="inspect"]');
    await until(`document.querySelector("#url")?.value === "/photo.png"`);
  });

  it("uploads files by the button and by drop, asks before it replaces one, and deletes one", async () => {
    const { server } = browser.started;
    const give = (name: string, text: string) =>
      `const transfer = new DataTransfer(); transfer.items.add(new File([${JSON.stringify(text)}], "${name}", { type: "text/plain" }));`;
    await open("/browse?folder=holidays");
    await until(`document.querySelector(".upload") && document.querySelectorAll(".files li").length === 2`);
    await run(`(() => { ${give("new.txt", "one")}
      const input = document.querySelector("input[type=file]");
      input.files = transfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    })()`);
    await until(`document.querySelector(".uploads .pill")?.textContent === "uploaded"`);
    await until(`document.querySelectorAll(".files li").length === 3`);
    assert.equal((await server.ask("/holidays/new.txt")).text, "one");
    await assertAccessible(page);

    await run(`(() => { ${give("new.txt", "two")}
      const drag = (type) => document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
      drag("dragover");
      requestAnimationFrame(() => requestAnimationFrame(() => { window.wasShown = Boolean(document.querySelector(".drop")); drag("drop"); }));
    })()`);
    await until(`document.querySelector(".uploads .pill")?.textContent === "not uploaded"`);
    assert.equal(await run("window.wasShown"), true);
    assert.match(await text(".uploads"), /There is a file with this name already\. Replace/);
    assert.equal((await server.ask("/holidays/new.txt")).text, "one");
    await page.click(".uploads button");
    await until(`document.querySelector(".uploads .pill")?.textContent === "uploaded"`);
    assert.equal((await server.ask("/holidays/new.txt")).text, "two");

    await page.click('.file[href*="new.txt"]');
    await until(`document.querySelector("#file-title")?.textContent === "new.txt"`);
    await page.press(".details-actions > button.quiet:last-of-type", "Enter");
    await until(`document.activeElement.textContent === "Delete for good"`);
    await page.press(".details-actions .danger", "Enter");
    await until(`document.querySelectorAll(".files li").length === 2 && !document.querySelector(".details")`);
    assert.equal((await server.ask("/holidays/new.txt")).status, 404);
  });

  it("shows why nothing can be uploaded", async () => {
    await open("/browse?endpoint=closed");
    await until(`document.querySelector(".upload")`);
    await run(`(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["x"], "x.txt"));
      const input = document.querySelector("input[type=file]");
      input.files = transfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    })()`);
    await until(`document.querySelector(".uploads .bad")?.textContent.includes("not uploaded")`);
    assert.match(await text(".uploads"), /does not set manageFiles/);
  });

  for (const width of [320, 768, 1920]) {
    it(`fits a window of ${width} pixels`, async () => {
      await page.setViewportSize({ width, height: 800 });
      await open("/browse?file=photo.png");
      await until(
        `document.querySelector(".crops") && document.querySelector(".about")?.innerText.includes("PNG")`,
      );
      await assertFits();
      await page.emulateMedia({ colorScheme: "dark" });
      await assertAccessible(page);
    });
  }
});
