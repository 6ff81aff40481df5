import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import type { MediatapConfig } from "@mediatap/core";
import {
  makeFolder,
  readPng,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { presetMediatap } from "mediatap";
import { assertError } from "../support/errors.ts";
import { photo } from "../support/photos.ts";

const TEXT = "#EXTM3U\nthis is a playlist of somebody else\n";

const RED = '<rect width="60" height="40" fill="#f00"/>';
const svg = (inner: string, encoding = "UTF-8") =>
  `<?xml version="1.0" encoding="${encoding}"?><svg xmlns="http://www.w3.org/2000/svg" width="60" height="40">${inner}</svg>`;
const utf16 = Buffer.from(`\ufeff${svg(RED, "UTF-16")}`, "utf16le");

/** The first bytes of files that nothing here decodes. */
const UNREAD: Readonly<Record<string, Buffer>> = {
  jxl: Buffer.from("0000000c4a584c200d0a870a00000014667479706a786c20", "hex"),
  jp2: Buffer.from("0000000c6a5020200d0a870a00000014667479706a703220", "hex"),
  exr: Buffer.from("762f310102000000", "hex"),
  hdr: Buffer.from("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n"),
  dpx: Buffer.from("SDPX\0\0\x20\0V2.0"),
  sgi: Buffer.from("01da010100030028001e0003", "hex"),
};

const PICTURES =
  "jpg png gif webp avif bmp tif ico svg svgz psd heic jxl jp2 tga ppm pam pcx qoi exr hdr pdf eps cr2 cr3 nef arw orf raf rw2 mxf mp4 mov webm mkv avi".split(
    " ",
  );

describe("a file that cannot be transformed", () => {
  let folder: TestFolder;
  let origin: WebOrigin;
  let server: TestServer;
  let bare: TestServer;
  before(async () => {
    const good = await photo(60, 40);
    folder = await makeFolder({
      "photo.jpg": good,
      "notes.txt": TEXT,
      "style.css": "a { color: red }",
      notes: TEXT,
      "song.mp3": Buffer.from("ID3\x04\0\0\0\0\0\0"),
      "utf16.svg": utf16,
      "utf16be.svg": Buffer.from(utf16).swap16(),
      "latin.svg": Buffer.from(svg(`<!-- \u00e9 -->${RED}`, "ISO-8859-1"), "latin1"),
      "utf7.svg": svg(RED, "UTF-7"),
      "good.svg": svg(RED),
      "many.svg": svg('<rect width="6"/>'.repeat(10_001)),
      "video.jpg": execFileSync(
        "ffmpeg",
        [
          "-v",
          "error",
          "-f",
          "lavfi",
          "-i",
          "testsrc=d=1:r=5:s=64x48",
          "-movflags",
          "frag_keyframe+empty_moov",
        ].concat("-f", "mp4", "-"),
      ),
      "blurred.svg": svg(
        `<filter id="f"><feGaussianBlur stdDeviation="90"/></filter>${`<g filter="url(#f)">${RED}</g>`.repeat(40)}`,
      ),
      "long.svg": svg(`<!-- ${"x".repeat(1024 * 1024)} -->${RED}`),
      "outside.svg": svg('<image href="https://example.com/a.png"/>'),
      ...Object.fromEntries(PICTURES.map((extension) => [`lie.${extension}`, TEXT])),
      ...Object.fromEntries(Object.entries(UNREAD).map(([extension, bytes]) => [`real.${extension}`, bytes])),
      "unnamed-jxl": UNREAD.jxl as Buffer,
      "named-otherwise.jpg": UNREAD.jxl as Buffer,
    });
    origin = await startOrigin();
    const config = (plugins: Pick<MediatapConfig, "presets">): MediatapConfig => ({
      ...plugins,
      origins: {
        files: { type: "FOLDER", path: folder.path },
        web: { type: "WEB_FOLDER", baseUrl: origin.url },
      },
      endpoints: { default: { origins: ["files"] }, web: { origins: ["web"] } },
    });
    server = await startServer(config({ presets: [presetMediatap()] }));
    const names = ["image-sharp", "video-ffmpeg", "focus-faces"];
    const plugins = (presetMediatap().plugins ?? []).filter(
      (plugin) =>
        typeof plugin === "object" &&
        plugin &&
        "name" in plugin &&
        !/^decode-/.test(plugin.name) &&
        !names.includes(plugin.name),
    );
    bare = await startServer({ ...config({ presets: presetMediatap().presets ?? [] }), plugins });
  });
  after(async () => {
    await Promise.all([server.close(), bare.close(), origin.close()]);
    await folder.close();
  });

  async function assertPasses(path: string, text = TEXT, from = server): Promise<void> {
    const answer = await from.ask(path);
    assert.deepEqual([answer.status, answer.text], [200, text], path);
  }
  const assertRefused = async (path: string, status: number, code: string, from = server) =>
    assertError(await from.ask(path), status, code, [folder.path, String(origin.port)]);

  it("is refused if its name is that of a picture or a video", async () => {
    for (const extension of PICTURES) {
      for (const tr of ["w-20", "f-png", "q-51", "rt-90,md-true"]) {
        if (tr === "f-png" && /^(?:mp4|mov|webm|mkv|avi)$/.test(extension)) continue;
        if (tr === "rt-90,md-true" && /^(?:mp4|mov|webm|mkv|avi)$/.test(extension)) continue;
        await assertRefused(`/lie.${extension}?tr=${tr}`, 400, "UNIDENTIFIED");
      }
      await assertRefused(`/lie.${extension}/ik-thumbnail.jpg`, 400, "UNIDENTIFIED");
    }
  });

  it("is refused if the ending of its URL asks for a picture or a video", async () => {
    for (const path of ["notes.txt", "notes", "style.css", "lie.mp4"]) {
      await assertRefused(`/${path}/ik-thumbnail.jpg`, 400, "UNIDENTIFIED");
      await assertRefused(`/${path}/ik-video.mp4?tr=w-20`, 400, "UNIDENTIFIED");
      await assertRefused(`/${path}/ik-video.mp4/ik-thumbnail.jpg`, 400, "UNIDENTIFIED");
      await assertRefused(`/${path}/ik-gif-video.mp4`, 400, "UNIDENTIFIED");
      for (const playlist of ["m3u8", "mpd"]) {
        const { status } = await server.ask(`/${path}/ik-video.mp4/ik-master.${playlist}?tr=sr-240`);
        assert(status >= 400 && status < 500, `${path}: ${status}`);
      }
    }
  });

  it("is refused if its origin calls it a picture or a video", async () => {
    for (const [type, status] of [
      ["image/jpeg", 400],
      ["video/mp4", 400],
      ["image/svg+xml; charset=utf-8", 400],
      ["application/pdf", 400],
      ["text/plain", 200],
      ["application/octet-stream", 200],
    ] as const) {
      const name = `claim-${type.replaceAll(/\W/g, "-")}`;
      origin.files.set(name, { bytes: Buffer.from(TEXT), headers: { "content-type": type } });
      const answer = await server.ask(`/web/${name}?tr=w-20`);
      assert.equal(answer.status, status, type);
      if (status === 200) assert.equal(answer.text, TEXT);
      else assertError(answer, 400, "UNIDENTIFIED");
      await assertPasses(`/web/${name}`);
    }
  });

  it("is refused by the name of its format if no plugin decodes it", async () => {
    for (const [format, bytes] of Object.entries(UNREAD)) {
      for (const tr of ["w-20", "f-png", "f-webp,q-50"]) {
        const answer = await server.ask(`/real.${format}?tr=${tr}`);
        assertError(answer, 403, "EUNSUPPORTED");
        assert.match(answer.text, new RegExp(`\\b${format}\\b`));
      }
      await assertRefused(`/real.${format}/ik-thumbnail.jpg`, 403, "EUNSUPPORTED");
      for (const tr of ["", "?tr=orig-true", "?tr=f-auto"]) {
        assert((await server.ask(`/real.${format}${tr}`)).body.equals(bytes), `${format}${tr}`);
      }
    }
    await assertRefused("/unnamed-jxl?tr=w-20", 403, "EUNSUPPORTED");
    await assertRefused("/named-otherwise.jpg?tr=w-20", 403, "EUNSUPPORTED");
  });

  it("is refused if it is a drawing whose filters take longer than an image may, at the size asked for", async () => {
    await assertRefused("/blurred.svg?tr=f-png,w-4000", 400, "ELIMIT");
    assert.equal((await server.ask("/blurred.svg?tr=f-png,w-60")).status, 200);
  });

  it("is refused if it is a video with the name of a picture, and nothing is asked", async () => {
    await assertRefused("/video.jpg", 404, "UNIDENTIFIED");
    assert.equal((await server.ask("/video.jpg?tr=orig-true")).status, 200);
  });

  it("is refused if it is sound", async () => {
    for (const path of ["/song.mp3?tr=w-20", "/song.mp3?tr=f-png", "/song.mp3/ik-thumbnail.jpg"]) {
      await assertRefused(path, 403, "EUNSUPPORTED");
    }
    assert.equal((await server.ask("/song.mp3")).headers["content-type"], "audio/mpeg");
  });

  it("is refused as a layer and as a default image", async () => {
    const layer = (name: string) => `/photo.jpg?tr=w-20,l-image,i-${name},l-end`;
    await assertRefused(layer("notes.txt"), 404, "UNIDENTIFIED");
    await assertRefused(layer("lie.png"), 404, "UNIDENTIFIED");
    await assertRefused(layer("real.jxl"), 403, "EUNSUPPORTED");
    await assertRefused(layer("many.svg"), 400, "ELIMIT");
    for (const tr of ["w-20,di-notes.txt", "di-notes.txt", "w-20,di-lie.png", "w-20,di-real.jxl"]) {
      await assertRefused(`/missing.jpg?tr=${tr}`, 404, "ENOENT");
    }
    assert.equal((await server.ask("/missing.jpg?tr=w-20,di-photo.jpg")).status, 200);
  });

  it("passes if it is no media at all, or the URL asks for nothing", async () => {
    for (const path of ["/notes.txt?tr=w-20", "/notes?tr=w-20,h-20", "/notes.txt", "/notes?tr=f-auto"]) {
      await assertPasses(path);
    }
    await assertPasses("/style.css?tr=w-20,q-30", "a { color: red }");
    for (const extension of PICTURES) {
      if (/^(?:jpg|png|gif|webp|avif)$/.test(extension)) {
        await assertRefused(`/lie.${extension}`, 404, "UNIDENTIFIED");
      } else await assertPasses(`/lie.${extension}`);
      await assertPasses(`/lie.${extension}?tr=orig-true`);
    }
  });

  it("is refused if no engine is installed", async () => {
    for (const path of [
      "photo.jpg?tr=w-20",
      "photo.jpg?tr=f-png",
      "good.svg?tr=f-png",
      "lie.mp4?tr=w-20",
      "lie.mp4/ik-master.m3u8?tr=sr-240",
      "lie.mp4/ik-thumbnail.jpg",
      "notes/ik-thumbnail.jpg",
    ]) {
      await assertRefused(`/${path}`, 403, "EUNSUPPORTED", bare);
    }
    await assertPasses("/notes.txt?tr=w-20", TEXT, bare);
    await assertPasses("/lie.mp4", TEXT, bare);
  });

  describe("an SVG", () => {
    it("is drawn in whatever encoding it is", async () => {
      for (const name of ["good", "utf16", "utf16be", "latin"]) {
        const answer = await server.ask(`/${name}.svg?tr=f-png,w-30`);
        assert.equal(answer.status, 200, `${name}: ${answer.text.slice(0, 100)}`);
        const picture = readPng(answer.body);
        assert.deepEqual([picture.width, picture.height], [30, 20], name);
        assert.deepEqual([...picture.at(15, 10)], [255, 0, 0, 255], name);
      }
      assert((await server.ask("/utf16.svg")).body.equals(utf16));
    });

    it("is refused if it cannot be drawn, and passes if nobody draws it here", async () => {
      for (const [name, status, code] of [
        ["many", 400, "ELIMIT"],
        ["long", 400, "ELIMIT"],
        ["outside", 403, "EUNSUPPORTED"],
        ["utf7", 403, "EUNSUPPORTED"],
      ] as const) {
        await assertRefused(`/${name}.svg?tr=f-png,w-30`, status, code);
        await assertRefused(`/${name}.svg?tr=f-jpg`, status, code);
        assert.equal((await server.ask(`/${name}.svg`)).headers["content-type"], "image/svg+xml", name);
      }
    });
  });
});
