import assert from "node:assert/strict";
import type { MediatapConfig, Plugin, Report } from "@mediatap/core";
import { presetDevelopment } from "@mediatap/preset-development";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { usual } from "../support/plugins.ts";

/** A language for which the URL `/` is a file. */
const INDEX: Plugin = {
  name: "url-index",
  version: "1.0.0",
  apiVersion: 1,
  apply({ hooks }) {
    hooks.resolve.tap("url-index", ({ target, accept }, { tenant, name }) => ({
      asset: { tenant, endpoint: name, kind: "path", path: target.path || "index.txt" },
      transformation: { steps: [], output: {} },
      accept,
      query: [],
      delivery: {},
      language: "url-index",
      media: "file",
    }));
  },
};

describe("the page at /", () => {
  let folder: TestFolder;
  let server: TestServer | undefined;

  before(async () => {
    folder = await makeFolder({ "index.txt": "the index", "a.txt": "a" });
  });
  after(() => folder.close());
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  const config = (more: Partial<MediatapConfig> = {}): MediatapConfig => ({
    plugins: usual(),
    origins: { photos: { type: "FOLDER", path: folder.path } },
    endpoints: { default: { origins: ["photos"] } },
    ...more,
  });

  async function start(more: Partial<MediatapConfig> = {}): Promise<TestServer> {
    server = await startServer(config(more));
    return server;
  }

  /** The paths that the page names. */
  const paths = (text: string) => [...text.matchAll(/<code>(.*?)<\/code>/g)].map(([, path]) => path);

  it("names the endpoints, and loads nothing", async () => {
    const origins = ["photos"];
    const { ask } = await start({
      endpoints: { default: { origins }, shop: { origins }, blog: { origins } },
    });
    const { status, headers, text } = await ask("/");
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    assert.equal(headers["cache-control"], "no-store");
    assert.match(String(headers["content-security-policy"]), /^default-src 'none'; style-src 'sha256-/);
    assert.deepEqual(paths(text), ["/", "/shop/", "/blog/"]);
    assert.doesNotMatch(text, /<script|src=|https?:/);
    assert.equal(Number(headers["content-length"]), Buffer.byteLength(text));
  });

  it("is answered to HEAD, and with a query, and to nothing else", async () => {
    const { ask } = await start();
    const head = await ask("/", { method: "HEAD" });
    assert.deepEqual([head.status, head.text], [200, ""]);
    assert.equal((await ask("/?utm=1")).status, 200);
    assert.equal((await ask("/", { method: "POST" })).status, 405);
    for (const path of ["/nothing.txt", "/index.html", "/.", "/%2f"])
      assert.notEqual((await ask(path)).status, 200, path);
    assert.equal((await ask("/", { headers: { host: "a b" } })).status, 400);
  });

  it("reveals no origin, version, host, tenant or endpoint whose URLs have to be signed", async () => {
    const origins = ["photos"];
    const { ask } = await start({
      privateKey: "private_0123456789abcdef",
      endpoints: {
        default: { origins },
        inner: { origins, restrictUnsigned: "all" },
        own: { origins, hosts: ["img.example.com"] },
      },
      tenants: {
        acme: {
          origins: { theirs: { type: "FOLDER", path: folder.path } },
          endpoints: { default: { origins: ["theirs"] } },
        },
        named: {
          hosts: ["named.example.com"],
          origins: { theirs: { type: "FOLDER", path: folder.path } },
          endpoints: { default: { origins: ["theirs"] }, shop: { origins: ["theirs"] } },
        },
      },
    });
    const { text, headers } = await ask("/");
    assert.deepEqual(paths(text), ["/"]);
    assert.doesNotMatch(
      text + JSON.stringify(headers),
      /photos|acme|inner|own|example|\d\.\d\.\d|mediatap-test/,
    );
    const at = async (host: string) => paths((await ask("/", { headers: { host } })).text);
    assert.deepEqual(await at("img.example.com"), ["/"]);
    assert.deepEqual(await at("named.example.com"), ["/", "/shop/"]);
  });

  it("is there without an endpoint that answers at /", async () => {
    const { ask } = await start({ endpoints: { shop: { origins: ["photos"] } } });
    const { status, text } = await ask("/");
    assert.deepEqual([status, paths(text)], [200, ["/shop/"]]);
    assert.equal((await ask("/a.txt")).status, 404);
  });

  it("does not hide a file that a language finds there, nor that it is missing", async () => {
    const first = await start({ plugins: [...usual(), INDEX].reverse() });
    assert.equal((await first.ask("/")).text, "the index");
    await first.close();
    const { ask } = await start({
      plugins: [...usual(), INDEX].reverse(),
      origins: { photos: { type: "FOLDER", path: "/nonexistent" } },
    });
    const missing = await ask("/");
    assert.equal(missing.status, 404);
    assert.match(missing.text, /^Not Found/);
  });

  it("is reported as a response without an error", async () => {
    const reports: Report[] = [];
    const witness: Plugin = {
      name: "witness",
      version: "1.0.0",
      apiVersion: 1,
      apply({ hooks }) {
        hooks.report.tap("witness", (report) => void reports.push(report));
        hooks.respond.tap("witness", (reply) => {
          reply.headers["x-witness"] = "seen";
        });
      },
    };
    const { ask } = await start({ plugins: [...usual(), witness] });
    assert.equal((await ask("/")).headers["x-witness"], "seen");
    const [report] = reports;
    assert.ok(report?.kind === "exchange" && reports.length === 1);
    assert.equal(report.exchange.reply?.status, 200);
    assert.equal(report.exchange.error, undefined);
  });

  it("is the start page in development", async () => {
    const { ask } = await start({ presets: [presetDevelopment()] });
    const { text } = await ask("/");
    assert.match(text, /<title>Mediatap<\/title>/);
    assert.equal((await ask("/-/start/app.js")).status, 200);
  });
});
