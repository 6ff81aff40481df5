import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { DEFAULT_LIMITS, type LimitName } from "@mediatap/core";
import { loadConfig } from "@mediatap/core/server";
import { decodePdf } from "@mediatap/decode-pdf";
import {
  FFMPEG,
  makeFolder,
  runFfmpeg,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import sharp from "sharp";
import { SERVER_LIMITS } from "../../../core/src/model/limits.ts";
import { makePdf, quarters } from "../../../plugins/decode-pdf/test/pdf.ts";
import { photo } from "../support/photos.ts";
import { usual, webConfig } from "../support/plugins.ts";

type Limits = Partial<Record<LimitName, number>>;

/** A limit that a tenant can have: a value, and a request that it changes the response of. */
interface Row {
  readonly limit: number;
  readonly url: string;
  /** Status with code or type, and the lifetime of an error; without the limit, and with it. */
  readonly within: string;
  readonly beyond: string;
  readonly accept?: string;
  /** Other limits, so that this one is the one that decides. */
  readonly beside?: Limits;
  readonly video?: true;
}

const image = (limit: number, url: string, more: Partial<Row> = {}): Row => ({
  limit,
  url,
  within: "200 image/jpeg",
  beyond: "400 ELIMIT",
  ...more,
});
const video = (limit: number, more: Partial<Row> = {}): Row => ({
  limit,
  url: "/clip.mp4?tr=w-32",
  within: "200 video/mp4",
  beyond: "400 ELIMIT",
  video: true,
  ...more,
});
const layer = (inner = "") => `l-image,i-photo.png,w-5${inner},l-end`;

const ROWS: Partial<Record<LimitName, Row>> = {
  megapixels: image(0.001, "/photo.png?tr=w-20"),
  frames: image(2, "/moves.gif?tr=w-20", { within: "200 image/gif" }),
  frameMegapixels: image(0.001, "/moves.gif?tr=w-20", { within: "200 image/gif" }),
  outputMegapixels: image(0.001, "/photo.png?tr=w-60"),
  outputSide: image(130, "/photo.png?tr=w-160,f-webp", { within: "200 image/webp" }),
  avifAutoMegapixels: image(0.0001, "/photo.png?tr=w-60", {
    accept: "image/avif,image/webp",
    within: "200 image/avif",
    beyond: "200 image/webp",
  }),
  avifMegapixels: image(0.0001, "/photo.png?tr=w-60,f-avif", { within: "200 image/avif" }),
  imageBytes: image(100, "/photo.png?tr=w-60"),
  svgBytes: image(10, "/drawing.svg?tr=w-20,f-png", { within: "200 image/png" }),
  svgElements: image(1, "/drawing.svg?tr=w-20,f-png", { within: "200 image/png" }),
  pdfBytes: image(10, "/page.pdf?tr=w-20,f-png", { within: "200 image/png" }),
  videoBytes: video(10),
  videoSeconds: video(0.5),
  videoSide: video(40),
  videoStreams: video(0),
  videoRate: video(5),
  videoSegment: video(1, {
    url: "/clip.mp4/ik-thumbnail.jpg?tr=so-0.5,w-20",
    within: "200 image/jpeg",
    beyond: "504 ETIMEDOUT",
  }),
  videoTime: video(0, { beside: { videoSegment: 1 }, beyond: "504 ETIMEDOUT" }),
  videoOutput: video(10),
  steps: image(1, "/photo.png?tr=w-60:rt-90"),
  layers: image(1, `/photo.png?tr=${layer()},${layer()}`),
  layerDepth: image(1, `/photo.png?tr=${layer(`,${layer()}`)}`),
  expressionTokens: image(1, "/photo.png?tr=w-iw_div_2"),
  imageWork: image(0, "/photo.png?tr=w-60"),
  notFoundLifetime: image(7_000, "/missing.png", { within: "404 ENOENT 60", beyond: "404 ENOENT 7" }),
  refusedLifetime: image(7_000, "/proxy/http://127.0.0.1/a.png", {
    within: "404 EACCES 30",
    beyond: "404 EACCES 7",
  }),
  failureLifetime: image(7_000, "/down/a.png", {
    within: "404 ECONNREFUSED 5",
    beyond: "404 ECONNREFUSED 7",
  }),
};

describe("a limit", () => {
  const rows = Object.entries(ROWS)
    .filter(([, { video }]) => !video || existsSync(FFMPEG.path))
    .map(([name, row]) => ({ name: name as LimitName, ...row }));
  let folder: TestFolder;
  let server: TestServer | undefined;

  before(async () => {
    const frame = (background: string) => ({
      create: { width: 48, height: 32, channels: 3 as const, background },
    });
    const frames = await Promise.all(
      ["red", "lime", "blue"].map((color) => sharp(frame(color)).png().toBuffer()),
    );
    folder = await makeFolder({
      "photo.png": await photo(120, 80, "png"),
      "moves.gif": await sharp(frames, { join: { animated: true } })
        .gif()
        .toBuffer(),
      "drawing.svg":
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="9" height="9"/></svg>',
      "page.pdf": makePdf([{ width: 120, height: 80, content: quarters(120, 80) }]),
    });
    if (existsSync(FFMPEG.path)) {
      const source = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1"];
      await runFfmpeg(`${folder.path}/clip.mp4`, ...source, "-pix_fmt", "yuv420p");
    }
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });
  after(() => folder.close());

  /** A tenant for each row, found by the name of its limit. */
  async function start(limits: Limits, limitsOf: (row: (typeof rows)[number]) => Limits) {
    const origins = {
      files: { type: "FOLDER", path: folder.path },
      down: { type: "WEB_FOLDER", baseUrl: "http://127.0.0.1:1/" },
      proxy: { type: "WEB_PROXY" },
    };
    const endpoints = {
      default: { origins: ["files"] },
      down: { origins: ["down"] },
      proxy: { origins: ["proxy"] },
    };
    const account = { origins, endpoints, autoAvif: true };
    const hasVideo = rows.some(({ video }) => video);
    return await startServer({
      plugins: usual(decodePdf(), ...(hasVideo ? [videoFfmpeg()] : [])),
      ...account,
      limits,
      tenants: Object.fromEntries(
        rows.map((row) => [row.name, { ...account, limits: limitsOf(row) as never }]),
      ),
    });
  }

  async function met({ name, url, accept = "*/*" }: (typeof rows)[number]): Promise<string> {
    const { status, headers } = await (server as TestServer).ask(`/${name}${url}`, { headers: { accept } });
    const [code] = (headers["ik-error"] ?? headers["content-type"] ?? "").split(/[ ;]/);
    const age = /max-age=(\d+)/.exec(headers["cache-control"] ?? "")?.[1];
    return `${status} ${code}${url.includes("?") ? "" : ` ${age}`}`;
  }

  it("is one that only the server can have, or shown here", () => {
    const alone = Object.keys(DEFAULT_LIMITS).filter((name) => !(name in ROWS));
    assert.deepEqual(alone.sort(), Object.keys(SERVER_LIMITS).sort());
  });

  it("of a tenant applies to it", async () => {
    server = await start({}, ({ name, limit, beside }) => ({ ...beside, [name]: limit }));
    for (const row of rows) assert.equal(await met(row), row.beyond, row.name);
  });

  it("of the server applies to a tenant that does not set it", async () => {
    const all = Object.fromEntries(rows.map(({ name, limit }) => [name, limit]));
    server = await start(all, ({ name, beside }) => {
      const { [name]: _, ...others } = all;
      const usual = Object.keys(others).map((other) => [other, DEFAULT_LIMITS[other as LimitName]]);
      return { ...Object.fromEntries(usual), ...beside };
    });
    for (const row of rows) assert.equal(await met(row), row.beyond, row.name);
  });

  it("that nobody sets leaves room", async () => {
    // A whole video that may take a millisecond needs all the time that its length gives it.
    server = await start({}, ({ beside }) => ({ ...beside, ...(beside && { videoTime: 600 }) }));
    for (const row of rows) assert.equal(await met(row), row.within, row.name);
  });

  it("that only the server can have is refused in a tenant, by name", async () => {
    for (const name of Object.keys(SERVER_LIMITS)) {
      const tenants = { acme: { limits: { [name]: 1 } as never } };
      await assert.rejects(
        loadConfig({ tenants }, { source: "test", base: "." }),
        new RegExp(`^MediaError: test: tenants\\.acme\\.limits\\.${name}: Expected no value`),
      );
    }
  });

  it("that only the server can have applies to all", async () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`x-${at}`, "a"]));
    const bytes = await photo(20, 20, "png");
    const origin = await startOrigin({
      "few.png": bytes,
      "many.png": { bytes, headers: many },
      "moved.png": { answer: (_, response) => response.writeHead(302, { location: "/few.png" }).end() },
    });
    try {
      const limits = { urlBytes: 100, headerBytes: 2_000, headers: 20, clientKeepAlive: 7_000, redirects: 0 };
      server = await startServer({ ...webConfig([origin.url]), limits });
      const { headers } = await server.ask("/few.png", { headers: { connection: "keep-alive" } });
      assert.equal(headers["keep-alive"], "timeout=7");
      assert.equal((await server.ask(`/few.png?v=${"1".repeat(100)}`)).status, 414);
      assert.equal((await server.ask("/few.png", { headers: { cookie: "a".repeat(2_000) } })).status, 431);
      for (const file of ["many.png", "moved.png"]) {
        assert.equal((await server.ask(`/${file}`)).headers["ik-error"]?.split(" ")[0], "UNIDENTIFIED", file);
      }
    } finally {
      await origin.close();
    }
  });
});
