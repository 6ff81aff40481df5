import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import {
  makeFolder,
  makePng,
  readPng,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { svgDompurify } from "../src/index.ts";
import { document } from "./attacks.ts";

const UNSAFE_SVG = document(
  '<script>alert(1)</script><rect width="60" height="40" fill="#f00" onclick="x()"/>',
);
const SAFE_SVG = document('<rect width="60" height="40" fill="#f00"/>').replace(" >", ">");

describe("svg-dompurify", () => {
  let folder: TestFolder;
  let origin: WebOrigin;
  let server: TestServer;
  let without: TestServer;
  const png = makePng(6, 4, () => [0, 0, 255, 255]);

  before(async () => {
    const utf16 = Buffer.from(`\ufeff<?xml version="1.0" encoding="UTF-16"?>${UNSAFE_SVG}`, "utf16le");
    folder = await makeFolder({
      "evil.svg": UNSAFE_SVG,
      "evil.xml": UNSAFE_SVG,
      "late.xml": `<?xml version="1.0"?><!-- ${"x".repeat(9000)} -->${UNSAFE_SVG}`,
      "endless.xml": `<!-- ${"x".repeat(1024 * 1024)} -->${UNSAFE_SVG}`,
      "other.xml": `<?xml version="1.0"?><!-- ${"x".repeat(9000)} --><list/>`,
      evil: UNSAFE_SVG,
      "evil.jpg": UNSAFE_SVG,
      "marked.svg": `\ufeff${UNSAFE_SVG}`,
      "utf16.svg": utf16,
      "utf16be.svg": Buffer.from(utf16).swap16(),
      "latin.svg": Buffer.from(
        `<?xml version="1.0" encoding="ISO-8859-1"?><!-- \u00e9 -->${UNSAFE_SVG}`,
        "latin1",
      ),
      "late.svg": `<!-- ${"x".repeat(9000)} -->${UNSAFE_SVG}`,
      "broken.svg": UNSAFE_SVG.replace("</svg>", ""),
      "text.svg": "no drawing",
      "empty.svg": "",
      "packed.svgz": gzipSync(UNSAFE_SVG),
      "packed.svg": gzipSync(UNSAFE_SVG),
      "utf7.svg": `<?xml version="1.0" encoding="UTF-7"?>${UNSAFE_SVG}`,
      "entity.svg": `<!DOCTYPE svg SYSTEM "a>b" [<!ENTITY x "<script>alert(1)</script>">]>${document("&x;")}`,
      "long.svg": document(`<desc>${"x".repeat(1024 * 1024)}</desc>`),
      "many.svg": document("<g/>".repeat(10_001)),
      "deep.svg": document("<g>".repeat(9990) + "</g>".repeat(9990)),
      "wide.svg": document(`<g ${Array.from({ length: 50_000 }, (_, at) => `a${at}=""`).join(" ")}/>`),
      "nested.svg": document("<g>".repeat(250) + "</g>".repeat(250)),
      "large.svg": document(
        '<rect width="6" style="fill:red" class="a" transform="rotate(9)" stroke-linecap="round"/>'.repeat(
          9990,
        ),
      ),
      "picture.svg": png,
      "photo.png": png,
      "notes.txt": UNSAFE_SVG.replace("<svg", "<!-- not at the start"),
    });
    origin = await startOrigin();
    const config = (...plugins: NonNullable<MediatapConfig["plugins"]>): MediatapConfig => ({
      plugins: [urlImagekit(), storageFs(), storageWeb(), imageSharp(), cacheMemory(), ...plugins],
      origins: {
        files: { type: "FOLDER", path: folder.path, checkSeconds: 3600 },
        web: { type: "WEB_FOLDER", baseUrl: origin.url },
      },
      endpoints: {
        default: { origins: ["files"] },
        clean: { origins: ["files"], sanitizeSvg: true },
        web: { origins: ["web"], sanitizeSvg: true },
        same: { origins: ["files"], sanitizeSvg: true, autoFormat: false, autoVideo: true },
      },
    });
    server = await startServer(config(svgDompurify()));
    without = await startServer(config());
  });
  after(async () => {
    await Promise.all([server.close(), without.close(), origin.close()]);
    await folder.close();
  });

  async function assertClean(path: string): Promise<void> {
    const { status, headers, text } = await server.ask(path);
    assert.deepEqual([status, text], [200, SAFE_SVG], path);
    assert.match(headers["content-type"] ?? "", /^image\/svg\+xml/, path);
    assert.match(headers["content-security-policy"] ?? "", /sandbox/, path);
  }
  async function refusal(path: string, from = server) {
    const { status, headers, text } = await from.ask(path);
    assert(!text.includes("<"), path);
    return [status, headers["ik-error"]?.split(" ")[0]];
  }

  it("sanitises the SVGs whose URL requests it, as separate renditions", async () => {
    await assertClean("/evil.svg?ik-sanitizeSvg=true");
    const again = await server.ask("/evil.svg?ik-sanitizeSvg=true");
    assert.match(again.headers["cache-status"] ?? "", /; hit/);
    const plain = await server.ask("/evil.svg");
    assert.equal(plain.text, UNSAFE_SVG);
    assert.notEqual(plain.headers.etag, again.headers.etag);
    for (const query of ["", "ik-sanitizeSvg=false", "tr=orig-true"]) {
      assert.equal((await server.ask(`/evil.svg?${query}`)).text, UNSAFE_SVG, query);
    }
    const same = await server.ask("/evil.svg?ik-sanitizeSvg=true", {
      headers: { "if-none-match": again.headers.etag ?? "" },
    });
    assert.equal(same.status, 304);
    assert.equal(
      (await server.ask("/evil.svg?ik-sanitizeSvg=true", { headers: { range: "bytes=0-3" } })).text,
      "<svg",
    );
  });

  it("sanitises in whatever way an SVG is requested", async () => {
    for (const query of [
      "tr=w-20&ik-sanitizeSvg=true",
      "tr=f-svg&ik-sanitizeSvg=true",
      "tr=f-auto,q-30&ik-sanitizeSvg=true",
      "tr=orig-true&ik-sanitizeSvg=true",
      "ik-sanitizeSvg=false&ik-sanitizeSvg=true",
      "ik%2DsanitizeSvg=true",
      "ik-sanitizeSvg=%74rue",
      "ik-attachment=true&ik-sanitizeSvg=true",
      "v=2&ik-sanitizeSvg=true",
    ]) {
      await assertClean(`/evil.svg?${query}`);
    }
    await assertClean("/missing.svg?tr=di-evil.svg&ik-sanitizeSvg=true");
    assert.deepEqual(await refusal("/evil.svg?ik-sanitizeSvg=yes"), [400, "EINVAL"]);
    assert.deepEqual(await refusal("/evil.svg?ik-sanitizeSvg="), [400, "EINVAL"]);
  });

  it("sanitises all SVGs of an endpoint, which no URL turns off", async () => {
    for (const endpoint of ["clean", "same"]) {
      for (const rest of [
        "evil.svg",
        "evil.svg?ik-sanitizeSvg=false",
        "evil.svg?tr=orig-true",
        "tr:orig-true/evil.svg",
        "evil.svg?tr=w-20",
        "evil.svg?tr=f-svg",
        "evil.svg?ik-attachment=true",
        "ik-seo/evil/name.svg",
        "evil.xml",
        "late.xml",
        "evil",
        "marked.svg",
        "utf16.svg",
        "utf16be.svg",
        "latin.svg",
        "late.svg",
      ]) {
        await assertClean(`/${endpoint}/${rest}`);
      }
    }
    await assertClean("/clean/evil.svg/ik-video.mp4");
    await assertClean("/clean/missing.png?tr=di-evil.svg");
    // A name that promises another picture gets one.
    const { status, headers, text } = await server.ask("/clean/evil.jpg");
    assert.equal(status, 200);
    assert.match(headers["content-type"] ?? "", /^image\/(?!svg)/);
    assert.doesNotMatch(text, /<svg|script/i);
  });

  it("sanitises what an origin calls an SVG, and what is one whatever it is called", async () => {
    for (const type of [
      "image/svg+xml",
      "IMAGE/SVG+XML; charset=utf-8",
      "text/plain",
      "application/xml",
      "image/png",
    ]) {
      const name = `typed-${type.replace(/\W/g, "-")}`;
      origin.files.set(name, { bytes: Buffer.from(UNSAFE_SVG), headers: { "content-type": type } });
      await assertClean(`/web/${name}`);
    }
    origin.files.set("lie", {
      bytes: Buffer.from("no drawing"),
      headers: { "content-type": "image/svg+xml" },
    });
    assert.deepEqual(await refusal("/web/lie"), [404, "UNIDENTIFIED"]);
  });

  it("refuses what it cannot read, instead of passing it on", async () => {
    for (const [name, status, code] of [
      ["broken.svg", 404, "UNIDENTIFIED"],
      ["text.svg", 404, "UNIDENTIFIED"],
      ["empty.svg", 404, "UNIDENTIFIED"],
      ["packed.svgz", 404, "UNIDENTIFIED"],
      ["packed.svg", 404, "UNIDENTIFIED"],
      ["utf7.svg", 403, "EUNSUPPORTED"],
      ["entity.svg", 403, "EUNSUPPORTED"],
      ["long.svg", 400, "ELIMIT"],
      ["endless.xml", 400, "ELIMIT"],
      ["many.svg", 400, "ELIMIT"],
      ["deep.svg", 400, "ELIMIT"],
      ["wide.svg", 400, "ELIMIT"],
    ] as const) {
      for (const path of [`/clean/${name}`, `/clean/${name}?tr=orig-true`, `/${name}?ik-sanitizeSvg=true`]) {
        assert.deepEqual(await refusal(path), [status, code], path);
      }
    }
  });

  it("handles everything that the limits allow, repeatedly", async () => {
    assert.equal((await server.ask("/clean/nested.svg")).status, 200);
    for (const version of [1, 2]) {
      const { status, body } = await server.ask(`/clean/large.svg?v=${version}`);
      assert.equal(status, 200, body.toString().slice(0, 200));
      assert(body.length > 800_000);
    }
  });

  it("leaves everything else as it is", async () => {
    const photo = await server.ask("/clean/photo.png");
    assert(photo.body.equals((await server.ask("/photo.png")).body));
    assert((await server.ask("/clean/photo.png?tr=orig-true")).body.equals(png));
    assert.match((await server.ask("/clean/notes.txt")).text, /alert/);
    assert.match((await server.ask("/clean/other.xml")).text, /<list\/>/);
    // A picture with the wrong name is none the less one.
    assert.match(
      (await server.ask("/clean/picture.svg")).headers["content-type"] ?? "",
      /^image\/(?:png|jpeg)/,
    );
    const rendered = readPng((await server.ask("/clean/evil.svg?tr=f-png,w-30")).body);
    assert.deepEqual([rendered.width, rendered.height, ...rendered.at(9, 9)], [30, 20, 255, 0, 0, 255]);
    const plain = await server.ask("/evil.svg?tr=f-png,w-30");
    assert.equal(
      (await server.ask("/evil.svg?tr=f-png,w-30&ik-sanitizeSvg=true")).headers.etag,
      plain.headers.etag,
    );
  });

  it("renders the same before and after", async () => {
    const [before, after] = await Promise.all(
      ["/evil.svg", "/evil.svg?ik-sanitizeSvg=true"].map((path) => server.ask(path)),
    );
    for (const [name, answer] of [
      ["before.svg", before],
      ["after.svg", after],
    ] as const) {
      origin.files.set(name, {
        bytes: answer?.body ?? Buffer.alloc(0),
        headers: { "content-type": "image/svg+xml" },
      });
    }
    const [first, second] = await Promise.all(
      ["before", "after"].map((name) => server.ask(`/web/${name}.svg?tr=f-png`)),
    );
    assert(first?.body.equals(second?.body ?? Buffer.alloc(0)));
  });

  it("is needed: without it SVGs are refused, other files are not", async () => {
    for (const path of [
      "clean/evil.svg",
      "clean/evil.svg?tr=orig-true",
      "clean/evil",
      "clean/evil.xml",
      "clean/late.xml",
      "evil.svg?ik-sanitizeSvg=true",
    ]) {
      assert.deepEqual(await refusal(`/${path}`, without), [403, "EUNSUPPORTED"], path);
    }
    assert.equal((await without.ask("/clean/photo.png")).status, 200);
    assert.equal((await without.ask("/clean/evil.svg?tr=f-png")).status, 200);
    assert.equal((await without.ask("/evil.svg")).text, UNSAFE_SVG);
  });

  it("is turned on by true alone", async () => {
    await assert.rejects(
      startServer({
        plugins: [urlImagekit(), storageFs(), svgDompurify()],
        origins: { files: { type: "FOLDER", path: folder.path } },
        endpoints: { default: { origins: ["files"], sanitizeSvg: "yes" as never } },
      }),
      /endpoints\.default\.sanitizeSvg/,
    );
  });
});
