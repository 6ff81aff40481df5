import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import {
  makeFolder,
  readPng,
  startServer,
  type TestFolder,
  type TestServer,
  type Witness,
  witness,
} from "@mediatap/test";
import sharp from "sharp";
import { coordinates, distance, type Part, shown } from "../../../test/suites/support/coordinates.ts";
import { urlThumbor } from "../src/index.ts";

/** What of the client is used here; it has no types. */
interface Client {
  setImagePath(path: string): Client;
  resize(width: number | "orig", height: number | "orig"): Client;
  fitIn(width: number, height: number): Client;
  crop(left: number, top: number, right: number, bottom: number): Client;
  halign(word: string): Client;
  valign(word: string): Client;
  smartCrop(is: boolean): Client;
  flipHorizontally(): Client;
  flipVertically(): Client;
  metaDataOnly(is: boolean): Client;
  filter(call: string): Client;
  buildUrl(): string;
}

const ThumborClient = createRequire(import.meta.url)("thumbor") as new (
  key: string,
  server: string,
) => Client;

/** Of the test vectors of libthumbor. */
const KEY = "my-security-key";
const UNICODE_KEY = "cafécompãodequeijo";
const VECTOR = "my.server.com/some/path/to/image.jpg";

/** Size of the image that the URLs are about. */
const [WIDTH, HEIGHT] = [240, 160];

const clientFor = (path = "photo.png") => new ThumborClient(KEY, "").setImagePath(path);

/** What a URL gives: its size, and the part of the image that it shows; without a part, edges are filled. */
interface Expected {
  readonly width: number;
  readonly height: number;
  readonly part?: Part;
}

type Window = readonly [left: number, top: number, right: number, bottom: number];

const ALL: Window = [0, 0, WIDTH, HEIGHT];

const partOf = ([left, top, right, bottom]: Window): Part => ({
  left: left / WIDTH,
  top: top / HEIGHT,
  right: right / WIDTH,
  bottom: bottom / HEIGHT,
});

const PLACES: Readonly<Record<string, number>> = {
  left: 0,
  top: 0,
  center: 0.5,
  middle: 0.5,
  right: 1,
  bottom: 1,
};

/** The crop that thumbor documents: the largest part with the ratio of the box, at the alignment. */
function cropped(
  window: Window,
  width: number,
  height: number,
  halign = "center",
  valign = "middle",
): Window {
  const [left, top, right, bottom] = window;
  const scale = Math.max(width / (right - left), height / (bottom - top));
  const x = left + (right - left - width / scale) * (PLACES[halign] as number);
  const y = top + (bottom - top - height / scale) * (PLACES[valign] as number);
  return [x, y, x + width / scale, y + height / scale];
}

function fitted([left, top, right, bottom]: Window, width: number, height: number, enlarge: boolean) {
  const scale = Math.min(
    width / (right - left) || Number.POSITIVE_INFINITY,
    height / (bottom - top) || Number.POSITIVE_INFINITY,
    enlarge ? Number.POSITIVE_INFINITY : 1,
  );
  return { width: Math.round((right - left) * scale), height: Math.round((bottom - top) * scale) };
}

const BOXES = [
  [100, 100],
  [60, 120],
  [120, 30],
  [300, 100],
  [100, 300],
] as const;
const WINDOWS: readonly Window[] = [ALL, [20, 10, 140, 130]];

const zero = (window: Window) => (window === ALL ? undefined : window);

