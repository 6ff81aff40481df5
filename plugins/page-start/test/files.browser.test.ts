import assert from "node:assert/strict";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFolder, makePng, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { presetDevelopment, presetMediatap } from "mediatap";
import { assertAccessible } from "../../../test/suites/support/axe.ts";
import { describeInBrowser, type Page } from "../../../test/suites/support/chromium.ts";
import { pageSuite } from "../../../test/suites/support/page-suite.ts";

const MEDIA = fileURLToPath(new URL("../../../examples/start/media/", import.meta.url));
const picture = (red: number) => makePng(60, 40, () => [red, 30, 30, 255]);

/** A folder as people have it: more files than a page has, folders in folders, other files, a video. */
async function photos(): Promise<TestFolder> {
  const many = Array.from({ length: 103 }, (_, at) => [`many/IMG_${at + 1}.png`, picture(at)] as const);
  const folder = await makeFolder({
    ...Object.fromEntries(many),
    "notes.txt": "some notes",
    "broken.jpg": "no picture",
    ".env": "SECRET=1",
    "a name that is so long that no card has the room to show all of it.png": picture(250),
    "trips/2026 & more/\u00fcber #1.png": picture(120),
  });
  await mkdir(join(folder.path, "empty"));
  for (const name of ["dogs.jpg", "tour.mp4", "logo.svg"])
    await copyFile(join(MEDIA, name), join(folder.path, name));
  return folder;
}

