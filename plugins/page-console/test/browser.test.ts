import assert from "node:assert/strict";
import { join } from "node:path";
import { analytics } from "@mediatap/analytics";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { stateSqlite } from "@mediatap/state-sqlite";
import { makeFolder } from "@mediatap/test";
import { sign } from "@mediatap/url-imagekit";
import { urlIpx } from "@mediatap/url-ipx";
import { assertAccessible } from "../../../test/suites/support/axe.ts";
import { describeInBrowser, type Page } from "../../../test/suites/support/chromium.ts";
import { inBrowser } from "./browser.ts";
import { type Console, KEY, startConsole } from "./support.ts";

describeInBrowser("the console in Chromium", () => {
  const browser = inBrowser(() => startConsole());
  const { until, run, text, open, assertFits } = browser;
  let console: Console;
  let page: Page;
  before(() => {
    console = browser.started;
  });
  beforeEach(() => {
    page = browser.page;
  });

  const inspected = (url: string) => `/inspect?${new URLSearchParams({ url })}`;
  /** The answer is there, and original and result if there is a result. */
  const settled = () =>
    until(`document.querySelector(".ask[aria-busy=false]") && document.querySelector(".verdict")`);

  it("asks for a key, says that one is wrong, and signs out again", async () => {
    await page.goto(`${console.server.url}/-/console`);
    await until(`document.activeElement?.id === "key"`);
    await assertAccessible(page);
    await page.press("#key", "Enter");
    assert.equal(await text("#key-error"), "Enter a private key.");
    await page.fill("#key", "private_wrong");
    await page.press("#key", "Enter");
    await until(`document.querySelector("#key-error").textContent.startsWith("No account")`);
    await page.fill("#key", KEY);
    await page.press("#key", "Enter");
    await until(`document.querySelector(".account button")`);
    assert.match(await text(".account"), /closed, default|default, closed/);
    assert.equal(await run("document.cookie"), "");
    await page.click(".account button");
    await until(`document.querySelector("#key")`);
  });

  it("shows the last requests, and inspects the one that is chosen", async () => {
    await console.server.ask("/tr:w-77/a.png");
    await open("/inspect");
    await until(`document.querySelector(".request")`);
    await assertAccessible(page);
    assert.match(await text(".request"), /^200 \/tr:w-77\/a\.png Miss/);
    await page.click(".request");
    await settled();
    assert.match(await text(".verdict h2"), /^\w+ · 77 × 51 · [\d.]+ k?B$/);
    await page.goBack();
    await until(`document.querySelector(".request") && !document.querySelector(".verdict")`);
  });

  it("shows what a URL gets: original beside result, time, caches, origins, plan and headers", async () => {
    await open(inspected(`/tr:w-300/a.png?v=${Math.random()}`));
    await settled();
    assert.equal(await text(".status strong"), "200");
    assert.match(await text(".saving strong"), /^[\d.]+ % saved$/);
    assert.match(await text(".timeline"), /Origin 1.*Download.*Plan.*Queue.*Transformation/);
    assert.match(
      await text(".journey"),
      /Endpoint default.*Signature none.*resize width 300.*Memory miss.*site found.*600 × 400.*image-sharp/,
    );
    assert.match(await text(".headers"), /cache-status/);
    const pictures = `[...document.querySelectorAll(".slider img")].map((image) => [image.alt, image.naturalWidth])`;
    assert.deepEqual(await run(pictures), [
      ["The result", 300],
      ["The original", 600],
    ]);
    await page.press(".slider input", "ArrowRight");
    assert.match(await run<string>(`document.querySelector(".slider").style.cssText`), /--cut: ?50\.5%/);
    await assertAccessible(page);
    await page.click(".stage .segments button:last-child");
    await until(`document.querySelectorAll(".sides img").length === 2`);
    // Again: this time it is in the cache.
    await page.click(".ask .main");
    await until(`document.querySelector(".tier .pill.good")?.textContent === "fresh"`);
    await settled();
    assert.match(await text("#time-title"), /served from a cache \(memory\)/);
  });

  it("asks as another client", async () => {
    await open(inspected("/tr:w-200/a.png"));
    await settled();
    assert.match(await text(".verdict h2"), /^WebP/);
    await page.click(".options .segments button:last-child");
    await until(`/^PNG|^JPEG/.test(document.querySelector(".verdict h2")?.textContent)`);
    assert.match(await run<string>("location.search"), /accept=basic/);
  });

  it("says what is wrong with a signature, and signs the URL", async () => {
    const wrong = `/closed/tr:w-60/a.png?v=2&ik-s=${sign("tr:w-60/a.png", KEY)}`;
    await open(inspected(wrong));
    await settled();
    assert.equal(await text(".status strong"), "401");
    assert.match(await text(".verdict"), /It was made without the query\./);
    await assertAccessible(page);
    await page.click(".sign button");
    await until(`document.querySelector(".status strong")?.textContent === "200"`);
    await settled();
    assert.match(await text(".journey"), /Signature valid/);
    assert.match(await run<string>(`document.getElementById("url").value`), /v=2&ik-s=[0-9a-f]{40}$/);
    assert.equal(await run(`document.querySelector(".sign")`), null);
  });

  it("shows an origin that failed, and an error of the URL", async () => {
    await open(inspected("/tr:w-60/broken.png"));
    await settled();
    assert.match(await text(".journey"), /site failed/);
    await page.fill("#url", "/tr:w-abc/a.png");
    await page.press("#url", "Enter");
    await until(`document.querySelector(".status strong")?.textContent === "400"`);
    assert.match(await text(".verdict h2"), /'abc'/);
    await page.fill("#url", "/shop/a.png");
    await page.press("#url", "Enter");
    await until(`document.querySelector(".status strong")?.textContent === "403"`);
    assert.match(await text(".verdict h2"), /another account/);
  });

  it("shows live figures that move by themselves", async () => {
    await open("/live");
    await until(`document.querySelector(".live.live") && document.querySelector(".plot canvas")`);
    const total = Number(/([\d.]+) in all/.exec(await text(".figures"))?.[1]);
    for (let times = 0; times < 3; times++) await console.server.ask("/tr:w-20/a.png");
    await until(`document.querySelector(".figures").innerText.includes("${total + 3} in all")`);
    await until(`document.querySelector(".shares")?.innerText.includes("Memory")`);
    assert.match(await text(".origin"), /^site WEB_FOLDER requested \d+× .*available$/);
    assert.match(await run<string>(`document.querySelector(".plot").ariaLabel`), /at most [\d.]+$/);
    await until(`document.querySelectorAll(".history .plot canvas").length === 3`);
    assert.match(await text(".history"), /History.*from caches.*median 99th percentile/);
    await assertAccessible(page);
    await page.click(".history .segments button:last-child");
    await until(`document.querySelector(".history").innerText.includes("Add the plugin analytics()")`);
    await assertAccessible(page);
  });

  it("shows failures, and inspects the newest of a group", async () => {
    await console.server.ask("/tr:w-61/broken.png");
    await console.server.ask("/tr:w-oops/a.png");
    await open("/failures");
    await until(`document.querySelector(".failure")`);
    assert.match(await text(".failure"), /^404 UNIDENTIFIED .* \*\.png origin site/);
    await assertAccessible(page);
    await page.click(".segments button:nth-child(2)");
    await until(`document.querySelector(".failure .code").textContent === "EINVAL"`);
    await page.click(".failure a");
    await settled();
    assert.equal(await run(`document.getElementById("url").value`), "/tr:w-oops/a.png");
    assert.equal(await text(".status strong"), "400");
  });

  it("purges what the key allows, and shows when it is done", async () => {
    await open("/purge");
    await until(`document.querySelector(".purge")`);
    await assertAccessible(page);
    await page.click(".purge .main");
    assert.equal(await text("#purge-error"), "Enter a URL.");
    await page.fill("#purge-value", "/shop/tr:w-20/a.png");
    await page.press("#purge-value", "Enter");
    await until(`document.querySelector("#purge-error").textContent.includes("not valid for the endpoint")`);
    await page.fill("#purge-value", "/tr:w-20/a.png");
    await page.press("#purge-value", "Enter");
    await until(`document.querySelector(".purged .pill.good")?.textContent === "completed"`);
    assert.match(await text(".purged"), /^URL \/tr:w-20\/a\.png completed/);
    await page.click(`.choices input[value="all"]`);
    await page.click(".purge .main");
    assert.equal(await text("#purge-error"), "Confirm that everything is purged.");
    await page.click(".confirm input");
    await page.click(".purge .main");
    await until(`document.querySelectorAll(".purged .pill.good").length === 2`);
    await assertAccessible(page);
  });

  it("shows named transformations on a picture of the server", async () => {
    await console.server.ask("/tr:w-20/a.png");
    await open("/transformations");
    const widths = `[...document.querySelectorAll(".named img")].map((image) => image.naturalWidth).sort((a, b) => a - b)`;
    // Two endpoints, of which one serves signed URLs only.
    await until(`JSON.stringify(${widths}) === "[20,20,150,150]"`);
    assert.match(await text(".named-card"), /thumb.*w-150,h-100/);
    await assertAccessible(page);
    await page.fill("#sample", "missing.png");
    await page.press("#sample", "Enter");
    await until(`document.querySelectorAll(".named .frame a").length === 4`);
  });

  it("creates, changes and deletes a named transformation as staged changes", async () => {
    const folder = await makeFolder();
    const own = await startConsole(
      {},
      { plugins: [manageImagekit(), stateSqlite({ path: join(folder.path, "state.sqlite") })] },
    );
    try {
      await open("/live");
      await page.goto(`${own.server.url}/-/console/transformations`);
      const apply = async () => {
        await until(`document.querySelector(".diff")`);
        await page.click(".staged-apply .main");
        await until(`document.querySelector(".applied")?.innerText.includes("1 change is applied.")`);
      };
      await until(`document.querySelector('[href$="?new"]')`);
      await page.click('[href$="?new"]');
      await page.fill("#named-name", "banner");
      await page.fill("#named-transformation", "w-90,h-30");
      await assertAccessible(page);
      await page.press("#named-name", "Enter");
      await apply();
      assert.equal((await own.server.ask("/tr:n-banner/a.png")).status, 200);
      await page.click('[aria-label="Edit banner"]');
      await page.fill("#named-transformation", "w-80");
      await page.press("#named-transformation", "Enter");
      await apply();
      assert.equal(await text(".object code"), "w-80");
      await assertAccessible(page);
      await page.click('[aria-label="Delete banner"]');
      await apply();
      await until(`!document.querySelector(".object")`);
      assert.equal((await own.server.ask("/tr:n-banner/a.png")).status, 400);
    } finally {
      await page.goto("about:blank");
      await own.close();
      await folder.close();
    }
  });

  it("composes a URL from the parameters of the language, with its picture and code", async () => {
    await open("/builder?path=a.png");
    await until(`document.querySelector("#build-w")`);
    assert.equal(await run(`document.querySelector("#build-w").placeholder`), "positive integer");
    await page.fill("#build-w", "70");
    await page.press("#build-w", "Tab");
    await until(`document.querySelector(".built img")?.naturalWidth === 70`);
    assert.equal(await text("#built-url"), `${console.server.url}/tr:w-70/a.png`);
    assert.match(await run("location.search"), /path=a\.png&w=70$/);
    assert.match(await text(".snippet"), /<img src=".*w-70\/a\.png" srcset=".*\/tr:w-320\/a\.png 320w/);
    assert.match(await text(".snippet:nth-of-type(3)"), /tr:w-\$\{width\}\/\$\{src/);
    assert.match(await text(".snippet:last-of-type"), /buildSrc/);
    await assertAccessible(page);
    await page.fill("#build-w", "wrong");
    await until(`document.querySelector(".built .frame a")`);
    await page.goto(`${console.server.url}/-/console/builder?endpoint=closed&path=a.png&w=71`);
    await until(`document.querySelector(".built img")?.naturalWidth === 71`);
    assert.match(await text("#built-url"), /\/closed\/tr:w-71\/a\.png\?ik-s=[0-9a-f]{40}$/);
    assert.equal(await run(`document.querySelector(".snippet")`), null);
  });

  it("composes a URL of each language of the endpoint", async () => {
    // The language of ImageKit takes all URLs.
    const languages = ["url-ipx", "url-imagekit"];
    const endpoints = { default: { origins: ["site"], privateKey: KEY, languages } };
    const own = await startConsole({}, { plugins: [urlIpx()], endpoints });
    try {
      await open("/builder");
      await page.goto(`${own.server.url}/-/console/builder?path=a.png&language=url-ipx&width=70`);
      await until(`document.querySelector(".built img")?.naturalWidth === 70`);
      assert.equal(await text("#built-url"), `${own.server.url}/_ipx/width_70/a.png`);
      assert.equal(await text("#build-language"), "ipx imagekit");
      assert.match(await text("#build-fit"), /cover contain fill/);
      assert.match(await text(".snippet"), /\/_ipx\/width_320\/a\.png 320w/);
      assert.match(await text(".snippet:last-of-type"), /_ipx\/width_\$\{width\}\/\$\{src/);
      await assertAccessible(page);
    } finally {
      await page.goto("about:blank");
      await own.close();
    }
  });

  it("says how usage is counted, and shows it by endpoint", async () => {
    await open("/usage");
    await until(`document.querySelector(".empty h2")?.textContent === "Usage is not counted"`);
    await assertAccessible(page);
    const own = await startConsole({}, { plugins: [analytics()] });
    try {
      for (const url of ["/tr:w-20/a.png", "/tr:w-20/a.png", "/tr:w-30/a.png", "/missing.png"])
        await own.server.ask(url);
      await page.goto(`${own.server.url}/-/console/usage`);
      // The cookie is good for every server that has the key.
      await until(`document.querySelector(".top-list")`);
      assert.match(await text(".figures"), /^Requests 4 25 % from caches/);
      assert.match(await text("tbody tr"), /^default 4 25 %/);
      assert.match(
        await text(".lists"),
        /Images \/a\.png 3×.*Transformations w-20 2×.*Not found \/missing\.png 1×/,
      );
      await assertAccessible(page);
      await page.click(".segments button:last-child");
      await until(`document.querySelectorAll(".column-bar").length === 90`);
      await page.goto(`${own.server.url}/-/console/live`);
      for (const span of ["Day", "90 days"]) {
        await until(`document.querySelector(".history .segments")`);
        await page.click(`.history .segments button:nth-child(${span === "Day" ? 2 : 3})`);
        await until(`document.querySelectorAll(".history .plot canvas").length === 2`);
        await until(`document.querySelector(".history .plot").ariaLabel.includes("${span}: 4 in all")`);
        assert.match(await text(".history"), /4 requests, 25 % from caches, 25 % failed or refused/);
      }
      await assertAccessible(page);
    } finally {
      await page.goto("about:blank");
      await own.close();
    }
  });

  it("is used by keyboard", async () => {
    await open("/live");
    await until(`document.querySelector(".live.live")`);
    await run(`document.querySelector(".skip").focus()`);
    await page.press(".skip", "Enter");
    assert.equal(await run(`document.activeElement.id`), "main");
    await page.press('.tab[href$="/purge"]', "Enter");
    await until(`document.activeElement.tagName === "H1" && document.activeElement.textContent === "Purge"`);
    assert.equal(await run("document.title"), "Purge · Mediatap");
    assert.equal(await run("location.pathname"), "/-/console/purge");
    await page.goBack();
    await until(`document.querySelector("h1")?.textContent === "Live"`);
  });

  it("opens the navigation of a small window by a button, and closes it by Escape", async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    await open("/failures");
    await until(`document.querySelector(".segments")`);
    assert.equal(await page.isVisible(".tab"), false);
    await page.press(".menu", "Enter");
    assert.equal(await run(`document.querySelector(".menu").ariaExpanded`), "true");
    assert.equal(await page.isVisible('.tab[aria-current="page"]'), true);
    await assertAccessible(page);
    await page.press(".tab", "Escape");
    assert.equal(await page.isVisible(".tab"), false);
    assert.equal(await run(`document.activeElement.className.includes("menu")`), true);
    await page.goto(`${console.server.url}/-/console/nothing`);
    await until(`document.querySelector(".empty h2")?.textContent === "There is no such page"`);
  });

  it("says that the server does not respond, and goes on when it does", async () => {
    const own = await startConsole({}, { tenants: {} });
    try {
      await page.goto(`${own.server.url}/-/console/live`);
      await until(`document.querySelector("#key")`);
      await page.fill("#key", KEY);
      await page.press("#key", "Enter");
      await until(`document.querySelector(".live.live") && document.querySelector(".halves")`);
      assert.match(await text(".halves"), /Server Mediatap.*Queue 0 s nothing waits.*Workers 1/);
      await assertAccessible(page);
      browser.isLeft = true;
    } finally {
      await own.close();
    }
    await until(`document.querySelector(".live.lost")`);
    assert.equal(await text(".live.lost"), "The server does not respond");
  });

  for (const width of [320, 390, 768, 1920]) {
    it(`fits a window of ${width} pixels`, async () => {
      await page.setViewportSize({ width, height: 800 });
      await open(inspected("/tr:w-300/a.png"));
      await settled();
      await until(`document.querySelector(".slider")`);
      await assertFits();
      for (const name of ["live", "failures", "usage", "purge", "transformations"]) {
        if (width < 1024) await page.press(".menu", "Enter");
        await page.press(`.tab[href$="/${name}"]`, "Enter");
        await until(
          `document.querySelector("h1")?.textContent.toLowerCase() === "${name}" && document.querySelector(".card, .empty")`,
        );
        await assertFits();
      }
    });
  }
});