/** URLs of the client, each with what its documentation names. */
function* pictures(): Generator<readonly [url: string, expected: Expected]> {
  for (const window of WINDOWS) {
    const client = () => {
      const cut = zero(window);
      return cut ? clientFor().crop(...cut) : clientFor();
    };
    const part = partOf(window);
    yield [client().buildUrl(), { width: window[2] - window[0], height: window[3] - window[1], part }];
    for (const [width, height] of BOXES) {
      for (const halign of ["left", "center", "right"]) {
        for (const valign of ["top", "middle", "bottom"]) {
          const shows = partOf(cropped(window, width, height, halign, valign));
          yield [
            client().resize(width, height).halign(halign).valign(valign).buildUrl(),
            { width, height, part: shows },
          ];
        }
      }
      const shows = partOf(cropped(window, width, height));
      const flipped = { ...shows, left: shows.right, right: shows.left };
      yield [client().resize(width, height).flipHorizontally().buildUrl(), { width, height, part: flipped }];
      yield [
        client().resize(width, height).flipHorizontally().flipVertically().buildUrl(),
        { width, height, part: { ...flipped, top: shows.bottom, bottom: shows.top } },
      ];
      yield [client().resize(width, height).filter("stretch()").buildUrl(), { width, height, part }];
      yield [client().fitIn(width, height).buildUrl(), { ...fitted(window, width, height, false), part }];
      yield [
        client().fitIn(width, height).filter("upscale()").buildUrl(),
        { ...fitted(window, width, height, true), part },
      ];
      yield [client().fitIn(width, height).filter("fill(red)").buildUrl(), { width, height }];
      yield [client().resize(width, 0).buildUrl(), { ...fitted(window, width, 0, true), part }];
      yield [
        client().resize(0, height).filter("quality(80)").buildUrl(),
        { ...fitted(window, 0, height, true), part },
      ];
      const [w, h] = [Math.min(width, WIDTH), Math.min(height, HEIGHT)];
      yield [
        client().resize(width, height).filter("no_upscale()").buildUrl(),
        { width: w, height: h, part: partOf(cropped(window, w, h)) },
      ];
      yield [client().resize(width, height).smartCrop(true).buildUrl(), { width, height }];
      yield [
        client().resize(width, height).filter("proportion(0.5)").filter("blur(1)").buildUrl(),
        { width: Math.round(width / 2), height: Math.round(height / 2), part: shows },
      ];
    }
  }
  for (const [left, top] of [
    [60, 50],
    [0, 0],
    [200, 120],
  ] as const) {
    const [x, y] = [left + 10, top + 10];
    const from = Math.max(0, Math.min(x - 80, WIDTH - 160));
    yield [
      clientFor()
        .resize(80, 80)
        .filter(`focal(${left}x${top}:${left + 20}x${top + 20})`)
        .buildUrl(),
      { width: 80, height: 80, part: partOf([from, 0, from + 160, HEIGHT]) },
    ];
    const down = Math.max(0, Math.min(y - 40, HEIGHT - 80));
    yield [
      clientFor()
        .resize(120, 40)
        .filter(`focal(${x / WIDTH},${y / HEIGHT})`)
        .buildUrl(),
      { width: 120, height: 40, part: partOf([0, down, WIDTH, down + 80]) },
    ];
  }
  yield [
    clientFor().resize(100, "orig").buildUrl(),
    { width: 100, height: 160, part: partOf([70, 0, 170, 160]) },
  ];
  yield [clientFor().resize(60, 120).filter("rotate(90)").buildUrl(), { width: 120, height: 60 }];
}

const FORMATS = ["jpeg", "png", "webp", "avif"];

/** Filters that this server does not have. */
const REFUSED = [
  "brightness(20)",
  "contrast(10)",
  "saturation(1.5)",
  "hue(290)",
  "rgb(20,-20,40)",
  "colorize(40,40,0,ff0000)",
  "equalize()",
  "curve([(0,0),(255,255)],[],[],[])",
  "noise(40)",
  "convolution(1;2;1;2;4;2;1;2;1,3,true)",
  "red_eye()",
  "autojpg()",
  "max_bytes(40000)",
  "max_age(60)",
  "extract_focal()",
  "distributed_collage(horizontal,smart,a.jpg)",
  "frame(http://a.example/frame.9.png)",
  "text(Hello,10,10)",
  "orient(90)",
  "watermark(http://a.example/b.png,10,10,50)",
];

