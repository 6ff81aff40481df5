import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import {
  makeFolder,
  runInProcess,
  startServer,
  type TestFolder,
  type TestServer,
  until,
} from "@mediatap/test";
import { urlIpx } from "@mediatap/url-ipx";
import sharp from "sharp";
import { migrate } from "../src/index.ts";
import { createShadow, type ShadowParts } from "../src/shadow.ts";

const picture = (width: number, colour: string) =>
  sharp({ create: { width, height: width, channels: 3, background: colour } })
    .composite([
      {
        input: { create: { width: width >> 1, height: width >> 1, channels: 3, background: "blue" } },
        gravity: "northwest",
      },
    ])
    .png()
    .toBuffer();

const plugins = () => [urlIpx(), storageFs(), imageSharp(), migrate()];

describe("mediatap migrate shadow", () => {
  let folder: TestFolder;
  let server: TestServer;
  let from: string;
  const asked: IncomingMessage[] = [];
  const old = createServer(async (request, response) => {
    asked.push(request);
    const { url = "", headers } = request;
    const width = Number(/w_(\d+)/.exec(url)?.[1] ?? 10);
    if (url.includes("w_404"))
      return void response.writeHead(404, { "cache-control": "max-age=9" }).end("none");
    if (url.includes("w_301")) return void response.writeHead(301, { location: "/elsewhere" }).end();
    if (url.includes("w_503")) return void response.writeHead(503).end("busy");
    if (url.includes("w_500")) return void request.socket.destroy();
    const types = /types=([^&]*)/.exec(url)?.[1];
    if (types !== undefined) {
      const fields = types.split("+or+").flatMap((type) => ["content-type", decodeURIComponent(type)]);
      const open = ["content-security-policy", "default-src *", "x-content-type-options", "none"];
      return void response.writeHead(200, [...fields, ...open]).end("<script>");
    }
    const own = { etag: '"old"', "cache-control": "public, max-age=77", "set-cookie": "a=b", "x-old": "1" };
    if (headers["if-none-match"] === '"old"') return void response.writeHead(304, own).end();
    const body = await picture(width, width === 50 ? "yellow" : "red");
    const part = headers.range === undefined ? undefined : { "content-range": `bytes 0-9/${body.length}` };
    response.writeHead(part ? 206 : 200, { ...own, ...part, "content-type": "image/png" });
    response.end(part ? body.subarray(0, 10) : body);
  });
  const lastAsked = () => asked.at(-1)?.url;

  before(async () => {
    await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
    from = `http://127.0.0.1:${(old.address() as AddressInfo).port}/site`;
    folder = await makeFolder({ "a.png": await picture(800, "red"), "mediatap.config.json": "" });
    const origins = ["files"];
    server = await startServer(
      {
        plugins: plugins(),
        origins: { files: { type: "FOLDER", path: "." } },
        endpoints: {
          default: { origins, migrate: { from } },
          shadow: { origins, migrate: { from, share: 1, report: "reports/shadow" } },
          moved: { origins, migrate: { from, serve: "new" } },
          closed: { origins, migrate: { from }, blockedUserAgents: ["BadBot"] },
          signed: {
            origins,
            migrate: { from },
            restrictUnsigned: "all",
            privateKey: "a key that is long enough",
          },
          own: { origins },
        },
      },
      { base: folder.path },
    );
    const config = {
      plugins: ["migrate", "url-ipx", "storage-fs"],
      origins: { files: { type: "FOLDER", path: "." } },
    };
    await writeFile(
      join(folder.path, "mediatap.config.json"),
      JSON.stringify({ ...config, endpoints: { default: { origins } }, log: { level: "silent" } }),
    );
  });
  after(async () => {
    await server?.close();
    old.close();
    await folder?.close();
  });

  it("sends status, headers and body of the old service", async () => {
    const url = "/_ipx/w_20/a.png?v=1";
    const accept = "image/webp";
    const { status, headers, body } = await server.ask(url, { headers: { accept, cookie: "secret=1" } });
    assert.equal(status, 200);
    assert.deepEqual(body, await picture(20, "red"));
    assert.equal(headers["cache-control"], "public, max-age=77");
    assert.equal(headers.etag, '"old"');
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.match(headers["cache-status"] ?? "", /fwd=bypass; fwd-status=200/);
    assert.deepEqual([headers["set-cookie"], headers["x-old"]], [undefined, undefined]);
    assert.equal(lastAsked(), `/site${url}`);
    const sent = asked.at(-1)?.headers;
    assert.deepEqual([sent?.accept, sent?.cookie], [accept, undefined]);

    const held = await server.ask(url, { headers: { "if-none-match": '"old"' } });
    assert.deepEqual([held.status, held.body.length, held.headers.etag], [304, 0, '"old"']);
    const part = await server.ask(url, { headers: { range: "bytes=0-9" } });
    assert.deepEqual([part.status, part.body], [206, body.subarray(0, 10)]);
    const head = await server.ask(url, { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.etag, asked.at(-1)?.method], [200, '"old"', "HEAD"]);
    const missing = await server.ask("/_ipx/w_404/a.png");
    assert.deepEqual(
      [missing.status, missing.text, missing.headers["cache-control"]],
      [404, "none", "max-age=9"],
    );
    const moved = await server.ask("/_ipx/w_301/a.png");
    assert.deepEqual([moved.status, moved.headers.location], [301, "/elsewhere"]);
    // Its signatures are its own.
    assert.equal((await server.ask("/signed/_ipx/w_20/a.png")).headers.etag, '"old"');
  });

  it("sandboxes documents of the old service, and sends one type", async () => {
    for (const type of [
      "text/html",
      "image/svg+xml",
      "text/xsl",
      "image/x+xml",
      "model/vnd.collada+xml",
      "a/b, text/html",
      "a/b or text/html",
    ]) {
      const { status, headers } = await server.ask(
        `/a?types=${type.split(" or ").map(encodeURIComponent).join("+or+")}`,
      );
      assert.equal(status, 200);
      assert.match(headers["content-security-policy"] ?? "", /^default-src 'none';.*; sandbox$/, type);
      assert.equal(headers["content-type"], type.replace(/(?:,| or) .*/, ""));
      assert.equal(headers["x-content-type-options"], "nosniff");
    }
    const { headers } = await server.ask("/a?types=image/png");
    assert.deepEqual(
      [headers["content-type"], headers["content-security-policy"]],
      ["image/png", "default-src *"],
    );
  });

  it("answers itself if the old service fails, or an endpoint has moved", async () => {
    for (const url of [
      "/_ipx/w_503/a.png",
      "/_ipx/w_500/a.png",
      "/moved/_ipx/w_20/a.png",
      "/own/_ipx/w_20/a.png",
    ]) {
      const { status, body } = await server.ask(url);
      assert.equal(status, 200, url);
      assert.equal((await sharp(body).metadata()).width, Number(/w_(\d+)/.exec(url)?.[1]));
    }
    assert.equal(lastAsked(), "/site/_ipx/w_500/a.png");
  });

  it("asks for nothing outside of the old service's path, and nothing for clients that are refused", async () => {
    const before = asked.length;
    for (const url of [
      "/../other/a.png",
      "/%2e%2e/other/a.png",
      "/x/%2E./../../a.png",
      "/%2e%2e%2fsecret",
      "/a/..%2f..%2fx",
      "/a/%252e%252e%255cx",
      "/%25%32%65%2e%2f%ff",
      "/a/%2e/x",
      `/%${"25".repeat(20)}2e/x`,
    ]) {
      assert.notEqual((await server.ask(url)).status, 200, url);
    }
    const { status } = await server.ask("/closed/_ipx/w_20/a.png", { headers: { "user-agent": "BadBot/1" } });
    assert.deepEqual([status, asked.length], [403, before]);
  });

  it("compares in the background, and reports", async () => {
    const report = join(folder.path, "reports/shadow");
    const reported = async () => {
      const [name] = await readdir(report);
      const text = name === undefined ? "" : await readFile(join(report, name), "utf8");
      return text.split("\n").filter((line) => line !== "");
    };
    const names = ["w_40", "w_50", "sepia_1", "w_404", "w_40"];
    const signed = "?token=hidden";
    for (const [at, name] of names.entries()) {
      await server.ask(`/shadow/_ipx/${name}/a.png${signed}`);
      // The last one is known.
      await until(async () => (await reported()).length === Math.min(at + 1, 4), "the comparison is written");
    }
    // Parts and what the client has are no whole pictures.
    await server.ask("/shadow/_ipx/w_60/a.png", { headers: { range: "bytes=0-9" } });
    await server.ask("/shadow/_ipx/w_60/a.png", { headers: { "if-none-match": '"old"' } });
    await writeFile(join(report, "2020-01-01.jsonl"), '{"at":"cut o');

    const [json, html] = [join(folder.path, "out.json"), join(folder.path, "out.html")];
    const run = await runInProcess(
      ["migrate", "shadow", report, "--json", json, "--html", html],
      folder.path,
    );
    assert.equal(run.code, 1, run.all);
    assert.match(run.out, /^4 URLs, compared 4 times since \d{4}-/m);
    assert.ok(run.all.includes("3 of 4 URLs are not equal"), run.all);
    const { results } = JSON.parse(await readFile(json, "utf8"));
    const found = Object.fromEntries(
      results.map(({ url, verdict, comparison, message }: Record<string, never>) => [
        url,
        [verdict, ...((comparison as { differences: string[] } | undefined)?.differences ?? [message])],
      ]),
    );
    assert.deepEqual(found["/_ipx/w_40/a.png?token=***"], ["equal"]);
    assert.match(String(found["/_ipx/w_50/a.png?token=***"]), /^different,similarity/);
    assert.match(String(found["/_ipx/sepia_1/a.png?token=***"]), /^refused,.*sepia/);
    assert.deepEqual(found["/_ipx/w_404/a.png?token=***"], ["different", "status 200 instead of 404"]);
    const page = await readFile(html, "utf8");
    for (const text of [page, (await reported()).join("\n")]) assert.doesNotMatch(text, /hidden/);
    assert.equal(page.match(/src="data:image\/webp;base64,/g)?.length, 5);

    const other = await runInProcess(["migrate", "shadow", report, "--endpoint", "else"], folder.path);
    assert.ok(other.all.includes("no comparison of the endpoint else"), other.all);
    const missing = await runInProcess(["migrate", "shadow", join(folder.path, "no")], folder.path);
    assert.match(missing.all, /cannot be read \(ENOENT\)/);
  });

  it("refuses wrong options by name", async () => {
    for (const [wrong, message] of [
      [{ from: "ftp://x" }, /endpoints\.default\.migrate\.from: Expected an http or https URL/],
      [{ from, serve: "both" }, /endpoints\.default\.migrate\.serve/],
      [{ from, share: 2 }, /endpoints\.default\.migrate\.share/],
      [{ from, report: "a.png/x" }, /endpoints\.default\.migrate\.report: a\.png\/x cannot be made/],
    ] as const) {
      const config = {
        plugins: plugins(),
        origins: { files: { type: "FOLDER", path: "." } },
        endpoints: { default: { origins: ["files"], migrate: wrong as never } },
      };
      await assert.rejects(startServer(config, { base: folder.path }), { code: "ECONFIG", message });
    }
  });
});

describe("migrate: the choice of requests that are compared", () => {
  const idle = { places: 2, running: 0, waiting: 0, waitingCost: 0, memory: 0 };
  const exchangeFor = (url: string) =>
    ({
      endpoint: {
        tenant: "",
        name: "default",
        fields: { migrate: { from: "http://old.example", share: 0.5 } },
      },
      request: { url, header: () => undefined },
      target: { path: "a", query: "" },
    }) as never;
  const shadowWith = (parts: Partial<ShadowParts>) =>
    createShadow({
      jobs: { resolve: async () => Promise.reject(new Error("none")) } as never,
      logger: { warn() {} } as never,
      state: () => ({ work: idle }) as never,
      logOf: () => ({ add: async () => {} }),
      random: () => 0,
      ...parts,
    });

  it("logs no signatures", async () => {
    const logged: unknown[] = [];
    const shadow = shadowWith({
      logger: { warn: (fields: unknown) => logged.push(fields) } as never,
      logOf: () => ({ add: async () => Promise.reject(new Error("full")) }),
    });
    shadow.observe(exchangeFor("/a?token=hidden"))?.onComplete({ status: 200, headers: {} }, Buffer.alloc(0));
    await until(async () => logged.length === 1, "the warning is logged");
    assert.equal((logged[0] as { url: string }).url, "/a?token=***");
    await shadow.stop();
  });

  it("takes the share, two at a time, and none while the server is busy", async () => {
    assert.equal(shadowWith({}).observe(exchangeFor(`/${"a".repeat(2000)}`)), undefined);
    assert.ok(shadowWith({ random: () => 0.49 }).observe(exchangeFor("/a")));
    assert.equal(shadowWith({ random: () => 0.5 }).observe(exchangeFor("/a")), undefined);
    assert.equal(shadowWith({ logOf: () => undefined }).observe(exchangeFor("/a")), undefined);
    for (const work of [
      { ...idle, waiting: 1 },
      { ...idle, running: 2 },
    ]) {
      const busy = shadowWith({ state: () => ({ work }) as never });
      assert.equal(busy.observe(exchangeFor("/a")), undefined);
    }
    const shadow = shadowWith({});
    const [first, second] = ["/a", "/b"].map((url) => shadow.observe(exchangeFor(url)));
    assert.equal(shadow.observe(exchangeFor("/c")), undefined);
    first?.onLost();
    const third = shadow.observe(exchangeFor("/a"));
    assert.ok(third && second);
    await shadow.stop();
    third.onLost();
    assert.equal(shadow.observe(exchangeFor("/d")), undefined);
  });
});
