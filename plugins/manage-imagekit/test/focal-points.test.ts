import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { cacheMemory } from "@mediatap/cache-memory";
import { imageSharp } from "@mediatap/image-sharp";
import { info } from "@mediatap/info";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { shareRedis } from "@mediatap/share-redis";
import { stateRedis } from "@mediatap/state-redis";
import { stateSqlite } from "@mediatap/state-sqlite";
import {
  describeWith,
  makeFolder,
  memoryStorage,
  REDIS,
  startRedis,
  startServer,
  type TestFolder,
  type TestServer,
  until,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import sharp from "sharp";

const KEY = "private_key_of_the_account";
const CALL = "/-/api/v1/focal-points";

/** Stripes, from left to right. */
const COLOURS = { red: "#ff0000", green: "#00ff00", blue: "#0000ff", white: "#ffffff" };

/** An image of four stripes, each 100 px wide and 100 px high. */
function stripes(): Promise<Buffer> {
  const parts = Object.values(COLOURS).map((background, index) => ({
    input: { create: { width: 100, height: 100, channels: 3 as const, background } },
    left: index * 100,
    top: 0,
  }));
  return sharp({ create: { width: 400, height: 100, channels: 3, background: "#000" } })
    .composite(parts)
    .png()
    .toBuffer();
}

/** The stripes that are seen in an image. */
async function seen(image: Buffer): Promise<string[]> {
  const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const row = Math.floor(info.height / 2) * info.width;
  const colours = Array.from({ length: info.width }, (_, column) => {
    const at = (row + column) * info.channels;
    return `#${data.subarray(at, at + 3).toString("hex")}`;
  });
  return Object.entries(COLOURS).flatMap(([name, colour]) => (colours.includes(colour) ? [name] : []));
}

function call(
  server: TestServer,
  method: string,
  options: { url?: string; body?: object; key?: string } = {},
) {
  const { url, body, key = KEY } = options;
  return server.ask(url === undefined ? CALL : `${CALL}?url=${encodeURIComponent(url)}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` },
    ...(body && { body: JSON.stringify(body) }),
  });
}

async function set(server: TestServer, path: string, x: number, y: number): Promise<void> {
  const { status, text } = await call(server, "PUT", { body: { url: `${server.url}/${path}`, x, y } });
  assert.equal(status, 200, text);
  assert.deepEqual(JSON.parse(text), { x, y });
}

async function crop(server: TestServer, url: string): Promise<string[]> {
  const answer = await server.ask(url);
  assert.equal(answer.status, 200, answer.text);
  return seen(answer.body);
}

