import assert from "node:assert/strict";
import { join } from "node:path";
import { likeness } from "@mediatap/core/decode";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import sharp from "sharp";
import { urlNext } from "../src/index.ts";
import { type Optimizer, startOptimizer, withNext } from "./next.ts";

const MEDIA = join(import.meta.dirname, "../../../examples/start/media");

/** Likeness from which on two pictures are the same. */
const SSIM = 0.98;

const IMAGES = {
  imageSizes: [16, 32, 48, 64, 96, 128, 256, 384],
  qualities: [30, 50, 75, 90, 100],
  localPatterns: [
    { pathname: "/shop/**", search: "" },
    { pathname: "/*.*" },
    { pathname: "/versions/*", search: "?v=1" },
  ],
  remotePatterns: [{ protocol: "https", hostname: "*.example.com", pathname: "/images/**", search: "" }],
} as const;

const FILES = ["/photo.jpg", "/shop/drawing.png", "/shop/a b/upright photo.jpg"] as const;

/** URLs that Next refuses, or answers with 404. */
const WRONG = [
  "?w=640&q=75",
  "?url=&w=640&q=75",
  "?url=%2Fphoto.jpg&url=%2Fa.jpg&w=640&q=75",
  `?url=%2F${"a".repeat(3072)}&w=640&q=75`,
  "?url=%2F%2Fexample.com%2Fa.jpg&w=640&q=75",
  "?url=%2F_next%2Fimage%3Furl%3D%2Fphoto.jpg&w=640&q=75",
  "?url=photo.jpg&w=640&q=75",
  "?url=ftp%3A%2F%2Fwww.example.com%2Fimages%2Fa.jpg&w=640&q=75",
  "?url=https%3A%2F%2Fexample.com%2Fimages%2Fa.jpg&w=640&q=75",
  "?url=http%3A%2F%2Fwww.example.com%2Fimages%2Fa.jpg&w=640&q=75",
  "?url=https%3A%2F%2Fwww.example.com%2Fother%2Fa.jpg&w=640&q=75",
  "?url=https%3A%2F%2Fwww.example.com%2Fimages%2Fa.jpg%3Fv%3D1&w=640&q=75",
  "?url=%2Fprivate%2Fphoto.jpg&w=640&q=75",
  "?url=%2Fshop%2Fa.jpg%3Fv%3D1&w=640&q=75",
  "?url=%2Fversions%2Fa.jpg%3Fv%3D2&w=640&q=75",
  "?url=%2Fphoto.jpg&q=75",
  "?url=%2Fphoto.jpg&w=&q=75",
  "?url=%2Fphoto.jpg&w=640&w=750&q=75",
  "?url=%2Fphoto.jpg&w=wide&q=75",
  "?url=%2Fphoto.jpg&w=0&q=75",
  "?url=%2Fphoto.jpg&w=-640&q=75",
  "?url=%2Fphoto.jpg&w=641&q=75",
  "?url=%2Fphoto.jpg&w=640",
  "?url=%2Fphoto.jpg&w=640&q=75&q=90",
  "?url=%2Fphoto.jpg&w=640&q=high",
  "?url=%2Fphoto.jpg&w=640&q=0",
  "?url=%2Fphoto.jpg&w=640&q=101",
  "?url=%2Fphoto.jpg&w=640&q=76",
];

/** Of clients, in turn. */
const ACCEPTS = ["image/avif,image/webp,*/*", "*/*"];

