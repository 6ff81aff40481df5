import assert from "node:assert/strict";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import {
  makeFolder,
  readPng,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import sharp from "sharp";
import { type CloudflareOperations, generate } from "unpic/providers/cloudflare";
import { coordinates, distance, type Part, shown } from "../../../test/suites/support/coordinates.ts";
import { urlCloudflare } from "../src/index.ts";

/** Size of the image that the URLs are about. */
const [WIDTH, HEIGHT] = [240, 160];

const FITS = ["scale-down", "contain", "cover", "crop", "pad"] as const;
const SIZES = [
  { width: 120 },
  { height: 90 },
  { width: 500 },
  { width: 100, height: 100 },
  { width: 60, height: 120 },
  { width: 300, height: 100 },
  { width: 300, height: 400 },
];

/** What the client's documentation lists, each with every size. */
const URLS: CloudflareOperations[] = SIZES.flatMap((size) => [
  ...FITS.map((fit) => ({ ...size, fit })),
  ...(["left", "top", "0.25x0.75", "1x1"] as const).flatMap((gravity) =>
    (["cover", "crop"] as const).map((fit) => ({ ...size, fit, gravity })),
  ),
  ...([90, 180, 270] as const).map((rotate) => ({ ...size, rotate, fit: "cover" as const })),
  ...(["auto", "avif", "webp", "jpg", "png"] as const).map((format) => ({ ...size, format })),
  ...([{ dpr: 2 }, { quality: 60 }, { metadata: "none" }, { anim: false }, { sharpen: 1 }] as const).map(
    (more) => ({
      ...size,
      ...more,
    }),
  ),
  ...([{ blur: 1 }, { background: "#ff0000" }, { onerror: "redirect" }, { brightness: 1 }] as const).map(
    (more) => ({
      ...size,
      fit: "pad" as const,
      ...more,
    }),
  ),
]);

interface Expected {
  readonly width: number;
  readonly height: number;
  readonly part?: Part;
}

/** Of 0 to 1, by the gravity. */
function place(gravity = "0.5x0.5"): readonly [number, number] {
  if (gravity === "left") return [0, 0.5];
  if (gravity === "top") return [0.5, 0];
  return gravity.split("x").map(Number) as [number, number];
}

/** What the documentation says of an image of this size. */
function expected(operations: CloudflareOperations, width: number, height: number): Expected {
  const { dpr = 1, fit = "cover", gravity } = operations;
  const asked = { width: Number(operations.width) * dpr, height: Number(operations.height) * dpr };
  const all: Part = { left: 0, top: 0, right: 1, bottom: 1 };
  const across = asked.width / width;
  const down = asked.height / height;
  const sized = (factor: number): Expected => ({
    width: Math.round(width * factor),
    height: Math.round(height * factor),
    part: all,
  });
  const noLarger = fit === "scale-down" || fit === "crop" ? 1 : Number.POSITIVE_INFINITY;
  if (Number.isNaN(across) || Number.isNaN(down)) {
    return sized(Math.min(noLarger, Number.isNaN(across) ? down : across));
  }
  if (fit === "scale-down" || fit === "contain") return sized(Math.min(across, down, noLarger));
  if (fit === "pad") return asked;
  const factor = Math.min(noLarger, Math.max(across, down));
  const size = {
    width: Math.min(asked.width, Math.round(width * factor)),
    height: Math.min(asked.height, Math.round(height * factor)),
  };
  const [x, y] = place(gravity);
  const [w, h] = [size.width / (width * factor), size.height / (height * factor)];
  const [left, top] = [(1 - w) * x, (1 - h) * y];
  return { ...size, part: { left, top, right: left + w, bottom: top + h } };
}

/** The part of the source, of the part of the source turned clockwise. */
function turnedBack({ left, top, right, bottom }: Part, angle: number): Part {
  if (angle === 0) return { left, top, right, bottom };
  if (angle === 90) return { left: top, right: bottom, top: 1 - right, bottom: 1 - left };
  if (angle === 180) return { left: 1 - right, right: 1 - left, top: 1 - bottom, bottom: 1 - top };
  return { left: 1 - bottom, right: 1 - top, top: left, bottom: right };
}

describe("url-cloudflare with unpic as the client", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({
      "a b.png": await coordinates(WIDTH, HEIGHT),
      "clear.png": await sharp({ create: { width: 20, height: 10, channels: 4, background: "#0000" } })
        .png()
        .toBuffer(),
    });
    server = await startServer({
      plugins: [urlCloudflare(), storageFs(), imageSharp()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"], autoAvif: true } },
    });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  const ask = async (operations: CloudflareOperations, file = "a b.png", headers = {}) => {
    const url = generate(`/${file}`, { ...operations }, {});
    const answer = await server.ask(url, { headers });
    assert.equal(answer.status, 200, `${url}: ${answer.text}`);
    return { url, ...answer };
  };

  it("gives its URLs the size, format and crop that the documentation names", async () => {
    assert.ok(URLS.length > 200, String(URLS.length));
    for (const operations of URLS) {
      const { rotate = 0, format = "png", fit } = operations;
      const [width, height] = rotate % 180 === 0 ? [WIDTH, HEIGHT] : [HEIGHT, WIDTH];
      const wanted = expected(operations, width, height);
      const { url, body } = await ask({ ...operations, format });
      const found = await shown(body);
      assert.deepEqual([found.width, found.height], [wanted.width, wanted.height], url);
      const formats: Record<string, string> = { auto: "jpeg", jpg: "jpeg", avif: "heif" };
      assert.equal(found.format, formats[format] ?? format, url);
      if (!wanted.part) continue;
      const upright =
        rotate === 0
          ? found
          : await shown(
              await sharp(body)
                .rotate(360 - rotate)
                .png()
                .toBuffer(),
            );
      const part = turnedBack(wanted.part, rotate);
      assert.ok(
        distance(upright.part, part) < 0.03,
        `${url}: ${JSON.stringify([upright.part, part])}, ${fit}`,
      );
    }
  });

  const pixel = async (operations: CloudflareOperations, file: string, x: number, y: number) => {
    const { body } = await ask({ format: "png", ...operations }, file);
    return readPng(await sharp(body).ensureAlpha().png({ palette: false }).toBuffer()).at(x, y);
  };

  it("fills what pads an image, and what is clear, with the background", async () => {
    const box = { width: 60, height: 60, fit: "pad" } as const;
    assert.deepEqual(await pixel(box, "a b.png", 2, 2), [255, 255, 255, 255]);
    assert.deepEqual(await pixel({ ...box, background: "rgb(0 0 255)" }, "a b.png", 2, 2), [0, 0, 255, 255]);
    assert.deepEqual(await pixel({ background: "#0f0" }, "clear.png", 5, 5), [0, 255, 0, 255]);
  });

  it("cuts off pixels before it scales, and mirrors before it turns", async () => {
    const [top, right, bottom, left] = [16, 48, 32, 24];
    const part = { left: 0.1, top: 0.1, right: 0.8, bottom: 0.8 };
    for (const options of [
      `trim=${top};${right};${bottom};${left},w=84`,
      `trim.left=${left},trim.top=${top},trim.width=168,trim.height=112,w=84`,
      `trim=8;24;16;12,w=42,dpr=2`,
    ]) {
      const found = await shown((await server.ask(`/cdn-cgi/image/${options}/a%20b.png`)).body);
      assert.deepEqual([found.width, found.height], [84, 56], options);
      assert.ok(distance(found.part, part) < 0.02, `${options}: ${JSON.stringify(found.part)}`);
    }
    const { body } = await server.ask("/cdn-cgi/image/flip=h,rotate=90/a%20b.png");
    const found = await shown(await sharp(body).rotate(270).png().toBuffer());
    assert.ok(
      distance(found.part, { left: 1, top: 0, right: 0, bottom: 1 }) < 0.02,
      JSON.stringify(found.part),
    );
  });

  it("negotiates the format, and writes progressive, baseline and lossless files", async () => {
    const formatOf = async (format: "auto" | "jpeg", accept: string) =>
      (await ask({ format }, "a b.png", { accept })).headers["content-type"];
    assert.equal(await formatOf("auto", "image/avif,image/webp,*/*"), "image/avif");
    assert.equal(await formatOf("auto", "image/webp,*/*"), "image/webp");
    assert.equal(await formatOf("jpeg", "image/webp,*/*"), "image/jpeg");
    const metadata = async (options: string) =>
      await sharp((await server.ask(`/cdn-cgi/image/${options}/a%20b.png`)).body).metadata();
    assert.equal((await metadata("f=jpeg")).isProgressive, true);
    assert.equal((await metadata("f=baseline-jpeg")).isProgressive, false);
    const lossless = await server.ask("/cdn-cgi/image/f=webp,q=100/a%20b.png");
    assert.ok(lossless.body.includes("VP8L"));
  });

  it("takes the quality for slow connections if a hint describes one", async () => {
    const url = "/cdn-cgi/image/f=jpeg,scq=10/a%20b.png";
    const fast = await server.ask(url, { headers: { rtt: "50", downlink: "10", ect: "4g" } });
    assert.match(fast.headers.vary ?? "", /rtt.*save-data.*ect.*downlink/i);
    for (const headers of [{ rtt: "300" }, { "save-data": "on" }, { ect: "3g" }, { downlink: "1.5" }]) {
      const slow = await server.ask(url, { headers });
      assert.ok(slow.body.length < fast.body.length * 0.7, JSON.stringify(headers));
    }
  });

  it("refuses by name what this server cannot do", async () => {
    const refused: CloudflareOperations[] = [
      { brightness: 1.5 },
      { contrast: 2 },
      { gamma: 0.5 },
      { compression: "fast" },
      { format: "json" },
      { metadata: "copyright" },
      { border: { color: "red", width: 2 } },
    ];
    for (const operations of refused) {
      const [name = ""] = Object.keys(operations);
      const { status, text } = await server.ask(generate("/a b.png", { ...operations }, {}));
      assert.equal(status, 403, `${name}: ${text}`);
      assert.ok(
        text.includes("Not supported here") && text.includes(`(${name === "format" ? "f" : name}`),
        text,
      );
    }
  });

  it("fetches absolute URLs, with their query", async () => {
    const origin = await startOrigin({ "x.png": await coordinates(40, 20) });
    const web = await startServer({
      plugins: [urlCloudflare(), storageWeb(), imageSharp()],
      origins: { any: { type: "WEB_PROXY", ports: [origin.port] } },
      endpoints: { default: { origins: ["any"] } },
      network: { allow: [`127.0.0.1:${origin.port}`] },
    });
    try {
      const { status, text, body } = await web.ask(`/cdn-cgi/image/w=20,f=png/${origin.url}/x.png?a=1`);
      assert.equal(status, 200, text);
      assert.equal((await shown(body)).width, 20);
      assert.deepEqual(
        origin.requests.map((request) => request.url),
        ["/x.png?a=1"],
      );
    } finally {
      await web.close();
      await origin.close();
    }
  });
});
