import assert from "node:assert/strict";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import sharp from "sharp";
import { noise, photo, seen } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

const AVIF = "image/avif,image/webp,*/*";
const WEBP = "image/webp,*/*";
const BASIC = "*/*";

describe("the smallest of the formats", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    const stripes = Buffer.alloc(256 * 256 * 3, 255);
    for (let at = 0; at < stripes.length; at++) if ((at >> 6) % 3 === 0) stripes[at] = 0;
    const gif = await sharp(
      [
        await photo(40, 30, "png"),
        await sharp(await photo(40, 30, "png"))
          .negate()
          .png()
          .toBuffer(),
      ],
      { join: { animated: true } },
    )
      .gif()
      .toBuffer();
    folder = await makeFolder({
      "photo.jpg": await photo(300, 200),
      "photo.png": await photo(300, 200, "png"),
      "noise.png": await noise(120, 80),
      // One colour and two: PNG is hard to beat.
      "drawing.png": await sharp(stripes, { raw: { width: 256, height: 256, channels: 3 } })
        .png()
        .toBuffer(),
      "clear.png": await sharp(await photo(120, 80))
        .ensureAlpha(0.5)
        .png()
        .toBuffer(),
      "moving.gif": gif,
    });
    const origins = ["files"];
    server = await startServer({
      plugins: usual(),
      origins: { files: { type: "FOLDER", path: folder.path } },
      autoAvif: true,
      endpoints: {
        default: { origins },
        small: { origins, autoFormat: "smallest" },
        both: { origins, autoFormat: "smallest", quality: "auto" },
        some: { origins, autoFormat: "smallest", allowedFormats: ["jpeg", "png"] },
      },
    });
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  const ask = async (path: string, accept: string) => {
    const answer = await server.ask(path, { headers: { accept } });
    assert.equal(answer.status, 200, `${path}: ${answer.headers["ik-error"]}`);
    const { format } = await seen(answer.body);
    // sharp calls the container by its name.
    return { ...answer, format: format === "heif" ? "avif" : format };
  };
  const bytes = async (format: string, file: string) =>
    (await server.ask(`/tr:w-100,f-${format}/${file}`)).body.length;

  for (const [accept, formats] of [
    [AVIF, ["avif", "webp", "jpg"]],
    [WEBP, ["webp", "jpg"]],
    [BASIC, ["jpg"]],
  ] as const) {
    for (const file of ["photo.jpg", "photo.png", "noise.png", "drawing.png"]) {
      it(`is what is delivered of ${file} to those who accept ${accept}`, async () => {
        const answer = await ask(`/small/tr:w-100/${file}`, accept);
        const candidates = file.endsWith(".png") ? [...formats, "png"] : formats;
        const sizes = await Promise.all(candidates.map((format) => bytes(format, file)));
        assert.equal(answer.body.length, Math.min(...sizes));
        assert.equal(answer.headers["content-type"], `image/${answer.format}`);
        assert.equal(answer.headers.vary, "Accept");
        const again = await ask(`/small/tr:w-100/${file}`, accept);
        assert(again.body.equals(answer.body));
        const { etag = "" } = answer.headers;
        const held = await server.ask(`/small/tr:w-100/${file}`, {
          headers: { accept, "if-none-match": etag },
        });
        assert.deepEqual([held.status, held.headers.vary], [304, "Accept"]);
      });
    }
  }

  it("differs by picture, and so do entity tags by format", async () => {
    assert.equal((await ask("/small/drawing.png", BASIC)).format, "png");
    const tags = new Map<string, string>();
    for (const accept of [AVIF, WEBP, BASIC]) {
      const { format, headers } = await ask("/small/tr:w-100/photo.jpg", accept);
      const known = tags.get(headers.etag ?? "");
      assert(known === undefined || known === format);
      tags.set(headers.etag ?? "", format);
    }
    assert.equal((await ask("/small/tr:w-100/noise.png", BASIC)).format, "jpeg");
  });

  it("keeps transparency, animation and what was asked for by name", async () => {
    for (const accept of [AVIF, WEBP, BASIC]) {
      const clear = await ask("/small/tr:w-60/clear.png", accept);
      assert.equal((await sharp(clear.body).metadata()).hasAlpha, true);
      const moving = await ask("/small/tr:w-20/moving.gif", accept);
      assert.equal((await sharp(moving.body).metadata()).pages, 2);
    }
    assert.equal((await ask("/small/tr:w-60,f-webp/drawing.png", AVIF)).format, "webp");
    const lossless = await ask("/small/tr:w-60,lo-true/photo.png", WEBP);
    assert.notEqual(lossless.format, "jpeg");
  });

  it("chooses from what the endpoint allows", async () => {
    assert.match((await ask("/some/tr:w-60/photo.png", AVIF)).format, /^(?:jpeg|png)$/);
  });

  it("goes together with quality that is looked for", async () => {
    const both = await ask("/both/tr:w-200/photo.jpg", AVIF);
    const small = await ask("/small/tr:w-200/photo.jpg", AVIF);
    assert(both.body.length < small.body.length);
  });
});
