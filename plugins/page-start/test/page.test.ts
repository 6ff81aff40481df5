import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { Readable } from "node:stream";
import type { PluginApi, RouteHandler, RouteReply } from "@mediatap/core";
import { pageStart, type StartSample } from "../src/index.ts";

const PUBLIC = new URL("../public/", import.meta.url);
const samples: StartSample[] = [{ path: "a.jpg", title: "An </script> & a “fig”" }];

function routesOf(plugin: ReturnType<typeof pageStart>): Map<string, RouteHandler> {
  const routes = new Map<string, RouteHandler>();
  const route: PluginApi["route"] = (method, path, handler) => {
    assert.equal(method, "GET");
    routes.set(path, handler);
  };
  const api = {
    route,
    hooks: { start: { tap() {} } },
    state: () => ({ plugins: [{ name: "page-console" }] }),
  };
  plugin.apply(api as unknown as PluginApi);
  return routes;
}

async function ask(path: string, headers: Record<string, string> = {}): Promise<RouteReply> {
  const handler = routesOf(pageStart({ samples })).get(path);
  assert.ok(handler, `no route for ${path}`);
  return handler({
    method: "GET",
    path,
    query: new URLSearchParams(),
    params: {},
    ip: "127.0.0.1",
    isSecure: false,
    server: { address: "127.0.0.1", port: 3000 },
    header: (name) => headers[name],
    body: async () => new Uint8Array(),
    stream: () => Readable.from([]),
  });
}

describe("page-start", () => {
  it("serves every file that the page names", async () => {
    const { body } = await ask("/");
    const named = [...String(body).matchAll(/(?:src|href)="(\/-\/[^"]+)"/g)].map((match) => String(match[1]));
    assert.ok(named.includes("/-/start/app.js") && named.includes("/-/start/style.css"));
    for (const path of named.filter((path) => path !== "/-/console"))
      assert.ok(String((await ask(path)).body).length > 0, path);
  });

  it("hands the samples to the page, and nothing in them ends their element", async () => {
    const found = /<script type="application\/json" id="settings">(.*?)<\/script>/s.exec(
      String((await ask("/")).body),
    );
    assert.deepEqual(JSON.parse(String(found?.[1])), {
      samples: [{ ...samples[0], transformation: "w-480,h-320,fo-auto" }],
      listsFiles: false,
      hasConsole: true,
    });
  });

  it("allows nothing but this server, on the page and on its files", async () => {
    for (const path of routesOf(pageStart()).keys()) {
      const policy = (await ask(path)).headers?.["content-security-policy"] ?? "";
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
      assert.doesNotMatch(policy, /unsafe|http|\*/);
    }
  });

  it("loads from no address outside this server, and has no inline script or style", async () => {
    for (const path of routesOf(pageStart()).keys()) {
      // Links to the documentation load nothing.
      const text = String((await ask(path)).body)
        .replaceAll("http://www.w3.org/2000/svg", "")
        .replaceAll(/<a\s+href="https:\/\/github\.com\/mediatap\/mediatap[^"]*"/g, "");
      assert.doesNotMatch(text, /https?:\/\/|["'(]\/\/\w/, path);
      assert.doesNotMatch(text, /<style|\son\w+="|\sstyle="|<script(?![^>]*(src=|application\/json))/, path);
    }
  });

  it("stays below 80 KB in all", () => {
    const bytes = readdirSync(PUBLIC).map((name) => statSync(new URL(name, PUBLIC)).size);
    assert.ok(bytes.reduce((sum, size) => sum + size, 0) < 80_000);
  });

  it("answers 304 to the ETag that it gave", async () => {
    const etag = (await ask("/")).headers?.etag;
    assert.ok(etag);
    const again = await ask("/", { "if-none-match": `W/${etag}` });
    assert.equal(again.status, 304);
    assert.equal(again.body, undefined);
    assert.notEqual((await ask("/", { "if-none-match": '"other"' })).status, 304);
  });

  it("names the field of a wrong option", () => {
    assert.throws(
      () => pageStart({ sample: [] } as object),
      /page-start\.sample: unknown field, did you mean "samples"/,
    );
    assert.throws(() => pageStart({ samples: [{ path: "", title: "t" }] }), /page-start\.samples\.0\.path/);
  });
});