describe("url-thumbor with thumbor's client", () => {
  let folder: TestFolder;
  let server: TestServer;
  let seen: Witness;
  before(async () => {
    const photo = await coordinates(WIDTH, HEIGHT);
    const plain = (color: string, width: number, height: number) =>
      sharp({ create: { width, height, channels: 4, background: color } })
        .png()
        .toBuffer();
    folder = await makeFolder({
      "photo.png": photo,
      "high.png": await coordinates(HEIGHT, WIDTH),
      "clear.png": await plain("#0000", 40, 40),
      "red.png": await plain("red", 10, 10),
      [VECTOR]: await sharp(photo).jpeg().toBuffer(),
    });
    seen = witness();
    const endpoint = { origins: ["files"], restrictUnsigned: "all" as const };
    server = await startServer({
      plugins: [urlThumbor(), storageFs(), imageSharp(), seen],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: {
        default: { ...endpoint, privateKey: KEY },
        unicode: { ...endpoint, privateKey: UNICODE_KEY },
        open: { origins: ["files"] },
      },
    });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  const ask = async (url: string) => {
    const answer = await server.ask(url);
    assert.equal(answer.status, 200, `${url}: ${answer.text}`);
    return answer;
  };
  const pixel = async (url: string, x: number, y: number) =>
    readPng(
      await sharp((await ask(url)).body)
        .ensureAlpha()
        .png({ palette: false })
        .toBuffer(),
    ).at(x, y);

  it("gives more than 200 of its signed URLs the documented size and crop", async () => {
    const urls = new Map(pictures());
    assert.ok(urls.size >= 200, String(urls.size));
    const wrong: string[] = [];
    for (const [url, { width, height, part }] of urls) {
      const { status, body, text } = await server.ask(url);
      if (status !== 200) {
        wrong.push(`${url}: ${status} ${text}`);
        continue;
      }
      const found = await shown(body);
      const isPart = part === undefined || distance(found.part, part) < 0.03;
      if (found.width !== width || found.height !== height || found.format !== "png" || !isPart) {
        wrong.push(`${url}: ${JSON.stringify(found)} instead of ${JSON.stringify({ width, height, part })}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it("writes the format that a URL names, else that of the source", async () => {
    for (const format of FORMATS) {
      const { headers } = await ask(clientFor().resize(20, 20).filter(`format(${format})`).buildUrl());
      assert.equal(headers["content-type"], `image/${format}`);
    }
    const { headers } = await ask("/open/unsafe/20x20/photo.png");
    assert.equal(headers["content-type"], "image/png");
  });

  it("refuses by name what this server cannot do", async () => {
    const urls = [
      ...REFUSED.map((call) => [call, clientFor().resize(20, 20).filter(call).buildUrl()] as const),
      ["meta", clientFor().metaDataOnly(true).buildUrl()] as const,
    ];
    for (const [call, url] of urls) {
      const { status, text } = await server.ask(url);
      const [name = ""] = call.split("(");
      assert.equal(status, 403, `${url}: ${text}`);
      assert.ok(text.includes("Not supported here") && text.includes(`(${name}`), text);
    }
  });

  it("verifies the test vectors of libthumbor, and no others", async () => {
    for (const [url, status] of [
      [`/8ammJH8D-7tXy6kU3lTvoXlhu4o=/300x200/${VECTOR}`, 200],
      [`/8ammJH8D-7tXy6kU3lTvoXlhu4o%3D/300x200/${VECTOR}`, 200],
      [`/B35oBEIwztbc3jm7vsdqLez2C78=/10x10:200x200/300x200/${VECTOR}`, 200],
      [
        `/as8U2DbUUtTMgvPF26LkjS3MocY=/10x10:200x200/300x200/filters:brightness(20):contrast(10)/${VECTOR}`,
        403,
      ],
      [`/unicode/MrRd4GRirTQ0JO3vM2slr4rT5Fk=/${VECTOR}`, 200],
      [`/MrRd4GRirTQ0JO3vM2slr4rT5Fk=/${VECTOR}`, 401],
      [`/8ammJH8D-7tXy6kU3lTvoXlhu4o=/301x200/${VECTOR}`, 401],
      [`/8ammJH8D-7tXy6kU3lTvoXlhu4o=/300x200/${VECTOR}?a=b`, 401],
      [`/unsafe/300x200/${VECTOR}`, 401],
    ] as const) {
      const answer = await server.ask(url);
      assert.equal(answer.status, status, `${url}: ${answer.text}`);
    }
  });

  it("swaps the sides of adaptive boxes, and covers full ones", async () => {
    for (const [url, width, height] of [
      ["adaptive-fit-in/60x90/photo.png", 90, 60],
      ["adaptive-fit-in/90x60/photo.png", 90, 60],
      ["adaptive-fit-in/90x60/high.png", 60, 90],
      ["full-fit-in/100x100/photo.png", 150, 100],
      ["adaptive-full-fit-in/50x100/photo.png", 100, 67],
      ["adaptive-fit-in/60x100/filters:fill(red)/photo.png", 100, 60],
      ["stretch/50x50/photo.png", 50, 50],
      ["0.25x0.5:0.75x1/photo.png", 120, 80],
    ] as const) {
      const found = await shown((await ask(`/open/unsafe/${url}`)).body);
      assert.deepEqual([found.width, found.height], [width, height], url);
    }
  });

  it("fills, rounds, turns and adds watermarks as documented", async () => {
    const near = (found: readonly number[], wanted: readonly number[], what: string) =>
      assert.ok(
        wanted.every((value, at) => Math.abs(value - (found[at] as number)) < 12),
        `${what}: ${found}`,
      );
    for (const [url, x, y, wanted] of [
      ["fit-in/100x100/filters:fill(lime)/photo.png", 50, 3, [0, 255, 0, 255]],
      ["fit-in/100x100/top/filters:fill(lime)/photo.png", 50, 97, [0, 255, 0, 255]],
      ["fit-in/100x100/top/filters:fill(lime)/photo.png", 2, 2, [5, 9, 128, 255]],
      ["fit-in/100x100/filters:fill(transparent)/photo.png", 50, 3, [0, 0, 0, 0]],
      ["filters:background_color(00f)/clear.png", 3, 3, [0, 0, 255, 255]],
      ["filters:round_corner(40,255,0,0)/photo.png", 0, 0, [255, 0, 0, 255]],
      ["filters:round_corner(40,255,0,0,true)/photo.png", 0, 0, [0, 0, 0, 0]],
      // Counterclockwise, so that the top right corner comes to lie at the top left.
      ["filters:rotate(90)/photo.png", 2, 2, [252, 4, 128, 255]],
      ["filters:watermark(red.png,-10,20,0)/photo.png", 225, 25, [255, 0, 0, 255]],
      ["filters:watermark(red.png,-10,20,0)/photo.png", 215, 25, [229, 41, 128, 255]],
      ["filters:watermark(red.png,center,50p,0)/photo.png", 120, 85, [255, 0, 0, 255]],
      ["filters:watermark(b64:cmVkLnBuZw,0,0,50,50)/photo.png", 60, 60, [159, 48, 64, 255]],
    ] as const) {
      near(await pixel(`/open/unsafe/${url}`, x, y), wanted, url);
    }
  });

  it("reads images of other servers as URLs, as they are or encoded", async () => {
    for (const image of [
      "https://a.example/b%20c.jpg?d=1",
      "https:/a.example/b%20c.jpg?d=1",
      "https%3A%2F%2Fa.example%2Fb%2520c.jpg%3Fd%3D1",
      `b64:${Buffer.from("https://a.example/b%20c.jpg?d=1").toString("base64url")}`,
    ]) {
      const { status } = await server.ask(`/open/unsafe/20x20/${image}`);
      assert.ok(status >= 400 && status < 500, String(status));
      const asset = seen.exchanges[0]?.job?.asset;
      assert.deepEqual([asset?.kind, asset?.path], ["url", "https://a.example/b%20c.jpg?d=1"], image);
    }
  });
});

describe("url-thumbor with imagor's signatures", () => {
  it("verifies those of another algorithm, cut to a length", async () => {
    const folder = await makeFolder({ "a.png": await coordinates(20, 20) });
    const server = await startServer({
      plugins: [
        urlThumbor({ algorithm: "sha256", truncate: 32, autoFormat: true }),
        storageFs(),
        imageSharp(),
      ],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"], restrictUnsigned: "all", privateKey: KEY } },
    });
    try {
      const path = "fit-in/10x10/filters:grayscale()/a.png";
      const digest = createHmac("sha256", KEY).update(path).digest("base64url").slice(0, 32);
      const { status, headers } = await server.ask(`/${digest}/${path}`, {
        headers: { accept: "image/webp" },
      });
      assert.deepEqual([status, headers["content-type"]], [200, "image/webp"]);
      for (const wrong of [digest.slice(0, 31), digest.toUpperCase(), "unsafe"]) {
        const answer = await server.ask(`/${wrong}/${path}`);
        assert.ok(answer.status >= 400 && answer.status < 500, `${wrong}: ${answer.status}`);
      }
    } finally {
      await server.close();
      await folder.close();
    }
  });

  it("rejects a length that is easy to guess", () => {
    assert.throws(() => urlThumbor({ truncate: 4 }), /url-thumbor\.truncate/);
  });
});
