import assert from "node:assert/strict";
import { makeFolder, makePng, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import sharp from "sharp";
import { photo } from "../support/photos.ts";
import { folderConfig } from "../support/plugins.ts";

/** Three frames of two flat colours and a clear corner. */
async function moving(format: "gif" | "webp"): Promise<Buffer> {
  const frames = [0, 1, 2].map((at) =>
    makePng(40, 30, (x, y) =>
      x < 10 && y < 10 ? [0, 0, 0, 0] : x < 20 ? [255, 0, 0, 255] : [0, 80 * at, 255, 255],
    ),
  );
  const animation = sharp(frames, { join: { animated: true } });
  return format === "gif" ? animation.gif().toBuffer() : animation.webp({ lossless: true }).toBuffer();
}

const DRAWING =
  '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="20" height="30" fill="red"/></svg>';

describe("a URL that ends in ik-thumbnail.jpg", () => {
  let folder: TestFolder;
  let server: TestServer;
  const servers: TestServer[] = [];
  const serverWith = async (rules: object) => {
    const other = await startServer({ ...folderConfig(folder.path), ...rules });
    servers.push(other);
    return other;
  };
  before(async () => {
    folder = await makeFolder({
      "moving.gif": await moving("gif"),
      "moving.webp": await moving("webp"),
      "palette.png": await sharp(await photo(40, 30))
        .png({ palette: true })
        .toBuffer(),
      "clear.png": makePng(40, 30, (x) => [0, 0, 255, x < 20 ? 0 : 255]),
      "photo.jpg": await photo(40, 30),
      "drawing.svg": DRAWING,
      "drawing.png": DRAWING,
    });
    server = await serverWith({});
  });
  after(async () => {
    await Promise.all(servers.map((one) => one.close()));
    await folder.close();
  });

  const NAMES = ["moving.gif", "moving.webp", "palette.png", "clear.png", "photo.jpg", "drawing.svg"];
  async function formatOf(path: string, accept?: string, from = server) {
    const { status, headers, body, text } = await from.ask(
      path,
      accept === undefined ? {} : { headers: { accept } },
    );
    assert.equal(status, 200, `${path}: ${text.slice(0, 100)}`);
    const { format, pages = 1 } = await sharp(body).metadata();
    assert.equal(headers["content-type"], `image/${format === "heif" ? "avif" : format}`, path);
    assert.equal(pages, 1, path);
    return { format, vary: headers.vary, body };
  }

  it("is a JPEG for clients that accept no better, whatever the source is", async () => {
    for (const name of NAMES) {
      for (const accept of [undefined, "*/*", "image/*", "image/jpeg,image/png"]) {
        for (const tr of ["", "?tr=w-20", "?tr=f-auto,w-20"]) {
          const { format, vary } = await formatOf(`/${name}/ik-thumbnail.jpg${tr}`, accept);
          assert.deepEqual([format, vary], ["jpeg", "Accept"], `${name}${tr} ${accept}`);
        }
      }
    }
  });

  it("is needed for an SVG, unless its name claims that it is another picture", async () => {
    for (const tr of ["", "?tr=w-20", "?tr=w-20,rt-90"]) {
      const { headers, body } = await server.ask(`/drawing.svg${tr}`);
      assert.deepEqual([headers["content-type"], body.toString()], ["image/svg+xml", DRAWING], tr);
      const { format } = await formatOf(`/drawing.png${tr}`, "image/webp");
      assert.equal(format, "webp", tr);
    }
    const original = await server.ask("/drawing.png?tr=orig-true");
    assert.equal(original.body.toString(), DRAWING);
  });

  it("lays what is clear on the background", async () => {
    for (const name of ["moving.gif", "moving.webp", "clear.png"]) {
      const { body } = await formatOf(`/${name}/ik-thumbnail.jpg?tr=bg-00FF00`);
      const [red = 0, green = 0, blue = 0] = await sharp(body)
        .extract({ left: 3, top: 3, width: 1, height: 1 })
        .raw()
        .toBuffer();
      assert(red < 20 && green > 230 && blue < 20, `${name}: ${red}, ${green}, ${blue}`);
    }
  });

  it("is what clients that accept better get else, and what the URL names", async () => {
    const webp = await formatOf("/moving.gif/ik-thumbnail.jpg", "image/webp");
    assert.deepEqual([webp.format, webp.vary], ["webp", "Accept"]);
    assert.equal((await formatOf("/moving.gif/ik-thumbnail.jpg?tr=f-png")).format, "png");
    assert.equal((await formatOf("/moving.gif/ik-thumbnail.jpg?tr=lo-true")).format, "png");
    assert.equal((await formatOf("/moving.gif?tr=pg-1")).format, "png");
  });

  it("is a JPEG where endpoints write the smallest format, or do not negotiate", async () => {
    for (const autoFormat of ["smallest", false]) {
      const other = await serverWith({ autoFormat });
      for (const name of NAMES) {
        assert.equal((await formatOf(`/${name}/ik-thumbnail.jpg`, "*/*", other)).format, "jpeg", name);
      }
    }
    const without = await serverWith({ allowedFormats: ["png", "webp"] });
    assert.equal((await formatOf("/moving.gif/ik-thumbnail.jpg", "*/*", without)).format, "png");
  });
});
