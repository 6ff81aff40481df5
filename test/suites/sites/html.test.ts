import assert from "node:assert/strict";
import { type ComponentImage, createComponentUrls, createImages } from "@mediatap/html";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import sharp from "sharp";
import { photo } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

const WIDTHS = [160, 320, 640];

describe("the images that @mediatap/html writes", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({ "my photo,1.jpg": await photo(1200, 900) });
    server = await startServer({
      plugins: usual(),
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { shop: { origins: ["files"], widths: WIDTHS, otherWidths: "refuse", enlarge: false } },
    });
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  const images = (server: string) => createImages({ server, widths: WIDTHS });
  const sizeOf = async (url: string) => {
    const { status, body, headers } = await server.ask(url);
    assert.equal(status, 200, `${url}: ${headers["ik-error"]}`);
    const { width, height } = await sharp(body).metadata();
    return `${width}x${height}`;
  };

  it("are all there, in the widths that they claim", async () => {
    const { srcset = "" } = images("/shop").attributes("my photo,1.jpg", { alt: "" });
    const candidates = srcset.split(", ").map((one) => one.split(" ") as [string, string]);
    assert.equal(candidates.length, WIDTHS.length);
    for (const [url, width] of candidates) {
      assert.equal(
        await sizeOf(url),
        `${Number.parseInt(width, 10)}x${(Number.parseInt(width, 10) * 3) / 4}`,
      );
    }
  });

  it("have the shape of their layout", async () => {
    const { src = "" } = images("/shop").attributes("my photo,1.jpg", { alt: "", width: 150, height: 50 });
    assert.equal(await sizeOf(src), "160x53");
  });

  it("are in the sizes that the image components of frameworks request", async () => {
    const { url } = createComponentUrls({ server: "/shop", widths: WIDTHS });
    const box = { width: 300, height: 100 };
    for (const [image, size] of [
      [{}, "1200x900"],
      [{ width: 300 }, "320x240"],
      [{ height: 150 }, "213x160"],
      [{ ...box, position: "left top" }, "320x107"],
      [{ ...box, position: "attention" }, "320x107"],
      [{ ...box, fit: "contain", background: "#FFF" }, "320x107"],
      [{ ...box, fit: "fill" }, "320x107"],
      [{ ...box, fit: "inside" }, "143x107"],
      [{ ...box, fit: "outside" }, "320x240"],
      [{ width: 160, ratio: [2, 1], quality: 40, blur: 3, format: "png" }, "160x80"],
      [{ width: 160, transformation: "rt-90" }, "120x160"],
    ] as readonly (readonly [ComponentImage, string])[]) {
      assert.equal(await sizeOf(url("/my photo,1.jpg", image)), size, JSON.stringify(image));
    }
  });
});