describe("manage-imagekit: focal points", () => {
  const files = new Map<string, Uint8Array>();
  let folder: TestFolder;
  let server: TestServer;
  let image: Buffer;

  before(async () => {
    folder = await makeFolder();
    image = await stripes();
    server = await startServer(
      {
        plugins: [
          urlImagekit(),
          memoryStorage(files),
          imageSharp(),
          info(),
          cacheMemory(),
          manageImagekit(),
          stateSqlite({ path: "state.sqlite" }),
        ],
        origins: { files: { type: "MEMORY" } },
        endpoints: {
          default: { origins: ["files"] },
          other: { origins: ["files"], privateKeys: [KEY, "other_key"] },
        },
        privateKey: KEY,
        tenants: {
          acme: {
            privateKey: "acme_key",
            origins: { files: { type: "MEMORY" } },
            endpoints: { default: { origins: ["files"] } },
          },
        },
      },
      { base: folder.path },
    );
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });
  beforeEach(async () => {
    files.clear();
    files.set("a.png", image);
    files.set("text.txt", Buffer.from("a text"));
    await call(server, "DELETE", { url: `${server.url}/a.png` });
  });

  it("crops around the focal point of an image, and around the centre without one", async () => {
    const url = "/a.png?tr=w-100,h-100,fo-custom";
    assert.deepEqual(await crop(server, url), ["green", "blue"]);
    await set(server, "a.png", 0.875, 0.5);
    assert.deepEqual(await crop(server, url), ["white"]);
    await set(server, "a.png", 0, 0);
    assert.deepEqual(await crop(server, url), ["red"]);
    assert.deepEqual(await crop(server, "/a.png?tr=w-100,h-100"), ["green", "blue"]);
    const { status } = await call(server, "DELETE", { url: `${server.url}/a.png` });
    assert.equal(status, 204);
    assert.deepEqual(await crop(server, url), ["green", "blue"]);
  });

  it("cuts a window around it", async () => {
    await set(server, "a.png", 0.625, 0.5);
    assert.deepEqual(await crop(server, "/a.png?tr=w-60,h-60,cm-extract,fo-custom"), ["blue"]);
  });

  it("follows it through turns and crops", async () => {
    await set(server, "a.png", 0.2, 0.5);
    assert.deepEqual(await crop(server, "/a.png?tr=fl-h:w-40,h-40,cm-extract,fo-custom"), ["red"]);
    const url = "/a.png?tr=w-200,h-100,cm-extract,fo-left:w-20,h-20,cm-extract,fo-custom";
    assert.deepEqual(await crop(server, url), ["red"]);
  });

  it("looks at the focal point of a layer", async () => {
    await set(server, "a.png", 0.875, 0.5);
    const layer = "l-image,i-a.png,w-100,h-100,fo-custom,lx-0,ly-0,l-end";
    const answer = await server.ask(`/a.png?tr=w-100,h-100,fo-left,${layer}`);
    assert.deepEqual(await seen(answer.body), ["white"]);
  });

  it("keeps the focal point of an image that is moved", async () => {
    await set(server, "a.png", 0.125, 0.5);
    files.delete("a.png");
    files.set("folder/b.png", image);
    assert.deepEqual(await crop(server, "/folder/b.png?tr=w-100,h-100,fo-custom"), ["red"]);
    files.set("folder/b.png", await sharp(image).flip().flop().png().toBuffer());
    assert.deepEqual(await crop(server, "/folder/b.png?tr=w-99,h-99,fo-custom"), ["green", "blue"]);
  });

  it("purges renditions that depend on it, those of copies included, and no others", async () => {
    files.set("copy.png", image);
    const [custom, copied, plain] = [
      "/a.png?tr=w-50,h-50,fo-custom",
      "/copy.png?tr=w-50,h-50,fo-custom",
      "/a.png?tr=w-50",
    ];
    for (const url of [custom, copied, plain]) await server.ask(url);
    const before = await server.ask(custom);
    assert.match(before.headers["cache-status"] ?? "", /hit/);
    await set(server, "a.png", 0.875, 0.5);
    const changed = await server.ask(custom, { headers: { "if-none-match": before.headers.etag ?? "" } });
    assert.equal(changed.status, 200);
    assert.notEqual(changed.headers.etag, before.headers.etag);
    assert.deepEqual(await seen(changed.body), ["white"]);
    assert.deepEqual(await crop(server, copied), ["white"]);
    assert.match((await server.ask(plain)).headers["cache-status"] ?? "", /hit/);
  });

  it("shows it as the focus in the description of a file", async () => {
    const focus = async () =>
      JSON.parse((await server.ask("/a.png/ik-info.json?fields=focus")).text) as { focus?: object };
    const found = await focus();
    await set(server, "a.png", 0.3, 0.7);
    assert.deepEqual(await focus(), { focus: { x: 0.3, y: 0.7 } });
    await call(server, "DELETE", { url: `${server.url}/a.png` });
    assert.deepEqual(await focus(), found);
  });

  it("returns the focal point of an image, and an empty object without one", async () => {
    const url = `${server.url}/a.png`;
    assert.deepEqual(JSON.parse((await call(server, "GET", { url })).text), {});
    await set(server, "a.png", 0.3, 0.7);
    assert.deepEqual(JSON.parse((await call(server, "GET", { url })).text), { x: 0.3, y: 0.7 });
  });

  it("refuses what is no image and no point, and keys that are not good for the account", async () => {
    const url = `${server.url}/a.png`;
    const point = { x: 0.5, y: 0.5 };
    const cases = [
      [400, { body: { url, x: 1.5, y: 0 } }],
      [400, { body: { url, x: 0.5 } }],
      [400, { body: { ...point } }],
      [404, { body: { url: `${server.url}/none.png`, ...point } }],
      [401, { body: { url, ...point }, key: "wrong" }],
      [403, { body: { url, ...point }, key: "acme_key" }],
      [403, { body: { url, ...point }, key: "other_key" }],
      [403, { body: { url: `${server.url}/other/a.png`, ...point }, key: "other_key" }],
    ] as const;
    for (const [status, options] of cases) {
      const answer = await call(server, "PUT", options);
      assert.equal(answer.status, status, `${JSON.stringify(options)}: ${answer.text}`);
      assert.equal(typeof JSON.parse(answer.text).message, "string");
    }
    assert.equal((await call(server, "GET")).status, 400);
    assert.equal((await call(server, "GET", { url, key: "acme_key" })).status, 403);
    assert.deepEqual(JSON.parse((await call(server, "GET", { url })).text), {});
  });

  it("serves no focal point as a file", async () => {
    await set(server, "a.png", 0.3, 0.7);
    await crop(server, "/a.png?tr=w-100,h-100,fo-custom");
    const path = `focal-points/${hash("sha256", image)}`;
    for (const url of [`/${path}`, `//${path}`, `/%2F${path}`, `/.//${path}`]) {
      const { status, text } = await server.ask(url);
      assert(status >= 400 && status < 500, `${url}: ${status}`);
      assert.doesNotMatch(text, /0\.3/);
    }
  });

  it("keeps focal points of accounts apart", async () => {
    await set(server, "a.png", 0.875, 0.5);
    assert.deepEqual(await crop(server, "/acme/a.png?tr=w-100,h-100,fo-custom"), ["green", "blue"]);
    const body = { url: `${server.url}/acme/a.png`, x: 0.125, y: 0.5 };
    assert.equal((await call(server, "PUT", { body, key: "acme_key" })).status, 200);
    assert.deepEqual(await crop(server, "/acme/a.png?tr=w-100,h-100,fo-custom"), ["red"]);
    assert.deepEqual(await crop(server, "/a.png?tr=w-100,h-100,fo-custom"), ["white"]);
  });
});

