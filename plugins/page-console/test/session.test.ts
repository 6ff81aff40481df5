import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { MediaError, type Plugin } from "@mediatap/core";
import { passTime, resetTime } from "@mediatap/test";
import { pageConsole } from "../src/index.ts";
import { type Client, type Console, KEY, SHOP_KEY, signIn, startConsole } from "./support.ts";

const SESSION = "/-/console/session";
const DATA = "/-/console/data/recent";

describe("page-console: sign-in", () => {
  let console: Console;
  let client: Client;
  before(async () => {
    console = await startConsole();
    client = await signIn(console.server);
  });
  after(() => console.close());
  afterEach(resetTime);

  const ask: Console["server"]["ask"] = (path, options) => console.server.ask(path, options);
  const json = (text: string) => JSON.parse(text);

  it("serves the document for each page, and every file that it names, below 150 KB of script", async () => {
    const { status, headers, text } = await ask("/-/console");
    assert.equal(status, 200);
    assert.match(headers["content-type"] ?? "", /^text\/html/);
    assert.equal((await ask("/-/console/inspect")).text, text);
    const named = [...text.matchAll(/"(\/-\/console\/[^"]+\.\w+)"/g)].map((match) => String(match[1]));
    assert.ok(named.includes("/-/console/app.js") && named.includes("/-/console/lib/preact.js"));
    let script = 0;
    // What every page needs.
    let first = 0;
    const pages = readdirSync(new URL("../public/", import.meta.url)).filter((name) => name.endsWith(".js"));
    const later = pages.map((name) => `/-/console/${name}`);
    for (const path of new Set([...named, ...later, "/-/console/lib/uPlot.iife.min.js"])) {
      const { status, headers, body } = await ask(path);
      assert.equal(status, 200, path);
      assert.match(
        headers["content-security-policy"] ?? "",
        /^default-src 'none'; script-src 'self' 'sha256-/,
        path,
      );
      assert.ok(body.length > 0, path);
      if (!path.endsWith(".js")) continue;
      const coded = await ask(path, { headers: { "accept-encoding": "br" } });
      script += coded.body.length;
      if (named.includes(path)) first += coded.body.length;
    }
    assert.ok(first < 40_000, String(first));
    assert.ok(script < 150_000, String(script));
  });

  it("names no address outside this server", async () => {
    for (const path of ["/-/console", "/-/console/app.js", "/-/console/inspect.js", "/-/console/style.css"]) {
      const { text } = await ask(path);
      assert.doesNotMatch(
        text.replaceAll("https://img.example.com/", ""),
        /https?:\/\/\w|["'(]\/\/\w|\son\w+="|\sstyle="/,
        path,
      );
    }
  });

  it("serves the document for pages of any name, and no file that does not exist", async () => {
    const { status, text } = await ask("/-/console/anything");
    assert.deepEqual([status, text], [200, (await ask("/-/console")).text]);
    assert.equal((await ask("/-/console/anything.js")).status, 404);
    assert.equal((await ask("/-/console/one/two")).status, 404);
  });

  it("makes management calls with the rights of the key", async () => {
    const calls: Plugin = {
      name: "calls",
      version: "1.0.0",
      apiVersion: 1,
      apply({ manage }) {
        manage("GET", "/v1/things/:id", ({ params, query }, endpoints) => ({
          headers: { ETag: '"7"' },
          body: { ...params, q: query.get("q"), endpoints: endpoints.length },
        }));
        manage("PATCH", "/v1/things/:id/parts/:part", async ({ params, body, header }) => ({
          body: { ...params, match: header("if-match"), body: String(Buffer.from(await body())) },
        }));
        manage("DELETE", "/v1/things/:id", () => ({ status: 204, body: undefined }));
        manage("POST", "/v1/things", () => {
          throw new MediaError("EINVAL", "name: Expected string", { status: 409 });
        });
      },
    };
    const own = await startConsole({ open: true }, { plugins: [calls] });
    try {
      const signed = await signIn(own.server);
      const got = await signed.ask("/-/console/api/v1/things/a%2Fb?q=1");
      assert.deepEqual(
        [got.status, got.headers.etag, got.headers["cache-control"]],
        [200, '"7"', "no-store"],
      );
      assert.deepEqual(json(got.text), { id: "a/b", q: "1", endpoints: 2 });
      const patched = await signed.ask("/-/console/api/v1/things/1/parts/2", {
        method: "PATCH",
        body: "{}",
        headers: { "if-match": '"7"' },
      });
      assert.deepEqual(json(patched.text), { id: "1", part: "2", match: '"7"', body: "{}" });
      const deleted = await signed.ask("/-/console/api/v1/things/1", { method: "DELETE" });
      assert.deepEqual([deleted.status, deleted.text], [204, ""]);
      const refused = await signed.ask("/-/console/api/v1/things", { method: "POST", body: "{}" });
      assert.deepEqual(
        [refused.status, json(refused.text)],
        [409, { code: "EINVAL", message: "name: Expected string" }],
      );
      assert.equal((await signed.ask("/-/console/api/v1/nothing")).status, 404);
      // Another site cannot send them, and whoever has no key cannot change anything.
      const path = "/-/console/api/v1/things/1";
      for (const headers of [
        { "x-csrf-token": "" },
        { origin: "https://evil.test" },
        { "sec-fetch-site": "cross-site" },
      ]) {
        const { status } = await signed.ask(path, { method: "DELETE", headers: headers as never });
        assert.equal(status, 403, JSON.stringify(headers));
      }
      const local = { host: "localhost", "x-csrf-token": "open" };
      assert.equal((await own.server.ask(path, { headers: local })).status, 200);
      assert.equal((await own.server.ask(path, { method: "DELETE", headers: local })).status, 403);
      assert.equal((await own.server.ask(path, { headers: { host: "images.example.com" } })).status, 401);
    } finally {
      await own.close();
    }
  });

  it("opens nothing without a key", async () => {
    for (const path of ["recent", "explain?url=/a.png", "answer?url=/a.png", "original?url=/a.png"]) {
      const { status, text } = await ask(`/-/console/data/${path}`);
      assert.deepEqual([status, json(text).code], [401, "ESIGNATURE"], path);
    }
    assert.equal((await ask("/-/console/data/sign", { method: "POST", body: "{}" })).status, 401);
    assert.deepEqual(json((await ask(SESSION)).text), { isOpen: false });
  });

  it("sets a cookie that scripts and other sites do not get", async () => {
    const body = JSON.stringify({ key: KEY });
    const { status, headers, text } = await ask(SESSION, { method: "POST", body });
    assert.equal(status, 200);
    assert.match(
      headers["set-cookie"] ?? "",
      /^mediatap_console=[\w.-]+; Path=\/-\/console; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    );
    assert.equal(headers["cache-control"], "no-store");
    assert.doesNotMatch(`${text}${headers["set-cookie"]}`, new RegExp(KEY));
    const https = { origin: "https://images.test", host: "images.test" };
    const secure = await ask(SESSION, { method: "POST", body, headers: https });
    assert.match(secure.headers["set-cookie"] ?? "", /; Secure$/);
  });

  it("knows the session by its cookie, until its time is over or somebody signs out", async () => {
    const { isOpen, isSignedIn, csrf, endpoints } = json((await client.ask(SESSION)).text);
    assert.deepEqual([isOpen, isSignedIn, csrf], [true, true, client.csrf]);
    assert.deepEqual(endpoints.map(({ name }: { name: string }) => name).sort(), ["closed", "default"]);
    const out = await client.ask(SESSION, { method: "DELETE" });
    assert.match(out.headers["set-cookie"] ?? "", /^mediatap_console=; Path=\/-\/console; Max-Age=0;/);
    passTime(13 * 3600 * 1000);
    assert.equal((await client.ask(DATA)).status, 401);
  });

  it("refuses a cookie that was changed", async () => {
    const [id, expires, nonce, seal] = client.cookie.replace("mediatap_console=", "").split(".") as [
      string,
      string,
      string,
      string,
    ];
    const other = (await signIn(console.server, SHOP_KEY)).cookie.replace("mediatap_console=", "").split(".");
    for (const parts of [
      [id, String(Number(expires) + 1), nonce, seal],
      [other[0], expires, nonce, seal],
      [id, expires, `${nonce}x`, seal],
      [id, expires, nonce, ""],
      [id],
    ]) {
      const cookie = `mediatap_console=${parts.join(".")}`;
      assert.equal((await ask(DATA, { headers: { cookie } })).status, 401, cookie);
    }
    assert.equal((await client.ask(DATA)).status, 200);
  });

  it("refuses changes that another site may have sent", async () => {
    const sign = (headers: Record<string, string>) =>
      client.ask("/-/console/data/sign", {
        method: "POST",
        body: JSON.stringify({ url: "/a.png" }),
        headers,
      });
    assert.equal((await sign({})).status, 200);
    for (const headers of [
      { "x-csrf-token": "" },
      { "x-csrf-token": "open" },
      { origin: "https://evil.test" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ]) {
      const { status, text } = await sign(headers as Record<string, string>);
      assert.deepEqual([status, json(text).code], [403, "EFORBIDDEN"], JSON.stringify(headers));
    }
    const { status } = await ask(SESSION, {
      method: "POST",
      body: JSON.stringify({ key: KEY }),
      headers: { origin: "https://evil.test" },
    });
    assert.equal(status, 403);
  });

  it("gets 400 for a body that it does not expect", async () => {
    for (const body of ["", "{", "[]", '{"key":5}', '{"key":"x","more":1}']) {
      assert.equal((await ask(SESSION, { method: "POST", body })).status, 400, body);
    }
  });

  it("names the field of a wrong option", () => {
    assert.throws(() => pageConsole({ opne: true } as object), /page-console\.opne: unknown field/);
  });
});

describe("page-console: wrong keys", () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(() => console.close());

  it("are refused, ten of an address within a minute, together with those of the management", async () => {
    const post = (key: string) =>
      console.server.ask(SESSION, { method: "POST", body: JSON.stringify({ key }) });
    const wrong = await post("private_wrong");
    assert.deepEqual([wrong.status, JSON.parse(wrong.text).code], [401, "ESIGNATURE"]);
    assert.equal(wrong.headers["set-cookie"], undefined);
    const basic = { authorization: `Basic ${Buffer.from("private_wrong:").toString("base64")}` };
    await Promise.all(Array.from({ length: 5 }, () => post("private_wrong")));
    for (let times = 0; times < 4; times++) {
      await console.server.ask("/-/api/v1/purges/x", { headers: basic });
    }
    const late = await post(KEY);
    assert.equal(late.status, 429);
    // For the rest of the minute.
    assert.match(late.headers["retry-after"] ?? "", /^(?:60|[1-5]\d)$/);
  });
});

describe("page-console: open to this machine", () => {
  let console: Console;
  before(async () => {
    console = await startConsole({ open: true });
  });
  after(() => console.close());

  const ask = (host: string, path: string) => console.server.ask(path, { headers: { host } });

  it("needs no key under a local name, and one under any other", async () => {
    const { isOpen, isSignedIn } = JSON.parse((await ask("localhost", SESSION)).text);
    assert.deepEqual([isOpen, isSignedIn], [true, false]);
    for (const host of ["images.example.com", "evil.test.example", "8.8.8.8"]) {
      assert.equal((await ask(host, DATA)).status, 401, host);
    }
    assert.equal((await ask("127.0.0.1:3000", DATA)).status, 200);
  });

  it("needs a key behind a proxy that sends requests of other networks", async () => {
    for (const [name, client, status] of [
      ["x-forwarded-for", "8.8.8.8", 401],
      ["x-forwarded-for", "127.0.0.1, 2001:db8::1", 401],
      ["x-forwarded-for", "unknown", 401],
      ["x-real-ip", "8.8.8.8", 401],
      ["x-forwarded-for", "192.168.1.7, ::1", 200],
    ] as const) {
      const answer = await console.server.ask(DATA, { headers: { host: "localhost", [name]: client } });
      assert.equal(answer.status, status, client);
    }
  });

  it("signs nothing without a key", async () => {
    const { status } = await console.server.ask("/-/console/data/sign", {
      method: "POST",
      body: JSON.stringify({ url: "/a.png" }),
      headers: { "x-csrf-token": "open" },
    });
    assert.equal(status, 403);
  });
});
