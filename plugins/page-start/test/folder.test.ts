import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { isLocal, type MediatapConfig, type Plugin } from "@mediatap/core";
import type { Storage } from "@mediatap/core/storage";
import { imageSharp } from "@mediatap/image-sharp";
import { presetDevelopment } from "@mediatap/preset-development";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import { makeFolder, makePng, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { memoryPlace } from "../../../test/suites/support/memory-place.ts";
import { pageStart } from "../src/index.ts";

/** What a request tells of its client. */
const from = (ip: string, host: string | undefined, headers: Readonly<Record<string, string>> = {}) => ({
  ip,
  header: (name: string) => (name === "host" ? host : headers[name]),
});

interface Item {
  readonly name: string;
  readonly kind: string;
  readonly url: string;
  readonly size?: number;
  readonly plain?: true;
}

interface Listing {
  readonly mount?: string;
  readonly items: readonly Item[];
  readonly next?: string;
  readonly refusal?: { readonly code: string };
  readonly problems?: readonly { readonly origin: string; readonly message: string }[];
  readonly labels?: readonly string[];
  readonly unlisted?: readonly string[];
  readonly endpoints?: readonly { readonly name: string; readonly url: string }[];
}

const KEY = "private_0123456789abcdef";
const picture = makePng(6, 4, () => [200, 30, 30, 255]);

/** Origins of type `TEST`: storages of a test. */
const testStorages = (storages: Readonly<Record<string, Partial<Storage>>>): Plugin => ({
  name: "test-storages",
  version: "1.0.0",
  apiVersion: 1,
  apply({ hooks }) {
    hooks.storage.for("TEST").tap("test-storages", ({ name }) => storages[name] as Storage);
  },
});

describe("page-start: the listing of a folder", () => {
  let folder: TestFolder;
  let server: TestServer | undefined;

  before(async () => {
    folder = await makeFolder({
      "a.png": picture,
      "b.mp4": "not read",
      "c.tga": "not read",
      "notes.txt": "notes",
      ".env": "SECRET=1",
      ".git/config": "secret",
      "tr:w-100": "its URL would be a transformation",
      "ik-thumbnail.jpg": "its URL is that of a file",
      "100% & more #1.png": picture,
      "sub/deep/c.png": picture,
      "sub/tour.mp4/ik-thumbnail.jpg": "its URL would be a still of a video",
      "\u00fcber uns/d.png": picture,
    });
    await symlink("/etc", join(folder.path, "out"));
    await symlink("/etc/hostname", join(folder.path, "hostname.txt"));
  });
  after(() => folder.close());
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  async function start(config: MediatapConfig = {}, files = true): Promise<TestServer> {
    server = await startServer(
      {
        plugins: [
          urlImagekit(),
          storageFs(),
          storageWeb(),
          imageSharp(),
          pageStart({ files }),
          ...(config.plugins ?? []),
        ],
        origins: { photos: { type: "FOLDER", path: folder.path }, ...config.origins },
        endpoints: { default: { origins: ["photos"] }, ...config.endpoints },
        ...(config.privateKey !== undefined && { privateKey: config.privateKey }),
        ...(config.trustedProxies && { trustedProxies: config.trustedProxies }),
        ...(config.tenants && { tenants: config.tenants }),
      },
      { base: folder.path },
    );
    return server;
  }

  function ask(
    url = "/",
    { cursor, headers = {} }: { cursor?: string; headers?: Record<string, string> } = {},
  ) {
    const query = new URLSearchParams({ url, ...(cursor !== undefined && { cursor }) });
    return (server as TestServer).ask(`/-/start/folder?${query}`, { headers });
  }

  async function list(url?: string, options?: Parameters<typeof ask>[1]): Promise<Listing> {
    const { status, text } = await ask(url, options);
    assert.equal(status, 200, text);
    return JSON.parse(text) as Listing;
  }

  const names = ({ items }: Listing) =>
    items.map(({ name, kind }) => (kind === "folder" ? `${name}/` : name)).sort();

  it("contains the files and folders that URLs reach, each with a URL that delivers it", async () => {
    await start();
    const listing = await list();
    assert.deepEqual(names(listing), [
      "100% & more #1.png",
      "a.png",
      "b.mp4",
      "c.tga",
      "ik-thumbnail.jpg",
      "notes.txt",
      "sub/",
      "tr:w-100",
      "\u00fcber uns/",
    ]);
    assert.deepEqual(Object.fromEntries(listing.items.map(({ name, kind }) => [name, kind])), {
      "100% & more #1.png": "image",
      "a.png": "image",
      "b.mp4": "video",
      "c.tga": "image",
      "ik-thumbnail.jpg": "image",
      "notes.txt": "file",
      sub: "folder",
      "tr:w-100": "image",
      "\u00fcber uns": "folder",
    });
    for (const { kind, url, size } of listing.items) {
      if (kind === "folder") continue;
      const { status, body } = await (server as TestServer).ask(`${url}?tr=orig-true`);
      assert.equal(status, 200, url);
      assert.equal(body.length, size, url);
    }
    assert.equal(listing.mount, "/");
    assert.match(String(listing.labels), /^folder mediatap-test-/);
  });

  it("goes down into folders by their URLs, and leaves out what a URL would read differently", async () => {
    await start();
    const [sub] = (await list()).items.filter(({ name }) => name === "sub");
    assert.deepEqual(names(await list(sub?.url)), ["deep/", "tour.mp4/"]);
    assert.deepEqual(names(await list("/sub/deep/")), ["c.png"]);
    assert.deepEqual(names(await list("/sub/tour.mp4/")), []);
    assert.deepEqual(names(await list("/%C3%BCber%20uns/")), ["d.png"]);
    assert.deepEqual(names(await list("/nothing/")), []);
  });

  it("contains nothing of hidden folders, and of links that lead out", async () => {
    await start();
    for (const url of ["/.git/", "/out/", "/../", "/%2e%2e/", "/sub/..%2f..%2f/", "/.git%2f/"])
      assert.deepEqual((await list(url)).items, [], url);
  });

  it("refuses what is no URL of a folder", async () => {
    await start();
    for (const url of ["", "a/", "/a.png", "/?x=/", "//", "/a//"]) {
      const { status, text } = await ask(url);
      const { items, message } = JSON.parse(text) as Partial<Listing> & { message?: string };
      assert.ok(status === 400 ? message : items?.length === 0, `${url}: ${status} ${text}`);
    }
    assert.equal((await ask("/", { cursor: "7.x" })).status, 400);
    assert.equal((await ask(`/${"x".repeat(10_000)}/`)).status < 500, true);
  });

  it("has a hundred entries on a page, and then the others", async () => {
    const crowd = await makeFolder(
      Object.fromEntries(Array.from({ length: 130 }, (_, at) => [`${at}.png`, picture])),
    );
    try {
      await start({ origins: { photos: { type: "FOLDER", path: crowd.path } } });
      const first = await list();
      assert.equal(first.items.length, 100);
      assert.ok(first.next);
      const second = await list("/", { cursor: first.next });
      assert.equal(second.next, undefined);
      assert.equal(new Set([...names(first), ...names(second)]).size, 130);
    } finally {
      await crowd.close();
    }
  });

  it("merges origins, names those that cannot be listed, and goes on where one fails", async () => {
    const other = await makeFolder({ "a.png": picture, "z.png": picture });
    const broken = memoryPlace(() => ({
      listFolder: () => Promise.reject(new Error("connect ECONNREFUSED 10.0.0.7:9000")),
    }));
    try {
      await start({
        plugins: [testStorages({ broken: broken.storage })],
        origins: {
          other: { type: "FOLDER", path: other.path },
          site: { type: "WEB_FOLDER", baseUrl: "https://internal.example.com/secret" },
          broken: { type: "TEST" },
        },
        endpoints: { default: { origins: ["site", "photos", "broken", "other"] } },
      });
      const { status, text } = await ask();
      assert.equal(status, 200);
      const listing = JSON.parse(text) as Listing;
      assert.equal(names(listing).filter((name) => name === "a.png").length, 1);
      assert.ok(names(listing).includes("z.png"));
      assert.deepEqual(listing.unlisted, ["site"]);
      assert.deepEqual(listing.problems, [{ origin: "broken", message: "The origin failed" }]);
      assert.doesNotMatch(text, /internal\.example|10\.0\.0\.7|secret/);
    } finally {
      await other.close();
    }
  });

  it("leaves out private files, whether the listing knows of them or not", async () => {
    for (const [what, mutate] of [
      ["known", () => ({})],
      [
        "unknown",
        ({ listFolder }: Required<Storage>) => ({
          listFolder: async (...args: Parameters<typeof listFolder>) => {
            const page = await listFolder(...args);
            return { ...page, entries: page.entries.map(({ private: _, ...entry }) => entry) };
          },
        }),
      ],
    ] as const) {
      const place = memoryPlace(mutate);
      await place.put("open.png", picture);
      await place.put("secret.png", picture, { private: true });
      await start({
        plugins: [testStorages({ memory: place.storage })],
        origins: { memory: { type: "TEST" } },
        endpoints: { default: { origins: ["memory"] } },
      });
      assert.deepEqual(names(await list()), ["open.png"], what);
      await server?.close();
    }
    server = undefined;
  });

  it("names nothing that only signed URLs reach", async () => {
    await start({
      privateKey: KEY,
      endpoints: { default: { origins: ["photos"], restrictUnsigned: "all" } },
    });
    const { text } = await ask();
    assert.deepEqual((JSON.parse(text) as Listing).refusal, { code: "ESIGNATURE" });
    assert.doesNotMatch(text, /a\.png|sub/);
  });

  it("contains videos only where pictures have to be signed, and the reverse", async () => {
    for (const [restrictUnsigned, expected] of [
      ["images", ["b.mp4"]],
      ["videos", ["100% & more #1.png", "a.png", "c.tga", "ik-thumbnail.jpg", "notes.txt", "tr:w-100"]],
    ] as const) {
      await start({ privateKey: KEY, endpoints: { default: { origins: ["photos"], restrictUnsigned } } });
      const files = (await list()).items.filter(({ kind }) => kind !== "folder").map(({ name }) => name);
      assert.deepEqual(files.sort(), [...expected].sort());
      await server?.close();
    }
    server = undefined;
  });

  it("offers no thumbnails where only named transformations are allowed", async () => {
    await start({ endpoints: { default: { origins: ["photos"], restrictUnnamed: true } } });
    const { items } = await list();
    assert.ok(items.length > 0);
    for (const { name, kind, plain } of items)
      assert.equal(plain, kind === "folder" ? undefined : true, name);
  });

  it("is refused to a client that the endpoint refuses", async () => {
    await start({ endpoints: { default: { origins: ["photos"], blockedUserAgents: ["bad"] } } });
    assert.deepEqual((await list("/", { headers: { "user-agent": "bad bot" } })).refusal, {
      code: "EFORBIDDEN",
    });
    assert.ok((await list()).items.length > 0);
    await server?.close();
    await start({ endpoints: { default: { origins: ["photos"], blockedIps: ["127.0.0.0/8"] } } });
    assert.deepEqual((await list()).refusal, { code: "EFORBIDDEN" });
  });

  it("knows endpoints and tenants by their URLs", async () => {
    const own = await makeFolder({ "own.png": picture });
    try {
      await start({
        origins: { own: { type: "FOLDER", path: own.path } },
        endpoints: { default: { origins: ["photos"] }, shop: { origins: ["own"] } },
        tenants: {
          acme: {
            origins: { theirs: { type: "FOLDER", path: own.path } },
            endpoints: { default: { origins: ["theirs"] } },
          },
        },
      });
      const { endpoints } = await list();
      assert.deepEqual(endpoints, [
        { name: "default", url: "/" },
        { name: "shop", url: "/shop/" },
        { name: "acme/default", url: "/acme/" },
      ]);
      for (const url of ["/shop/", "/acme/"]) {
        const listing = await list(url);
        assert.equal(listing.mount, url);
        assert.deepEqual(names(listing), ["own.png"]);
        assert.equal(listing.items[0]?.plain, undefined);
        const thumbnail = await (server as TestServer).ask(`${url}tr:w-3,f-png/own.png`);
        assert.equal(thumbnail.status, 200);
      }
    } finally {
      await own.close();
    }
  });

  it("is sent to this machine and its network only, under a local name", async () => {
    await start({ trustedProxies: ["127.0.0.1"] });
    for (const host of ["attacker.example", "media.example.com:80", "93.184.216.34", "localhost.example.com"])
      assert.equal((await ask("/", { headers: { host } })).status, 403, host);
    for (const host of ["localhost:3000", "127.0.0.1", "192.168.1.20:3000", "photos.local", "[::1]:3000"])
      assert.equal((await ask("/", { headers: { host } })).status, 200, host);
    assert.equal((await ask("/", { headers: { "x-forwarded-for": "93.184.216.34" } })).status, 403);
    assert.equal((await ask("/", { headers: { "x-forwarded-for": "192.168.1.7" } })).status, 200);
  });

  it("distinguishes local addresses and names from others", () => {
    for (const ip of [
      "127.0.0.1",
      "::1",
      "::ffff:127.0.0.1",
      "10.1.2.3",
      "172.31.0.1",
      "fe80::1%eth0",
      "fd00::1",
    ])
      assert.ok(isLocal(from(ip, "localhost")), ip);
    for (const ip of ["93.184.216.34", "::ffff:93.184.216.34", "172.32.0.1", "2001:db8::1", "", "localhost"])
      assert.ok(!isLocal(from(ip, "localhost")), ip);
    for (const host of ["LOCALHOST:80", "a.localhost", "mac.local.", "x.test", "host.docker.internal"])
      assert.ok(isLocal(from("127.0.0.1", host)), host);
    for (const host of [
      undefined,
      "",
      "a.com",
      "local.com",
      "local",
      "xlocalhost",
      "127.0.0.1.nip.io",
      "[::1].a.com",
    ])
      assert.equal(isLocal(from("127.0.0.1", host)), host === "local", String(host));
    for (const [name, value, isHere] of [
      ["x-forwarded-for", "8.8.8.8", false],
      ["x-forwarded-for", "10.0.0.1, 8.8.8.8", false],
      ["x-real-ip", "2001:db8::1", false],
      ["x-real-ip", "unknown", false],
      ["x-forwarded-for", "127.0.0.1, ::1", true],
    ] as const)
      assert.equal(isLocal(from("127.0.0.1", "localhost", { [name]: value })), isHere, value);
  });

  it("is not there unless it is switched on, as it is in development", async () => {
    await start({}, false);
    assert.equal((await ask()).status, 404);
    await server?.close();
    const development = () =>
      startServer({
        presets: [presetDevelopment()],
        plugins: [urlImagekit(), storageFs(), imageSharp()],
        origins: { photos: { type: "FOLDER", path: folder.path } },
        endpoints: { default: { origins: ["photos"] } },
      });
    const before = process.env.NODE_ENV;
    try {
      delete process.env.NODE_ENV;
      server = await development();
      assert.ok((await list()).items.length > 0);
      await server.close();
      process.env.NODE_ENV = "production";
      server = await development();
      assert.equal((await ask()).status, 404);
    } finally {
      if (before === undefined) delete process.env.NODE_ENV;
      else process.env.NODE_ENV = before;
    }
  });
});
