import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { presetDevelopment } from "@mediatap/preset-development";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { presetMediatap } from "mediatap";
import { pino } from "pino";
import { photo, seen } from "../support/photos.ts";

/** What people write into a URL by mistake, and what the server answers. */
describe("a URL with a mistake", () => {
  let folder: TestFolder;
  let server: TestServer;
  let plain: TestServer;
  const lines: string[] = [];
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(800, 600), "note.txt": "text", "w-200/a.txt": "a" });
    const config = {
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: {
        default: { origins: ["files"] },
        shop: { origins: ["files"], privateKey: "a key of sixteen bytes", restrictUnsigned: "all" as const },
      },
      namedTransformations: { thumb: "w-150,h-150" },
    };
    const log = pino({}, { write: (line) => lines.push(line) });
    server = await startServer({ presets: [presetMediatap(), presetDevelopment()], ...config }, { log });
    plain = await startServer({ presets: [presetMediatap()], ...config });
  });
  after(async () => {
    await server?.close();
    await plain?.close();
    await folder?.close();
  });

  for (const [url, status, ...texts] of [
    ["/tr:w-400;h-300/photo.jpg", 400, "received '400;h-300'; a comma separates parameters"],
    ["/tr:w-400,%20h-300/photo.jpg", 400, "Expected no space before 'h-300'"],
    ["/photo.jpg?tr=w-400,+h-300", 400, "Expected no space before 'h-300'"],
    ["/tr:width-400/photo.jpg", 400, "received 'width', did you mean \"w-400\"?"],
    ["/tr:w=400/photo.jpg", 400, "received 'w=400', did you mean \"w-400\"?"],
    ["/tr:w-100,h-100,fo-centre/photo.jpg", 400, "Expected one of center, top, ", 'did you mean "center"?'],
    [
      "/tr:w-100,h-100,fo-object/photo.jpg",
      400,
      "Expected one of center, top, ",
      " face or an object for fo",
    ],
    ["/tr:n-thumbb/photo.jpg", 400, "Expected name of a stored transformation", 'did you mean "thumb"?'],
    ["/photo.jpg?tr=bg-%23ff0000", 400, "Expected colour such as FF0000", 'did you mean "ff0000"?'],
    ["/tr:bg-GGGGGG/photo.jpg", 400, "Expected colour such as FF0000, FF000050 or red"],
    ["/sub/", 400, "Expected the path of a file but received one that ends in a slash"],
    ["/sub//photo.jpg", 400, "Expected a name between two slashes of the path"],
    [
      "/tr-w-400/photo.jpg",
      404,
      "Not Found: ",
      "'tr-w-400' in the path is a folder, did you mean \"tr:w-400\"?",
    ],
    [
      "/w-400,h-300/photo.jpg",
      404,
      "'w-400,h-300' in the path is a folder, did you mean \"tr:w-400,h-300\"?",
    ],
    ["/tr=w-400/photo.jpg", 404, "'tr=w-400' in the path is a folder, did you mean \"tr:w-400\"?"],
    ["/width_400/photo.jpg", 404, 'did you mean "tr:w-400"?'],
    ["/nowhere.jpg?w=400", 404, "'w=400' in the query has no effect, did you mean \"tr=w-400\"?"],
    ["/tr:w-400", 404, "Not Found: Expected the path of a file after the transformation"],
    ["/tr:w-400/", 404, "Not Found: Expected the path of a file after the transformation"],
    ["/Photo.jpg", 404, "Not Found: No file was found at the specified path\n"],
    ["/t-shirts/x-ray.jpg", 404, "Not Found: No file was found at the specified path\n"],
    ["/tr:l-image,i-a@@nope.png,l-end/photo.jpg", 404, "Not Found: ", ": 'a/nope.png' of the transformation"],
    ["/tr:l-text,i-Hi,ff-fonts@@no.ttf,l-end/photo.jpg", 404, ": 'fonts/no.ttf' of the transformation"],
    ["/tr:l-image,i-note.txt,l-end/photo.jpg", 404, "Expected an image for the layer 'note.txt'"],
    ["/shop/photo.jpg", 401, "A valid signature is required"],
    [`/shop/photo.jpg?ik-s=${"0".repeat(40)}`, 401, "The signature does not match this URL"],
    [`/shop/nowhere.jpg?ik-s=${"0".repeat(40)}`, 401, "The signature does not match this URL"],
    [
      `/shop/photo.jpg?ik-t=1000000000&ik-s=${signature("photo.jpg", "1000000000")}`,
      401,
      "The signature has expired",
    ],
  ] as [url: string, status: number, ...texts: string[]][]) {
    it(`says what is wrong: ${url.slice(0, 60)}`, async () => {
      const answer = await plain.ask(url);
      assert.equal(answer.status, status, answer.text);
      for (const text of texts) assert(answer.text.includes(text), answer.text);
      assert(!answer.text.includes(folder.path));
    });
  }

  for (const [url, width, note] of [
    ["/photo.jpg?w=400", 800, "'w=400' in the query has no effect, did you mean \"tr=w-400\"?"],
    ["/photo.jpg?tr:w-400", 800, "'tr:w-400' in the query has no effect, did you mean \"tr=w-400\"?"],
    ["/photo.jpg?width=400", 800, "'width=400' in the query has no effect, did you mean \"tr=w-400\"?"],
    ["/photo.jpg?tr=w-400&h-300", 400, "'h-300' in the query has no effect, did you mean \"tr=...,h-300\"?"],
    ["/tr:w-100000/photo.jpg", 800, "'w-100000' has no effect, it exceeds 65535"],
    ["/photo.jpg?v=3&updatedAt=1700000000&utm_source=x&t=1700000000&id=w-400", 800, undefined],
    ["/tr:w-400/photo.jpg?v=2", 400, undefined],
    ["/w-200/a.txt", undefined, undefined],
  ] as [url: string, width: number | undefined, note: string | undefined][]) {
    it(`is answered, in development with a hint: ${url}`, async () => {
      lines.length = 0;
      const answer = await server.ask(url);
      assert.equal(answer.status, 200);
      if (width !== undefined) assert.equal((await seen(answer.body)).width, width);
      assert.equal(answer.headers["x-mediatap-note"], note);
      const logged = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 40);
      assert.deepEqual(
        logged.map(({ msg, url }) => [msg, url]),
        note === undefined ? [] : [[note, url]],
      );
      const elsewhere = await plain.ask(url);
      assert.equal(elsewhere.headers["x-mediatap-note"], undefined);
      const { notes } = await explained(url);
      assert.deepEqual(notes, note === undefined ? undefined : [note]);
    });
  }

  it("is answered, in development with the mistake that explains a wrong signature", async () => {
    const signature = createHmac("sha1", "a key of sixteen bytes").update("photo.jpg").digest("hex");
    const url = `/shop/photo.jpg?ik-s=${signature}`;
    const fault = "It was made without 9999999999 at the end of the text, which means that it never expires.";
    const answer = await server.ask(url);
    assert.deepEqual(
      [answer.status, answer.text],
      [401, `The signature does not match this URL. ${fault}\n`],
    );
    assert.match(answer.headers["cache-control"] ?? "", /no-store|max-age=0/);
    const elsewhere = await plain.ask(url);
    assert.deepEqual([elsewhere.status, elsewhere.text], [401, "The signature does not match this URL\n"]);
    assert.equal((await server.ask("/shop/photo.jpg")).text, "A valid signature is required\n");
  });

  it("is explained with the file that is missing, and the folder that is none", async () => {
    const layer = await explained("/tr:l-image,i-nope.png,l-end/photo.jpg");
    assert.match(layer.errors[0].message, /: 'nope\.png' of the transformation$/);
    const { notes } = await explained("/w-400/photo.jpg");
    assert.deepEqual(notes, [`'w-400' in the path is a folder, did you mean "tr:w-400"?`]);
  });

  it("is explained with the font that takes an unknown one's place", async () => {
    const { plan } = await explained("/tr:l-text,i-Hi,ff-Robotto,l-end/photo.jpg");
    assert.match(
      plan.explanation.notes[0],
      /^the font 'Robotto' is not installed, Open Sans takes its place/,
    );
    const known = await explained("/tr:l-text,i-Hi,ff-Open Sans,l-end/photo.jpg");
    assert.equal(known.plan.explanation.notes, undefined);
  });

  // biome-ignore lint/suspicious/noExplicitAny: looked into field by field
  async function explained(url: string): Promise<any> {
    return JSON.parse((await server.ask(`/-/explain?url=${encodeURIComponent(url)}`)).text);
  }
});

/** `ik-s` of a path: section "signed URLs" of ImageKit's manual. */
function signature(path: string, expiry: string): string {
  return createHmac("sha1", "a key of sixteen bytes").update(`${path}${expiry}`).digest("hex");
}