describeInBrowser("the files on the start page in Chromium", () => {
  const browser = pageSuite(
    async () => {
      const folder = await photos();
      const server = await startServer({
        presets: [presetMediatap(), presetDevelopment()],
        privateKey: "private_0123456789abcdef",
        origins: { photos: { type: "FOLDER", path: folder.path } },
        endpoints: {
          default: { origins: ["photos"] },
          shop: { origins: ["photos"] },
          signed: { origins: ["photos"], restrictUnsigned: "all" },
          named: { origins: ["photos"], restrictUnnamed: true },
        },
      });
      return {
        server,
        folder,
        async close() {
          await server.close();
          await folder.close();
        },
      };
    },
    { width: 1440 },
  );
  const { until, run } = browser;
  let page: Page;
  let server: TestServer;
  let folder: TestFolder;
  beforeEach(() => {
    page = browser.page;
    ({ server, folder } = browser.started);
  });
  const open = async (hash = "") => {
    await page.goto(`${server.url}/${hash}`);
    await listed();
  };
  const listed = () =>
    until(
      `document.getElementById("files").ariaBusy === "false" && document.getElementById("crumbs").childElementCount`,
    );
  const namesIn = (list: string) =>
    run<string[]>(`[...document.querySelectorAll("#${list} b")].map(({ textContent }) => textContent)`);
  const isAnswered = (url: string) =>
    until(
      `document.getElementById("url").value === ${JSON.stringify(url)} && document.getElementById("editor").ariaBusy === "false"`,
    );
  const link = (name: string) => `#files a[title="${name}"]`;
  const crumbs = () => run<string>(`document.getElementById("crumbs").innerText.replaceAll("\\n", "/")`);

  it("lists the folder that is served, and opens its first picture", async () => {
    await open();
    assert.deepEqual(await namesIn("folders"), ["empty", "many", "trips"]);
    assert.deepEqual(await namesIn("items"), [
      "a name that is so long that no card has the room to show all of it.png",
      "broken.jpg",
      "dogs.jpg",
      "logo.svg",
      "notes.txt",
      "tour.mp4",
    ]);
    assert.equal(await page.textContent("#count"), "3 folders, 6 files");
    await until(`document.getElementById("after-image").naturalWidth === 60`);
    assert.equal(await page.isVisible("#serve-folder"), false);
    assert.equal(await page.isVisible("nav .with-console"), true);
    assert.doesNotMatch(await run<string>("document.body.innerText"), /\.env/);
  });

  it("shows thumbnails that the server makes, a still of a video, and drawings of other files", async () => {
    await open();
    await run(`document.querySelectorAll(".thumb img").forEach((image) => { image.loading = "eager"; })`);
    const shown = (name: string) => `document.querySelector('${link(name)} .thumb')`;
    for (const name of ["dogs.jpg", "tour.mp4"])
      await until(`${shown(name)}.querySelector("img")?.naturalWidth === 300`);
    await until(`${shown("logo.svg")}.querySelector("img.drawing")?.naturalHeight > 0`);
    for (const [name, extension] of [
      ["broken.jpg", "JPG"],
      ["notes.txt", "TXT"],
    ])
      await until(`${shown(String(name))}.querySelector(".sheet")?.textContent === "${extension}"`);
  });

  it("goes into folders and back, by links and by the path", async () => {
    await open();
    await page.click(link("trips"));
    await until(`document.querySelector('${link("2026 & more")}')`);
    await page.click(link("2026 & more"));
    await until(`document.querySelector('${link("\u00fcber #1.png")}')`);
    assert.equal(await crumbs(), "All files/trips/2026 & more");
    assert.equal(await run(`document.activeElement.id`), "files-title");
    await page.goBack();
    await until(`document.getElementById("crumbs").childElementCount === 2`);
    await page.goForward();
    await until(`document.getElementById("crumbs").childElementCount === 3`);
    await page.click("#crumbs li:first-child a");
    await until(`document.querySelector('${link("many")}')`);
  });

  it("opens a file in the editor, and goes back to the one before", async () => {
    await open("#/trips/2026%20%26%20more/");
    await page.click(link("\u00fcber #1.png"));
    await isAnswered("/tr:w-720,c-at_max/trips/2026%20%26%20more/%C3%BCber%20%231.png");
    await until(`document.getElementById("after-image").naturalWidth === 60`);
    await run(`location.hash = "#/"`);
    await until(`document.querySelector('${link("dogs.jpg")}')`);
    await page.click(link("dogs.jpg"));
    await isAnswered("/tr:w-720,c-at_max/dogs.jpg");
    await until(`document.getElementById("after-image").naturalWidth === 720`);
    assert.equal(await page.isVisible("#view"), true);
    await page.click('[data-text="w-240"]');
    await until(`document.getElementById("after-image").naturalWidth === 240`);
    await page.goBack();
    await until(`document.getElementById("after-image").naturalWidth === 720`);
    assert.equal(await run(`document.getElementById("url").value`), "/tr:w-720,c-at_max/dogs.jpg");
  });

  it("shows the folder of the file that the address names", async () => {
    await open("#/tr:w-20/trips/2026%20%26%20more/%C3%BCber%20%231.png");
    assert.equal(await crumbs(), "All files/trips/2026 & more");
  });

  it("shows a hundred files, and more of them when asked", async () => {
    await open("#/many/");
    assert.deepEqual((await namesIn("items")).slice(0, 3), ["IMG_1.png", "IMG_2.png", "IMG_3.png"]);
    assert.equal(await page.textContent("#count"), "100 files so far");
    await page.click("#more");
    await until(`document.getElementById("items").childElementCount === 103`);
    assert.equal(await page.textContent("#count"), "103 files");
    assert.equal(await page.isVisible("#more"), false);
    assert.equal(await run(`document.activeElement.title`), "IMG_101.png");
    assert.equal(new Set(await namesIn("items")).size, 103);
  });

  it("plays a video in the editor, and makes a file and a still of it", async () => {
    await open();
    await page.click(link("tour.mp4"));
    await until(`document.getElementById("after-image").videoWidth > 0`);
    await until(`document.getElementById("before-image").videoWidth === 1280`);
    assert.equal(await page.textContent("#format"), "HLS");
    assert.match(String(await page.textContent("#before-facts")), /^MP4 · 1280 × 720 · 1.14 MB$/);
    await page.click('[data-kind="file"]');
    await isAnswered("/tour.mp4?tr=w-640");
    await until(`document.getElementById("after-image").videoWidth === 640`);
    assert.equal(await page.textContent("#type"), "video/mp4");
    await page.click('[data-kind="still"]');
    await until(`document.getElementById("after-image").naturalWidth === 720`);
    assert.equal(await page.isVisible("#problem"), false);
    await page.goBack();
    await until(`document.getElementById("after-image").videoWidth === 640`);
  });

  it("says where to put files while a folder is empty, and shows them when they are there", async () => {
    await open("#/empty/");
    const name = /[^/]+$/.exec(folder.path)?.[0];
    const words = `Nothing here yet. Put pictures or videos into the folder ${name}/empty, and they appear here.`;
    assert.equal(await page.textContent("#files-notes"), words);
    await folder.write("empty/new.png", picture(9));
    try {
      await run(`document.dispatchEvent(new Event("visibilitychange"))`);
      await until(`document.querySelector('${link("new.png")}')`);
    } finally {
      await folder.remove("empty/new.png");
    }
  });

  it("shows the files of another endpoint by its own URLs", async () => {
    await open();
    await page.click('#endpoints a[href="#/shop/"]');
    await until(`document.querySelector('#endpoints [aria-current]')?.textContent === "shop"`);
    await page.click(link("dogs.jpg"));
    await isAnswered("/shop/tr:w-720,c-at_max/dogs.jpg");
    await until(`document.getElementById("before-image").naturalWidth === 2056`);
    await page.click('[data-text="w-240"]');
    await until(`document.getElementById("after-image").naturalWidth === 240`);
  });

  it("explains why it lists nothing, or shows no thumbnails", async () => {
    await open("#/signed/");
    assert.match(
      String(await page.textContent("#files-notes")),
      /serves signed URLs only \(restrictUnsigned\)/,
    );
    assert.deepEqual(await namesIn("items"), []);
    await run(`location.hash = "#/named/"`);
    await until(`document.querySelector('#endpoints [aria-current]')?.textContent === "named"`);
    assert.match(
      String(await page.textContent("#files-notes")),
      /named transformations only \(restrictUnnamed\)/,
    );
    assert.equal(await run(`document.querySelectorAll("#items img").length`), 0);
    await page.click(link("logo.svg"));
    await isAnswered("/named/logo.svg");
    assert.equal(await page.isVisible("#problem"), false);
  });

  for (const width of [320, 390, 768, 1440, 1920]) {
    it(`fits a window of ${width} pixels, with files and with a video`, async () => {
      await page.setViewportSize({ width, height: 800 });
      for (const hash of ["", "#/tour.mp4/ik-master.m3u8?tr=sr-240", "#/many/", "#/tr:w-abc/dogs.jpg"]) {
        await open(hash);
        await until(`document.getElementById("editor").ariaBusy === "false"`);
        const widest = await run<number>("document.documentElement.scrollWidth");
        assert.ok(widest <= width, `${hash}: ${widest} pixels`);
        const outside = await run<string[]>(`[...document.querySelectorAll("main *:not(.chips *)")]
          .filter((node) => node.checkVisibility() && node.getBoundingClientRect().right > innerWidth + 1)
          .map((node) => node.tagName + "." + node.className).slice(0, 3)`);
        assert.deepEqual(outside, [], hash);
      }
    });
  }

  it("is accessible, in light and dark", async () => {
    for (const hash of ["", "#/empty/", "#/tour.mp4/ik-master.m3u8?tr=sr-240", "#/tr:w-abc/dogs.jpg"]) {
      await open(hash);
      await until(`document.getElementById("editor").ariaBusy === "false"`);
      await assertAccessible(page);
    }
  });

  it("works by keyboard alone", async () => {
    await open();
    await page.press("body", "Tab");
    assert.equal(await run(`document.activeElement.textContent`), "Skip the editor");
    await page.press("#skip", "Enter");
    assert.equal(await run(`document.activeElement.id`), "files-title");
    for (let at = 0; at < 20; at++) {
      await page.press(":focus", "Tab");
      if ((await run(`document.activeElement.title`)) === "trips") break;
    }
    await page.press(":focus", "Enter");
    await until(`document.querySelector('${link("2026 & more")}')`);
    assert.equal(await run(`document.activeElement.id`), "files-title");
  });
});