describeWith(REDIS, "manage-imagekit: focal points on two machines", () => {
  it("serves a change everywhere at once", async () => {
    const redis = await startRedis();
    const servers: TestServer[] = [];
    try {
      const image = await stripes();
      for (let machine = 0; machine < 2; machine++) {
        servers.push(
          await startServer({
            plugins: [
              urlImagekit(),
              memoryStorage(image),
              imageSharp(),
              cacheMemory(),
              manageImagekit(),
              stateRedis({ redis: redis.url }),
              shareRedis({ redis: redis.url }),
            ],
            origins: { files: { type: "MEMORY" } },
            endpoints: { default: { origins: ["files"] } },
            privateKey: KEY,
          }),
        );
      }
      const [one, other] = servers as [TestServer, TestServer];
      const url = "/a.png?tr=w-100,h-100,fo-custom";
      for (const server of servers) assert.deepEqual(await crop(server, url), ["green", "blue"]);
      await set(one, "a.png", 0.125, 0.5);
      const began = performance.now();
      await until(async () => (await crop(other, url))[0] === "red", "the other machine serves the change");
      assert(performance.now() - began < 2_000);
      assert.deepEqual(await crop(one, url), ["red"]);
    } finally {
      for (const server of servers) await server.close();
      await redis.close();
    }
  });
});

describe("manage-imagekit: focal points without a store", () => {
  it("says that nothing keeps them", async () => {
    const server = await startServer({
      plugins: [urlImagekit(), memoryStorage(new Map()), imageSharp(), manageImagekit()],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
      privateKey: KEY,
    });
    try {
      const answer = await call(server, "PUT", { body: { url: "/a.png", x: 0, y: 0 } });
      assert.equal(answer.status, 501);
      assert.match(answer.text, /no plugin of the configuration keeps state/);
    } finally {
      await server.close();
    }
  });
});