withNext(() => {
  describe("url-next beside Next's optimiser", function () {
    this.timeout(180_000);
    let folder: TestFolder;
    let next: Optimizer;
    let server: TestServer;
    before(async () => {
      const [photo, upright, drawing] = await Promise.all([
        sharp(join(MEDIA, "mountains.jpg")).resize(352, 232).jpeg({ quality: 95 }).toBuffer(),
        sharp(join(MEDIA, "fig.jpg")).resize(300, 200).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
        sharp(join(MEDIA, "logo.png")).resize(160, 120, { fit: "fill" }).png().toBuffer(),
      ]);
      const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
      folder = await makeFolder({
        "photo.jpg": photo,
        "shop/drawing.png": drawing,
        "shop/a b/upright photo.jpg": upright,
        "shop/drawing.svg": svg,
      });
      next = await startOptimizer(folder.path, IMAGES);
      server = await startServer({
        plugins: [urlNext(IMAGES), storageFs(), imageSharp()],
        origins: { files: { type: "FOLDER", path: folder.path } },
        endpoints: { default: { origins: ["files"] } },
      });
    });
    after(async () => {
      await server?.close();
      await next?.close();
      await folder?.close();
    });

    it("gives the same size, format and picture for more than 200 URLs of next/image", async () => {
      const urls = new Set<string>();
      for (const src of FILES) {
        for (const quality of IMAGES.qualities) {
          const sized = [16, 24, 48, 100, 128, 300, 500, 1000].map((width) => ({ width, height: width }));
          for (const size of [...sized, { fill: true, sizes: "100vw" }, { fill: true, sizes: "25vw" }]) {
            for (const url of await next.urls({ src: encodeURI(src), quality, ...size })) urls.add(url);
          }
        }
      }
      assert.ok(urls.size > 200, String(urls.size));
      const wrong: string[] = [];
      for (const [at, url] of [...urls].entries()) {
        const accept = ACCEPTS[at % ACCEPTS.length] ?? "";
        const fault = await faultOf(url, { accept });
        if (fault !== undefined) wrong.push(`${url} for ${accept}: ${fault}`);
      }
      assert.deepEqual(wrong, []);
    });

    /** How the answers to one URL differ. */
    async function faultOf(
      url: string,
      headers: Readonly<Record<string, string>>,
    ): Promise<string | undefined> {
      const [theirs, ours] = [await next.ask(url, headers), await server.ask(url, { headers })];
      if (theirs.status !== 200 || ours.status !== 200)
        return `${theirs.status} and ${ours.status} ${ours.text}`;
      const types = [theirs.headers["content-type"], ours.headers["content-type"]];
      if (types[0] !== types[1]) return types.join(" and ");
      const [a, b] = [await pictureOf(theirs.body), await pictureOf(ours.body)];
      if (a.width !== b.width || a.height !== b.height) {
        return `${a.width}x${a.height} and ${b.width}x${b.height}`;
      }
      if (likeness(a, b) >= SSIM) return undefined;
      // Where both lose more than that by encoding, ours has to be as close to the exact picture as theirs is.
      const exact = await pictureOf(await exactOf(url));
      const [near, far] = [likeness(b, exact), likeness(a, exact)];
      return near >= far - 0.01
        ? undefined
        : `SSIM to the exact one ${near.toFixed(4)} and ${far.toFixed(4)}`;
    }

    /** What Next encodes for a URL. */
    function exactOf(url: string): Promise<Buffer> {
      const { searchParams } = new URL(url, "http://localhost");
      const path = decodeURIComponent(searchParams.get("url") ?? "");
      return sharp(join(folder.path, path))
        .rotate()
        .resize(Number(searchParams.get("w")), undefined, { withoutEnlargement: true })
        .png()
        .toBuffer();
    }

    it("refuses what Next refuses, in its words", async () => {
      for (const query of WRONG) {
        const url = `/_next/image${query}`;
        const [theirs, ours] = [await next.ask(url), await server.ask(url)];
        assert.deepEqual([ours.status, ours.text.trim()], [theirs.status, theirs.text], url);
        assert.equal(ours.status, 400, url);
      }
    });

    it("refuses SVGs, and does not find what is not there, as Next does", async () => {
      for (const [path, status] of [
        ["/shop/drawing.svg", 400],
        ["/shop/none.jpg", 404],
      ] as const) {
        const url = `/_next/image?url=${encodeURIComponent(path)}&w=640&q=75`;
        const [theirs, ours] = [await next.ask(url), await server.ask(url)];
        assert.deepEqual([ours.status, theirs.status], [status, status], path);
        if (status === 400) assert.equal(ours.text.trim(), theirs.text);
      }
    });
  });
});

/** Size and luma of a picture, on grey. */
async function pictureOf(bytes: Uint8Array) {
  const { data, info } = await sharp(bytes)
    .flatten({ background: "#808080" })
    .grayscale()
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
