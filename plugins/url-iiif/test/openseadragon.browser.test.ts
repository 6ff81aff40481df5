import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import {
  makeFolder,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import sharp from "sharp";
import {
  type Browser,
  describeInBrowser,
  inPage,
  type Page,
  startChromium,
} from "../../../test/suites/support/chromium.ts";
import { coordinates, distance, shown } from "../../../test/suites/support/coordinates.ts";
import { urlIiif } from "../src/index.ts";

const services = createRequire(new URL("../../../test/services/package.json", import.meta.url));

const [WIDTH, HEIGHT, TILE] = [637, 479, 64];

/** Side of the viewer, in pixels of the screen. */
const VIEW = 500;

const PAGE = `<!doctype html><title>viewer</title><style>body { margin: 0 }</style>
<div id="viewer" style="width: ${VIEW}px; height: ${VIEW}px"></div><script src="/openseadragon.js"></script>`;

/** A tile as the viewer asks for it. */
interface Tile {
  readonly url: string;
  /** By how much the image is scaled down. */
  readonly factor: number;
  readonly x: number;
  readonly y: number;
}

describeInBrowser("url-iiif: OpenSeadragon in Chromium", () => {
  let folder: TestFolder;
  let server: TestServer;
  let site: WebOrigin;
  let browser: Browser;
  let page: Page;

  before(async function () {
    const started = await startChromium();
    if (!started) return this.skip();
    browser = started;
    const image = await coordinates(WIDTH, HEIGHT);
    folder = await makeFolder({ "books/a b.jpg": await sharp(image).jpeg({ quality: 95 }).toBuffer() });
    server = await startServer({
      plugins: [urlIiif({ tileSize: TILE }), storageFs(), imageSharp()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { iiif: { origins: ["files"] } },
    });
    // Of another origin than the images.
    site = await startOrigin({
      "viewer.html": { bytes: Buffer.from(PAGE), headers: { "content-type": "text/html" } },
      "openseadragon.js": {
        bytes: await readFile(services.resolve("openseadragon")),
        headers: { "content-type": "text/javascript" },
      },
    });
    page = await browser.newPage({ viewport: { width: VIEW, height: VIEW } });
    await page.goto(`${site.url}/viewer.html`);
  });
  after(async () => {
    await browser?.close();
    await site?.close();
    await server?.close();
    await folder?.close();
  });

  const documentOf = (version: string) => `${server.url}/iiif/${version}/books%2Fa%20b.jpg/info.json`;

  it("asks for tiles, each of which shows its part of the image", async () => {
    let count = 0;
    for (const version of ["2", "3"]) {
      const tiles = await page.evaluate<readonly Tile[]>(
        inPage(`(async () => {
          const url = ${JSON.stringify(documentOf(version))};
          const { IIIFTileSource } = OpenSeadragon;
          const info = await (await fetch(url)).json();
          const source = new IIIFTileSource(IIIFTileSource.prototype.configure(info, url));
          const tiles = [];
          for (let level = source.minLevel; level <= source.maxLevel; level++) {
            const factor = 2 ** (source.maxLevel - level);
            const { x: columns, y: rows } = source.getNumTiles(level);
            for (let x = 0; x < columns; x++) {
              for (let y = 0; y < rows; y++) tiles.push({ url: source.getTileUrl(level, x, y), factor, x, y });
            }
          }
          return tiles;
        })()`),
      );
      for (const { url, factor, x, y } of tiles) {
        const { status, body, text } = await server.ask(url.replace(server.url, ""));
        assert.equal(status, 200, `${url}: ${status === 200 ? "" : text}`);
        const [left, top] = [x * TILE * factor, y * TILE * factor];
        const [right, bottom] = [
          Math.min(left + TILE * factor, WIDTH),
          Math.min(top + TILE * factor, HEIGHT),
        ];
        const { part, width, height } = await shown(body);
        assert.deepEqual(
          [width, height],
          [Math.ceil((right - left) / factor), Math.ceil((bottom - top) / factor)],
          url,
        );
        const expected = {
          left: left / WIDTH,
          right: right / WIDTH,
          top: top / HEIGHT,
          bottom: bottom / HEIGHT,
        };
        assert(distance(part, expected) < 0.03, `${url}: ${JSON.stringify({ part, expected })}`);
        count++;
      }
    }
    assert(count >= 200, String(count));
  });

  it("shows the image, whole and from near", async () => {
    await page.evaluate(
      inPage(`(() => {
        window.failed = [];
        window.viewer = OpenSeadragon({
          id: "viewer",
          tileSources: ${JSON.stringify(documentOf("3"))},
          crossOriginPolicy: "Anonymous",
          drawer: "canvas",
          showNavigationControl: false,
          immediateRender: true,
          animationTime: 0,
        });
        viewer.addHandler("tile-load-failed", ({ message }) => failed.push(message));
        viewer.addHandler("open-failed", ({ message }) => failed.push(message));
      })()`),
    );
    const isDrawn = "viewer.world.getItemAt(0)?.getFullyLoaded()";
    /** Colours at points of the viewer, by its canvas, and where in the image these points are. */
    const samples = async () => {
      await page.waitForFunction(inPage(`failed.length > 0 || ${isDrawn}`), undefined, { timeout: 60_000 });
      return page.evaluate<readonly { at: readonly [number, number]; color: readonly number[] }[]>(
        inPage(`(async () => {
          if (failed.length > 0) throw new Error(failed[0]);
          viewer.forceRedraw();
          await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
          const context = viewer.drawer.canvas.getContext("2d");
          const item = viewer.world.getItemAt(0);
          return [0.2, 0.35, 0.5, 0.65, 0.8].flatMap((x) => [0.3, 0.5, 0.7].map((y) => {
            const [left, top] = [Math.round(x * ${VIEW}), Math.round(y * ${VIEW})];
            const point = item.viewerElementToImageCoordinates(new OpenSeadragon.Point(left + 0.5, top + 0.5));
            return { at: [point.x, point.y], color: [...context.getImageData(left, top, 1, 1).data] };
          }));
        })()`),
      );
    };
    for (const zoom of ["", "viewer.viewport.fitBounds(new OpenSeadragon.Rect(0.6, 0.4, 0.3, 0.3), true)"]) {
      if (zoom) await page.evaluate(inPage(zoom));
      for (const { at, color } of await samples()) {
        const expected = [(at[0] / WIDTH) * 255, (at[1] / HEIGHT) * 255, 128, 255];
        const off = Math.max(...expected.map((value, channel) => Math.abs(value - (color[channel] ?? 0))));
        assert(off < 8, `${at}: ${color} instead of ${expected}`);
      }
    }
    const tiles = site.requests.map(({ url }) => url);
    assert(!tiles.some((url) => url?.includes("iiif")), "images come from the server");
  });
});
