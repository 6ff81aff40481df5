import assert from "node:assert/strict";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import sharp from "sharp";
import { coordinates, distance, type Part, shown } from "../../../test/suites/support/coordinates.ts";
import { urlIiif } from "../src/index.ts";

const [WIDTH, HEIGHT] = [300, 200];

/** What a request gives: its size, and the part of the image that it shows. */
interface Expected {
  readonly width: number;
  readonly height: number;
  readonly part?: Partial<Part>;
}

const ALL: Part = { left: 0, top: 0, right: 1, bottom: 1 };

describe("url-iiif: delivery", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    const image = await coordinates(WIDTH, HEIGHT);
    folder = await makeFolder({
      "photo.png": image,
      "books/1/ä ö.png": image,
      "turned.jpg": await sharp(image).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
      "still.gif": await sharp(image).gif().toBuffer(),
      "text.txt": Buffer.from("no image"),
      "page.pdf": Buffer.from("%PDF-1.7\n%%EOF\n"),
    });
    server = await startServer({
      plugins: [urlIiif(), storageFs(), imageSharp()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      limits: { outputMegapixels: 1 },
      endpoints: {
        default: { origins: ["files"] },
        small: { origins: ["files"], maxSide: 100, allowedFormats: ["jpeg", "png"], enlarge: false },
        public: { origins: ["files"], iiifUrl: "https://images.example.org/iiif/" },
      },
    });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  async function documentAt(path: string, headers: Readonly<Record<string, string>> = {}) {
    const response = await server.ask(path, { headers });
    assert.equal(response.status, 200, `${path}: ${response.text}`);
    return { ...response, info: JSON.parse(response.text) as Record<string, unknown> };
  }

  const BOTH: Readonly<Record<string, Expected>> = {
    "full/max/0/default.png": { width: 300, height: 200, part: ALL },
    "square/max/0/default.png": { width: 200, height: 200, part: { left: 1 / 6, right: 5 / 6 } },
    "30,20,120,80/max/0/default.png": {
      width: 120,
      height: 80,
      part: { left: 0.1, top: 0.1, right: 0.5, bottom: 0.5 },
    },
    // Cut to the image.
    "150,100,500,500/max/0/default.png": { width: 150, height: 100, part: { left: 0.5, top: 0.5 } },
    "pct:50,0,50,50/max/0/default.png": { width: 150, height: 100, part: { left: 0.5, bottom: 0.5 } },
    "full/150,/0/default.png": { width: 150, height: 100, part: ALL },
    "full/,50/0/default.png": { width: 75, height: 50, part: ALL },
    "full/pct:50/0/default.png": { width: 150, height: 100, part: ALL },
    "full/40,80/0/default.png": { width: 40, height: 80, part: ALL },
    "full/!60,60/0/default.png": { width: 60, height: 40, part: ALL },
    "full/!600,600/0/default.png": { width: 300, height: 200, part: ALL },
    "30,20,120,80/60,/90/default.png": { width: 40, height: 60 },
    "full/max/!0/default.png": { width: 300, height: 200, part: { left: 1, right: 0 } },
    "full/max/180/default.png": { width: 300, height: 200, part: { left: 1, right: 0, top: 1, bottom: 0 } },
    "full/max/!180/default.png": { width: 300, height: 200, part: { top: 1, bottom: 0 } },
    "full/max/90/default.png": { width: 200, height: 300 },
    "full/max/30/default.png": { width: 360, height: 323 },
  };

  it("has all parameters of both versions", async () => {
    const only3: Readonly<Record<string, Expected>> = {
      "full/^600,/0/default.png": { width: 600, height: 400, part: ALL },
      "full/^,400/0/default.png": { width: 600, height: 400, part: ALL },
      "full/^pct:150/0/default.png": { width: 450, height: 300, part: ALL },
      "full/^pct:50/0/default.png": { width: 150, height: 100, part: ALL },
      "full/^400,100/0/default.png": { width: 400, height: 100, part: ALL },
      "full/^!400,400/0/default.png": { width: 400, height: 267, part: ALL },
      // As large as limits allow.
      "full/^max/0/default.png": { width: 1224, height: 816, part: ALL },
    };
    const only2: Readonly<Record<string, Expected>> = {
      "full/full/0/default.png": { width: 300, height: 200, part: ALL },
      "full/600,/0/default.png": { width: 600, height: 400, part: ALL },
      "full/pct:150/0/default.png": { width: 450, height: 300, part: ALL },
      "full/400,100/0/default.png": { width: 400, height: 100, part: ALL },
    };
    for (const [prefix, requests] of [
      ["", { ...BOTH, ...only3 }],
      ["2/", { ...BOTH, ...only2 }],
    ] as const) {
      for (const [request, { width, height, part }] of Object.entries(requests)) {
        const url = `/${prefix}photo.png/${request}`;
        const { status, body, text } = await server.ask(url);
        assert.equal(status, 200, `${url}: ${status === 200 ? "" : text}`);
        const found = await shown(body);
        assert.deepEqual([found.width, found.height], [width, height], url);
        if (part)
          assert(distance(found.part, { ...ALL, ...part }) < 0.02, `${url}: ${JSON.stringify(found.part)}`);
      }
    }
  });

  it("has the formats and qualities that it lists", async () => {
    const { info } = await documentAt("/still.gif/info.json");
    const formats = ["jpg", "png", ...(info.extraFormats as string[])];
    assert.deepEqual(formats.toSorted(), ["avif", "gif", "jpg", "png", "webp"]);
    const types: Readonly<Record<string, string>> = { jpg: "image/jpeg" };
    for (const format of formats) {
      const { status, headers, text } = await server.ask(`/still.gif/full/30,/0/default.${format}`);
      assert.equal(status, 200, `${format}: ${text}`);
      assert.equal(headers["content-type"], types[format] ?? `image/${format}`);
    }
    const samples = async (quality: string) => {
      const { body } = await server.ask(`/photo.png/full/30,/0/${quality}.png`);
      const { data, info } = await sharp(body)
        .toColourspace("srgb")
        .raw()
        .toBuffer({ resolveWithObject: true });
      assert(info.channels >= 3);
      return Array.from({ length: info.width * info.height }, (_, pixel) =>
        [...data.subarray(pixel * info.channels, pixel * info.channels + 3)].join(" "),
      );
    };
    const [color, gray, bitonal] = [await samples("color"), await samples("gray"), await samples("bitonal")];
    assert(new Set(color).size > 100);
    assert(gray.every((sample) => new Set(sample.split(" ")).size === 1));
    assert(new Set(gray).size > 20);
    assert.deepEqual([...new Set(bitonal)].sort(), ["0 0 0", "255 255 255"]);
    assert.deepEqual(info.extraQualities, ["bitonal"]);
  });

  it("refuses what is wrong, and what is larger than the region, with 400", async () => {
    const wrong = [
      ...["400,", ",300", "301,200", "300,201", "pct:200", "^2000,", "0,", "abcdef"].map(
        (size) => `photo.png/full/${size}/0/default.jpg`,
      ),
      "photo.png/300,0,10,10/max/0/default.jpg",
      "photo.png/0,0,30,30/31,/0/default.jpg",
      "photo.png/abcdef/max/0/default.jpg",
      "photo.png/full/max/abcd/default.jpg",
      "photo.png/full/max/0/abcdef.jpg",
      "photo.png/full/max/0/default.abc",
      "small/photo.png/full/max/0/default.webp",
      "small/photo.png/full/101,/0/default.jpg",
    ];
    for (const url of wrong) {
      const { status, text } = await server.ask(`/${url}`);
      assert.equal(status, 400, `${url}: ${text}`);
      assert.match(text, /^Expected /, url);
    }
  });

  it("refuses what no plugin can do with 501", async () => {
    const { status, text } = await server.ask("/page.pdf/full/max/0/default.jpg");
    assert.equal(status, 501, text);
  });

  it("finds files by escaped identifiers alone", async () => {
    for (const identifier of ["books%2F1%2F%C3%A4%20%C3%B6.png", "%2fbooks%2F1%2f%C3%A4%20%C3%B6%2Epng"]) {
      const { info } = await documentAt(`/${identifier}/info.json`);
      assert.equal(info.width, WIDTH);
      const { status } = await server.ask(`/${identifier}/full/30,/0/default.jpg`);
      assert.equal(status, 200);
      assert.match(String(info.id), /\/books%2F1%2F%C3%A4%20%C3%B6\.png$/);
    }
    const missing = [
      "nope/info.json",
      "nope/full/max/0/default.jpg",
      "%5Bfrob%5D/info.json",
      "nope",
      "text.txt/info.json",
    ];
    for (const url of [...missing, "books/1/info.json", "a/b/full/max/0/default.jpg"]) {
      assert.equal((await server.ask(`/${url}`)).status, 404, url);
    }
  });

  it("describes an image, in both versions", async () => {
    const [three, two] = [
      await documentAt("/photo.png/info.json"),
      await documentAt("/2/photo.png/info.json"),
    ];
    const common = {
      protocol: "http://iiif.io/api/image",
      width: WIDTH,
      height: HEIGHT,
      sizes: [{ width: WIDTH, height: HEIGHT }],
      tiles: [{ width: 512, scaleFactors: [1] }],
    };
    const id = `${server.url}/photo.png`;
    assert.deepEqual(three.info, {
      "@context": "http://iiif.io/api/image/3/context.json",
      id,
      type: "ImageService3",
      profile: "level2",
      ...common,
      maxArea: 1_000_000,
      extraFormats: ["webp", "avif"],
      extraQualities: ["bitonal"],
      extraFeatures: [
        "canonicalLinkHeader",
        "mirroring",
        "profileLinkHeader",
        "rotationArbitrary",
        "sizeUpscaling",
      ],
    });
    assert.equal(Object.keys(three.info)[0], "@context");
    const [level, beyond] = two.info.profile as [string, Record<string, unknown>];
    assert.equal(level, "http://iiif.io/api/image/2/level2.json");
    assert.deepEqual(beyond.formats, ["webp", "avif"]);
    assert.deepEqual(
      { ...two.info, profile: undefined },
      {
        "@context": "http://iiif.io/api/image/2/context.json",
        "@id": `${server.url}/2/photo.png`,
        ...common,
        profile: undefined,
      },
    );
    // As it is seen.
    const { info } = await documentAt("/turned.jpg/info.json");
    assert.deepEqual([info.width, info.height], [HEIGHT, WIDTH]);
  });

  it("describes the limits of the endpoint", async () => {
    const { info } = await documentAt("/small/photo.png/info.json");
    assert.deepEqual([info.maxWidth, info.maxHeight, info.maxArea], [100, 100, 1_000_000]);
    assert.deepEqual(info.extraFormats, []);
    assert.deepEqual(info.tiles, [{ width: 100, scaleFactors: [1, 2, 4] }]);
    assert(!(info.extraFeatures as string[]).includes("sizeUpscaling"));
    for (const { width, height } of info.sizes as { width: number; height: number }[]) {
      const { status, body } = await server.ask(`/small/photo.png/full/${width},${height}/0/default.png`);
      assert.equal(status, 200);
      assert.deepEqual([(await shown(body)).width, width <= 100], [width, true]);
    }
    const { body } = await server.ask("/small/photo.png/full/max/0/default.png");
    assert.equal((await shown(body)).width, 100);
    // There is no scaling up, so a size that needs it is wrong.
    assert.equal((await server.ask("/small/photo.png/0,0,30,30/^60,/0/default.png")).status, 400);
  });

  it("has the address that clients see", async () => {
    const { info } = await documentAt("/public/photo.png/info.json");
    assert.equal(info.id, "https://images.example.org/iiif/photo.png");
    const forwarded = { host: "iiif.example.com", "x-forwarded-proto": "https" };
    const { info: other } = await documentAt("/photo.png/info.json", forwarded);
    assert.equal(other.id, "http://iiif.example.com/photo.png");
    const behindProxy = await startServer({
      plugins: [urlIiif(), storageFs(), imageSharp()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"] } },
      trustedProxies: ["127.0.0.0/8", "::1"],
    });
    try {
      for (const scheme of ["https", "http"]) {
        const { text } = await behindProxy.ask("/photo.png/info.json", {
          headers: { ...forwarded, "x-forwarded-proto": scheme },
        });
        assert.equal(JSON.parse(text).id, `${scheme}://iiif.example.com/photo.png`);
      }
    } finally {
      await behindProxy.close();
    }
  });

  it("negotiates the media type of the document", async () => {
    const linked = (version: number) =>
      `application/ld+json;profile="http://iiif.io/api/image/${version}/context.json"`;
    const cases = [
      ["", undefined, linked(3)],
      ["2/", undefined, "application/json"],
      ["", "*/*", linked(3)],
      ["2/", "*/*", "application/json"],
      ["", "application/json", "application/json"],
      ["2/", "application/ld+json", linked(2)],
      ["", `${linked(3)};q=0.5, application/json;q=0.9`, "application/json"],
      ["", `application/json;q=0.5, ${linked(3)}`, linked(3)],
      ["", "text/html", "application/json"],
    ] as const;
    const tags = new Set<string>();
    for (const [prefix, accept, type] of cases) {
      const { headers, status } = await server.ask(`/${prefix}photo.png/info.json`, {
        headers: accept === undefined ? {} : { accept },
      });
      assert.equal(status, 200);
      assert.equal(headers["content-type"], type, accept);
      assert.equal(headers.vary, "Accept");
      assert.equal(headers["access-control-allow-origin"], "*");
      assert.match(String(headers.link), /level2\.json>; rel="profile"/);
      assert.equal(
        /rel="http:\/\/www\.w3\.org\/ns\/json-ld#context"/.test(String(headers.link)),
        !type.includes("ld"),
      );
      tags.add(String(headers.etag));
    }
    assert.equal(tags.size, 4);
  });

  it("leads from the address of an image to its document", async () => {
    for (const [path, location] of [
      ["/photo.png", `${server.url}/photo.png/info.json`],
      ["/2/photo.png", `${server.url}/2/photo.png/info.json`],
      ["/public/photo.png", "https://images.example.org/iiif/photo.png/info.json"],
    ] as const) {
      const { status, headers } = await server.ask(path);
      assert.equal(status, 303, path);
      assert.equal(headers.location, location);
      assert.equal(headers.etag, undefined);
    }
  });

  it("revalidates a document by its file", async () => {
    await folder.write("changing.png", await coordinates(30, 20));
    const { headers } = await documentAt("/changing.png/info.json");
    const conditional = { headers: { "if-none-match": String(headers.etag) } };
    assert.equal((await server.ask("/changing.png/info.json", conditional)).status, 304);
    await folder.write("changing.png", await coordinates(40, 20));
    await folder.touch("changing.png", 60);
    const { status, text } = await server.ask("/changing.png/info.json", conditional);
    assert.equal(status, 200);
    assert.equal(JSON.parse(text).width, 40);
  });

  it("links to an address that all requests for a picture share", async () => {
    const canonical = async (url: string) => {
      const { headers, status } = await server.ask(url);
      assert.equal(status, 200, url);
      const [, link] = /<([^>]+)>; rel="canonical"/.exec(String(headers.link)) ?? [];
      assert(link, `${url}: ${headers.link}`);
      assert.match(String(headers.link), /level2\.json>; rel="profile"/);
      return link.replace(server.url, "");
    };
    for (const [url, expected] of [
      ["/photo.png/full/max/0/color.png", "/photo.png/full/max/0/default.png"],
      ["/%70hoto.png/0,0,900,900/pct:50/360/gray.png", "/photo.png/full/150,100/0/gray.png"],
      [
        "/photo.png/pct:10,10,40,40/!60,60/!90.0/default.png",
        "/photo.png/30,20,120,80/60,40/!90/default.png",
      ],
      ["/photo.png/square/200,/0/default.png", "/photo.png/50,0,200,200/max/0/default.png"],
      ["/photo.png/full/^600,/0/default.png", "/photo.png/full/^600,400/0/default.png"],
      ["/photo.png/full/^max/0/default.png", "/photo.png/full/^max/0/default.png"],
      ["/2/photo.png/full/!60,60/0/default.png", "/2/photo.png/full/60,/0/default.png"],
      ["/small/photo.png/full/pct:50/0/default.png", "/small/photo.png/full/max/0/default.png"],
      ["/2/photo.png/full/60,60/0/default.png", "/2/photo.png/full/60,60/0/default.png"],
      ["/2/photo.png/pct:0,0,100,100/max/0/default.png", "/2/photo.png/full/full/0/default.png"],
    ] as const) {
      assert.equal(await canonical(url), expected);
      assert.equal(await canonical(expected), expected);
    }
  });
});
