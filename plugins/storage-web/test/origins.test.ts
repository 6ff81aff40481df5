import assert from "node:assert/strict";
import { buffer } from "node:stream/consumers";
import { DEFAULT_LIMITS, type PluginApi } from "@mediatap/core";
import {
  createFetcher,
  type Fetcher,
  NOT_MODIFIED,
  type OriginConfig,
  type Storage,
} from "@mediatap/core/storage";
import { createWebFolder } from "../src/folder.ts";
import storageWebDefault, { storageWeb } from "../src/index.ts";
import { createWebProxy } from "../src/proxy.ts";
import { createOrigin, type Origin } from "./origin.ts";
import { SETTINGS } from "./settings.ts";

describe("web origins", () => {
  let origin: Origin;
  let fetcher: Fetcher;
  beforeEach(async () => {
    origin = await createOrigin((_, response) => response.end("file"));
    fetcher = createFetcher({ limits: DEFAULT_LIMITS, network: { allow: ["127.0.0.0/8"] } });
  });
  afterEach(async () => {
    await origin.close();
    await fetcher.close();
  });

  const signal = new AbortController().signal;
  const folder = (options: Record<string, unknown>) =>
    createWebFolder({ name: "web", type: "WEB_FOLDER", base: "/", options }, fetcher, SETTINGS);
  const proxy = (options: Record<string, unknown>) =>
    createWebProxy({ name: "web", type: "WEB_PROXY", base: "/", options }, fetcher, SETTINGS);

  describe("a folder", () => {
    it("keeps the path of its base URL and encodes each segment", async () => {
      for (const baseUrl of [`${origin.url}/a/b`, `${origin.url}/a/b/`]) {
        await folder({ baseUrl }).open("c d/100%/é?#&+.jpg", { signal });
        assert.equal(origin.requests.at(-1)?.url, "/a/b/c%20d/100%25/%C3%A9%3F%23%26%2B.jpg");
      }
    });

    it("asks for no path that leaves the base URL", async () => {
      const storage = folder({ baseUrl: `${origin.url}/a/b` });
      for (const path of ["..", "../x", "x/../../y", "./x", "", "/x", "x//y", "x/", "\ud800.jpg"]) {
        assert.equal(await storage.open(path, { signal }), undefined, path);
      }
      await storage.open("%2e%2e/x", { signal });
      await storage.open("..%2fx", { signal });
      await storage.open("..\\x", { signal });
      assert.deepEqual(
        origin.requests.map(({ url }) => url),
        ["/a/b/%252e%252e/x", "/a/b/..%252fx", "/a/b/..%5Cx"],
      );
    });

    it("sends its headers, user and password, which its label does not show", async () => {
      const storage = folder({
        baseUrl: origin.url,
        headers: { "X-Api-Key": "key" },
        username: "ada",
        password: "pass:wörd",
      });
      await storage.open("x", { signal });
      const headers = origin.requests[0]?.headers;
      assert.equal(headers?.["x-api-key"], "key");
      assert.equal(headers?.authorization, `Basic ${Buffer.from("ada:pass:wörd").toString("base64")}`);
      assert.doesNotMatch(storage.label ?? "", /key|pass|ada/);
    });

    it("names the canonical address", async () => {
      for (const [options, address] of [
        [{}, undefined],
        [{ includeCanonicalHeader: true }, `${origin.url}/a%20b.jpg`],
        [
          { includeCanonicalHeader: true, baseUrlForCanonicalHeader: "https://www.example.com/" },
          "https://www.example.com/a%20b.jpg",
        ],
      ] as const) {
        const entry = await folder({ baseUrl: origin.url, ...options }).open("a b.jpg", { signal });
        assert(entry && entry !== NOT_MODIFIED);
        assert.equal(entry.canonical, address);
        await entry.close?.();
      }
    });

    for (const [options, message] of [
      [{}, /origins\.web\.baseUrl: Expected string but it is missing/],
      [{ baseUrl: "ftp://x/" }, /origins\.web\.baseUrl: Expected an http or https URL/],
      [{ baseUrl: "http://a:b@x/" }, /origins\.web\.baseUrl/],
      [{ baseUrl: "http://x/?a=b" }, /origins\.web\.baseUrl/],
      [
        { baseUrl: "http://x/", forwardHostHeaderToOrigin: "yes" },
        /forwardHostHeaderToOrigin: Expected boolean/,
      ],
      [
        { baseUrl: "http://x/", username: "a" },
        /origins\.web\.username: Expected username and password together/,
      ],
      [{ baseUrl: "http://x/", headers: { Range: "x" } }, /origins\.web\.headers\.Range/],
      [{ baseUrl: "http://x/", headers: { "x y": "x" } }, /origins\.web\.headers/],
      [{ baseUrl: "http://x/", headers: { x: "a\r\nb: c" } }, /origins\.web\.headers\.x/],
      [{ baseUrl: "http://x/", baseurl: "http://x/" }, /did you mean "baseUrl"/],
    ] as const) {
      it(`is not made of ${JSON.stringify(options)}`, () => {
        assert.throws(() => folder(options), { code: "ECONFIG", message });
      });
    }
  });

  describe("a proxy", () => {
    const port = () => Number(new URL(origin.url).port);

    it("asks for the address that it is given", async () => {
      const entry = await proxy({ ports: [port()] }).open(`${origin.url}/a%20b.jpg?c=d`, { signal });
      assert(entry && entry !== NOT_MODIFIED);
      assert.equal((await buffer(await entry.body())).toString(), "file");
      assert.equal(origin.requests[0]?.url, "/a%20b.jpg?c=d");
    });

    it("refuses ports and hosts that are not listed", async () => {
      const refusal = { code: "EACCES", message: "The origin's address is not allowed" };
      await assert.rejects(proxy({}).open(origin.url, { signal }), refusal);
      const some = proxy({
        hosts: ["images.example.com", "*.cdn.example.com", "bücher.example"],
        ports: [port()],
      });
      for (const host of [
        "127.0.0.1",
        "example.com",
        "images.example.com.evil.com",
        "evil-images.example.com",
        "cdn.example.com",
        "evilcdn.example.com",
      ]) {
        await assert.rejects(some.open(`http://${host}:${port()}/`, { signal }), refusal, host);
      }
      await assert.rejects(some.open("no URL", { signal }), refusal);
      assert.equal(origin.requests.length, 0);
    });

    it("reaches hosts that are listed, whatever their spelling", async () => {
      await using names = {
        fetcher: createFetcher({
          limits: DEFAULT_LIMITS,
          network: { allow: ["127.0.0.1"] },
          resolve: async () => [{ address: "127.0.0.1", family: 4 }],
        }),
        async [Symbol.asyncDispose]() {
          await this.fetcher.close();
        },
      };
      const options = {
        hosts: ["images.example.com", "*.cdn.example.com", "bücher.example"],
        ports: [port()],
      };
      const config = { name: "web", type: "WEB_PROXY", base: "/", options };
      const storage = createWebProxy(config, names.fetcher, SETTINGS);
      const hosts = [
        "IMAGES.example.com",
        "images.example.com.",
        "a.cdn.example.com",
        "a.b.cdn.example.com",
        "Bücher.example",
      ];
      for (const host of hosts) {
        const entry = await storage.open(`http://${host}:${port()}/x`, { signal });
        assert(entry && entry !== NOT_MODIFIED, host);
        await entry.close?.();
      }
      assert.equal(origin.requests.length, hosts.length);
    });

    it("follows no redirect to a host that is not listed", async () => {
      await using away = {
        origin: await createOrigin((_, response) =>
          response.writeHead(302, { location: `${origin.url.replace("127.0.0.1", "127.0.0.2")}/` }).end(),
        ),
        async [Symbol.asyncDispose]() {
          await this.origin.close();
        },
      };
      const ports = [port(), Number(new URL(away.origin.url).port)];
      await assert.rejects(proxy({ hosts: ["127.0.0.1"], ports }).open(away.origin.url, { signal }), {
        code: "EACCES",
      });
      assert.equal(away.origin.requests.length, 1);
      assert.equal(origin.requests.length, 0);
    });

    for (const options of [
      { hosts: [] },
      { hosts: ["http://x"] },
      { hosts: ["*"] },
      { hosts: ["a.*.b"] },
      { ports: [0] },
    ]) {
      it(`is not made of ${JSON.stringify(options)}`, () => {
        assert.throws(() => proxy(options), { code: "ECONFIG" });
      });
    }
  });

  it("come with the plugin, by their types", async () => {
    const made = new Map<string, (origin: OriginConfig) => Storage | undefined>();
    const hooks = {
      storage: { for: (type: string) => ({ tap: (_: string, make: never) => made.set(type, make) }) },
    };
    storageWeb().apply({ hooks, fetcher } as unknown as PluginApi);
    assert.deepEqual([...made.keys()], ["WEB_FOLDER", "WEB_PROXY"]);
    const options = { baseUrl: origin.url };
    const storage = made.get("WEB_FOLDER")?.({ name: "site", type: "WEB_FOLDER", base: "/", options });
    const entry = await storage?.open("x", { signal });
    assert(entry && entry !== NOT_MODIFIED);
    assert.equal((await buffer(await entry.body())).toString(), "file");
    assert.equal(
      made.get("WEB_PROXY")?.({ name: "any", type: "WEB_PROXY", base: "/", options: {} })?.urls,
      true,
    );
  });

  it("come with a plugin that checks its options", () => {
    assert.equal(storageWebDefault, storageWeb);
    assert.equal(storageWeb().name, "storage-web");
    assert.throws(() => storageWeb({ retries: -1 }), { code: "ECONFIG", message: /storage-web\.retries/ });
  });
});
