import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import { imageSharp } from "@mediatap/image-sharp";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { stateRedis } from "@mediatap/state-redis";
import { storageS3 } from "@mediatap/storage-s3";
import { storageWeb } from "@mediatap/storage-web";
import {
  describeWith,
  makePng,
  RADOSGW,
  type Radosgw,
  REDIS,
  type Redis,
  startOrigin,
  startRadosgw,
  startRedis,
  startServer,
  type TestServer,
  until as untilTrue,
  type WebOrigin,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { assertAccessible } from "../../../test/suites/support/axe.ts";
import {
  type Browser,
  describeInBrowser,
  inPage,
  type Page,
  startChromium,
} from "../../../test/suites/support/chromium.ts";
import { openPlace, type TestPlace } from "../../storage-s3/test/places.ts";
import { pageConsole } from "../src/index.ts";

const KEY = "private_dummy-key-of-the-server-0123456789";
const PICTURE = makePng(60, 40, (x, y) => [x * 4, y * 6, 90, 255]);

describeWith(RADOSGW, "the console with a bucket", () => {
  describeWith(REDIS, "and Redis", () => {
    describeInBrowser("in Chromium", walk);
  });
});

function walk(this: Mocha.Suite): void {
  let service: Radosgw;
  let place: TestPlace;
  let redis: Redis;
  let site: WebOrigin;
  let servers: TestServer[] = [];
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  before(async function () {
    const started = await startChromium();
    if (!started) return this.skip();
    browser = started;
    service = await startRadosgw();
    place = await openPlace(service);
    await place.put("shoes/a.png", PICTURE, { type: "image/png" });
    redis = await startRedis();
    site = await startOrigin({ "b.png": PICTURE });
    servers = [await start(), await start()];
    page = await browser.newPage({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
    page.on("console", (message) => {
      if (message.type() === "error" && !/status of [45]\d\d/.test(message.text()))
        errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`${server().url}/-/console/origins`);
    await until(`document.querySelector("#key")`);
    await page.fill("#key", KEY);
    await page.press("#key", "Enter");
    await until(`document.querySelector(".object")`);
  });
  after(async () => {
    await browser?.close();
    for (const server of servers) await server.close();
    await redis?.close();
    await site?.close();
    place?.close();
    await service?.close();
  });
  afterEach(() => assert.deepEqual(errors.splice(0), []));

  const server = () => servers[0] as TestServer;
  const start = async () =>
    await startServer({
      plugins: [
        urlImagekit(),
        storageWeb(),
        storageS3(),
        imageSharp(),
        cacheMemory(),
        manageImagekit(),
        stateRedis({ redis: redis.url }),
        pageConsole(),
      ],
      origins: { site: { type: "WEB_FOLDER", baseUrl: site.url } },
      endpoints: { default: { origins: ["site"] } },
      privateKey: KEY,
      limits: { notFoundLifetime: 1, refusedLifetime: 1, failureLifetime: 1 },
    });
  const until = (code: string) => page.waitForFunction(inPage(code));
  const run = <T>(code: string) => page.evaluate<T>(inPage(code));
  const text = (selector: string) =>
    run<string>(`document.querySelector(${JSON.stringify(selector)}).innerText.replace(/\\s+/g, " ").trim()`);
  const open = async (name: string) => {
    await page.goto(`${server().url}/-/console/${name}`);
    await until(`document.querySelector("main .card")`);
  };
  const go = async (name: string) => {
    await page.press(`.tab[href$="/${name}"]`, "Enter");
    await until(`document.querySelector("h1")?.textContent.toLowerCase() === "${name}"`);
  };
  const choose = async (selector: string, value: string) =>
    await run(`(() => {
      const select = document.querySelector(${JSON.stringify(selector)});
      select.value = ${JSON.stringify(value)};
      select.dispatchEvent(new Event("change", { bubbles: true }));
    })()`);
  const applied = async () => {
    await until(`document.querySelector(".staged-apply .main:enabled")`);
    await page.press(".staged-apply .main", "Enter");
    await until(`document.querySelector(".applied")?.textContent.includes("applied")`);
  };
  const inspected = async (url: string, status: string) => {
    await page.goto(`${server().url}/-/console/inspect?${new URLSearchParams({ url })}`);
    await until(
      `document.querySelector(".ask[aria-busy=false]") && document.querySelector(".status strong")?.textContent === "${status}"`,
    );
  };

  it("lists what the configuration file defines as read-only", async () => {
    assert.match(
      await text(".object"),
      /^site configuration file Web server http:\/\/127.* Used by default Test$/,
    );
    await assertAccessible(page);
  });

  it("stages an origin in a bucket and an endpoint, asks the bucket, and applies both as one revision", async () => {
    await open("origins");
    await page.press('.heading a[href$="?new"]', "Enter");
    await choose("#origin-type", "S3_COMPATIBLE");
    await until(`document.querySelector("#origin-endpoint")`);
    const fields = { name: "Shoes", endpoint: service.endpoint, bucket: "photos", prefix: "shoes" };
    const secrets = { accessKey: service.accessKey, secretKey: service.secretKey };
    for (const [name, value] of Object.entries({ ...fields, ...secrets }))
      await page.fill(`#origin-${name}`, value);
    await page.press("#origin-s3ForcePathStyle", "Space");
    await page.fill(".editor-test input", "a.png");
    await page.press(".editor-test input", "Enter");
    await until(`document.querySelector(".file-finding.good")`);
    assert.match(await text(".file-finding"), /^The file is there: image\/png, [\d.]+ kB, after \d+ ms\.$/);
    assert.match(await text(".findings"), /^Shoes S3_COMPATIBLE, responded in \d+ ms$/);
    await assertAccessible(page);
    await page.press(".editor .main", "Enter");
    await until(`document.querySelector(".staged .findings .good")`);
    assert.match(
      await text(".staged"),
      /^Staged changes 1 new Shoes origin Undo .*origins\.Shoes\.secretKey after: \*\*\*/,
    );
    await assertAccessible(page);

    await go("endpoints");
    await page.press('.heading a[href$="?new"]', "Enter");
    await until(`document.querySelector("#endpoint-urlPrefix")`);
    await page.fill("#endpoint-urlPrefix", "shop");
    await choose("#endpoint-origins", "site");
    await choose(
      "#endpoint-origins",
      await run(`document.querySelector("#endpoint-origins").options[1].value`),
    );
    const order = `[...document.querySelectorAll(".ordered-name")].map((one) => one.textContent).join()`;
    await until(`${order} === "site,Shoes"`);
    await assertAccessible(page);
    // By keyboard, then by drag.
    await page.press(".ordered li:last-child .grip", "ArrowUp");
    await until(`${order} === "Shoes,site" && document.activeElement.ariaLabel === "Move Shoes: arrow keys"`);
    assert.equal(await text(".ordered [role=status]"), "Shoes is number 1 of 2.");
    await page.dragAndDrop(".ordered li:last-child .grip", ".ordered li:first-child .ordered-name");
    await until(`${order} === "site,Shoes"`);
    await page.press(".ordered li:first-child button:last-child", "Enter");
    await until(`${order} === "Shoes"`);
    await page.press(".editor .main", "Enter");
    await until(`document.querySelectorAll(".staged-change").length === 2`);
    await applied();
    assert.equal(await text(".applied"), "2 changes are applied. Revisions");
    assert.match(await text(".object:last-child"), /^shop \/shop\/ Shoes/);
  });

  it("shows a transformed picture of it at once, and so does the other server", async () => {
    await inspected("/shop/tr:w-30/a.png", "200");
    assert.match(await text(".verdict h2"), /30 × 20/);
    const other = servers[1] as TestServer;
    const isThere = async () => (await other.ask("/shop/tr:w-15/a.png")).status === 200;
    await untilTrue(isThere, "the other server serves the change");
  });

  it("shows that broken credentials fail, before and after they are applied", async () => {
    await open("origins");
    await until(`document.querySelector('.object a[href*="edit=Shoes"]')`);
    await page.press('.object a[href*="edit=Shoes"]', "Enter");
    await until(`document.querySelector("#origin-secretKey")`);
    assert.equal(await run(`document.querySelector("#origin-secretKey").value`), "");
    assert.match(await run(`document.querySelector("#origin-secretKey").placeholder`), /^Stored/);
    await page.fill("#origin-secretKey", "broken");
    await page.press("#origin-secretKey", "Enter");
    await until(`document.querySelector(".staged .findings .bad")`);
    assert.match(await text(".staged .findings"), /Shoes S3_COMPATIBLE: EACCES.* check the credentials/);
    assert.match(await text(".staged .diff"), /origins\.Shoes\.secretKey before: \*\*\* after: \*\*\*/);
    await applied();
    await inspected("/shop/tr:w-31/a.png?v=2", "404");
    assert.match(await text(".verdict"), /EACCES/);
    await go("failures");
    await until(`document.querySelector(".failure")`);
    assert.match(await text(".failure"), /EACCES .* origin Shoes/);
  });

  it("rolls back by one revision", async () => {
    await open("revisions");
    await until(`document.querySelectorAll(".revision").length === 2`);
    assert.match(
      await text(".revision"),
      /^change the origin Shoes active Revision 2, just now|\d+ s ago, key .*Undo/,
    );
    await assertAccessible(page);
    await page.press(".revision .outlined", "Enter");
    await until(`document.querySelector(".revision .main")`);
    await page.press(".revision .main", "Enter");
    await until(`document.querySelectorAll(".revision").length === 3`);
    await inspected("/shop/tr:w-32/a.png", "200");
  });

  it("names the change that cannot be made, and forgets it if it is undone", async () => {
    await open("origins");
    await until(`document.querySelector('.object [aria-label="Delete Shoes"]')`);
    await page.press('.object [aria-label="Delete Shoes"]', "Enter");
    await until(`document.querySelector(".staged-change p.bad")`);
    assert.match(
      await text(".staged-change"),
      /^to be deleted Shoes origin Undo The origin is used by the URL endpoint shop/,
    );
    assert.equal(await run(`document.querySelector(".staged-apply .main").disabled`), true);
    await assertAccessible(page);
    await page.press(".staged-change button", "Enter");
    await until(`!document.querySelector(".staged") && !document.querySelector(".deleted")`);
  });

  for (const width of [320, 768, 1920]) {
    it(`fits a window of ${width} pixels`, async () => {
      await page.setViewportSize({ width, height: 800 });
      for (const path of [
        "origins",
        "origins?new",
        "origins?edit=Shoes",
        "endpoints",
        "endpoints?edit=shop",
        "revisions",
      ]) {
        await open(path);
        assert.equal(await run("document.documentElement.scrollWidth <= innerWidth"), true, path);
      }
    });
  }
}
