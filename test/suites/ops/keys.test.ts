import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { pageConsole } from "@mediatap/page-console";
import { stateSqlite } from "@mediatap/state-sqlite";
import {
  echoEngine,
  jobLanguage,
  makeFolder,
  memoryStorage,
  passTime,
  resetTime,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import { warm } from "@mediatap/warm";

const KEY = "private_key_of_the_account";
const ACME = "private_key_of_acme";

interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of many calls.
  readonly body: any;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

interface Key {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly secret: string;
}

describe("keys of the management", () => {
  let folder: TestFolder;
  let server: TestServer;

  const start = (management: object = {}) =>
    startServer(
      {
        plugins: [
          ...[jobLanguage(), memoryStorage(Buffer.from("x")), echoEngine()],
          ...[manageImagekit(), pageConsole(), warm(), stateSqlite({ path: "state.sqlite" })],
        ],
        origins: { files: { type: "MEMORY" } },
        endpoints: { default: { origins: ["files"] } },
        privateKey: KEY,
        tenants: {
          acme: {
            origins: { own: { type: "MEMORY" } },
            endpoints: { default: { origins: ["own"] } },
            privateKey: ACME,
          },
        },
        management: { compatible: true, ...management },
        trustedProxies: ["127.0.0.1", "::1"],
      },
      { base: folder.path },
    );

  async function call(key: string, method: string, path: string, body?: unknown, ip = "203.0.113.1") {
    const answer = await server.ask(path.startsWith("/v1") ? `/-/api${path}` : path, {
      method,
      headers: { ...basic(key), "x-forwarded-for": ip },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const json = answer.text === "" ? undefined : JSON.parse(answer.text);
    return { status: answer.status, body: json, headers: answer.headers } as Reply;
  }

  async function create(role: string, name = `for ${role}`, key = KEY): Promise<Key> {
    const { status, body } = await call(key, "POST", "/v1/keys", { name, role });
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  }

  before(async () => {
    folder = await makeFolder();
    server = await start();
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });
  afterEach(resetTime);

  it("are created, listed, rotated and revoked", async () => {
    const made = await create("configure", "Deploy");
    assert.match(made.secret, /^mtk_[0-9a-f]{12}_[\w-]{43}$/);
    const { secret, ...info } = made;
    const { body } = await call(secret, "GET", "/v1/keys");
    assert.deepEqual(
      body.keys.map(({ id, role, readOnly }: Key & { readOnly?: true }) => [id, role, readOnly]),
      [
        [body.keys[0].id, "configure", true],
        [made.id, "configure", undefined],
      ],
    );
    assert.deepEqual(body.keys[1], info);

    const rotated = await call(KEY, "POST", `/v1/keys/${made.id}/rotate`);
    assert.equal(rotated.status, 200);
    assert.equal((await call(secret, "GET", "/v1/keys")).status, 401);
    assert.equal((await call(rotated.body.secret, "GET", "/v1/keys")).status, 200);

    assert.equal((await call(KEY, "DELETE", `/v1/keys/${made.id}`)).status, 204);
    assert.equal((await call(rotated.body.secret, "GET", "/v1/keys")).status, 401);
    assert.equal((await call(KEY, "DELETE", `/v1/keys/${made.id}`)).status, 404);
    assert.equal((await call(KEY, "POST", `/v1/keys/${made.id}/rotate`)).status, 404);
  });

  it("are stored as hashes: no file contains a secret", async () => {
    const { secret } = await create("read");
    const rotated = await call(KEY, "POST", `/v1/keys/${secret.split("_")[1]}/rotate`);
    const random = [secret, rotated.body.secret].map((text: string) => text.slice(17));
    for (const name of await readdir(folder.path)) {
      const content = await readFile(join(folder.path, name), "latin1");
      for (const text of random) assert.ok(!content.includes(text), name);
    }
  });

  it("are valid after a restart", async () => {
    const { secret } = await create("read");
    await server.close();
    server = await start();
    assert.equal((await call(secret, "GET", "/v1/keys")).status, 200);
  });

  it("do what their roles allow", async () => {
    const roles = ["read", "operate", "configure"];
    const keys = await Promise.all(roles.map((role) => create(role)));
    const origin = { type: "WEB_PROXY", name: "x", nonsense: 1 };
    for (const [method, path, body, needed, otherwise] of [
      ["GET", "/v1/keys", undefined, "read", 200],
      ["GET", "/v1/audit", undefined, "read", 200],
      ["GET", "/v1/state/revisions", undefined, "read", 200],
      ["GET", "/v1/accounts/origins", undefined, "read", 200],
      ["GET", "/v1/purges/none", undefined, "read", 404],
      ["GET", "/v1/warm/none", undefined, "read", 404],
      ["GET", "/v1/files/purge/none", undefined, "read", 400],
      ["POST", "/v1/purges", { source: "/a.jpg" }, "operate", 201],
      ["POST", "/v1/files/purge", { url: "/none/a.jpg?x=1" }, "operate", undefined],
      ["POST", "/v1/warm", { urls: [] }, "operate", undefined],
      ["POST", "/v1/accounts/origins", origin, "configure", 400],
      ["PUT", "/v1/accounts/origins/none", origin, "configure", undefined],
      ["DELETE", "/v1/accounts/url-endpoints/none", undefined, "configure", 404],
      ["PATCH", "/v1/named-transformations/none", { enabled: true }, "configure", 404],
      ["POST", "/v1/state/rollback", { revision: 9999 }, "configure", 404],
      ["POST", "/v1/keys", { name: "" }, "configure", 400],
      ["POST", "/v1/keys/none/rotate", undefined, "configure", 404],
      ["DELETE", "/v1/keys/none", undefined, "configure", 404],
    ] as const) {
      for (const key of keys) {
        const reply = await call(key.secret, method, path, body);
        const at = `${key.role}: ${method} ${path}`;
        if (roles.indexOf(key.role) < roles.indexOf(needed)) {
          const text = `Expected a key with the role ${needed}: this one has the role ${key.role}.`;
          assert.deepEqual([reply.status, reply.body.message], [403, text], at);
        } else {
          assert.notEqual(reply.status, 403, at);
          if (otherwise !== undefined) assert.equal(reply.status, otherwise, at);
        }
      }
    }
  });

  it("open their own account only", async () => {
    const [own, acme] = [await create("configure"), await create("configure", "of acme", ACME)];
    assert.equal((await call(acme.secret, "DELETE", `/v1/keys/${own.id}`)).status, 404);
    assert.equal((await call(acme.secret, "POST", `/v1/keys/${own.id}/rotate`)).status, 404);
    assert.equal((await call(own.secret, "DELETE", `/v1/keys/${acme.id}`)).status, 404);
    const origins = await call(acme.secret, "GET", "/v1/accounts/origins");
    assert.deepEqual(
      origins.body.map(({ id }: Key) => id),
      ["own"],
    );
    const { body } = await call(acme.secret, "GET", "/v1/keys");
    assert.deepEqual(
      body.keys.slice(1).map(({ id }: Key) => id),
      [acme.id],
    );
    const { entries } = (await call(acme.secret, "GET", "/v1/audit")).body;
    assert.deepEqual(
      entries.map(({ what }: { what: string }) => what),
      [`create the key of acme (${acme.id}) with the role configure`],
    );
  });

  it("of the configuration file are listed, and cannot be changed", async () => {
    const { id } = (await call(KEY, "GET", "/v1/keys")).body.keys[0];
    for (const [method, path] of [
      ["DELETE", `/v1/keys/${id}`],
      ["POST", `/v1/keys/${id}/rotate`],
    ] as const) {
      const { status, body } = await call(KEY, method, path);
      assert.deepEqual(
        [status, body.message],
        [403, "The key is in the configuration file of the server and cannot be changed here."],
      );
    }
  });

  it("get 400 with the field for a wrong body", async () => {
    for (const [body, message] of [
      [{ role: "read" }, /^name: /],
      [{ name: "", role: "read" }, /^name: Expected 1 to 100 characters/],
      [{ name: "a\nb", role: "read" }, /^name: /],
      [{ name: "x", role: "owner" }, /^role: /],
      [{ name: "x", role: "read", id: "1" }, /id/],
    ] as const) {
      const reply = await call(KEY, "POST", "/v1/keys", body);
      assert.equal(reply.status, 400);
      assert.match(reply.body.message, message);
    }
    const { id } = await create("read");
    for (const graceSeconds of [-1, 604_801, "1"]) {
      const reply = await call(KEY, "POST", `/v1/keys/${id}/rotate`, { graceSeconds });
      assert.equal(reply.status, 400);
      assert.match(reply.body.message, /^graceSeconds: /);
    }
  });

  it("open the console, as far as their role allows, until they have another secret", async () => {
    const { id, secret } = await create("read", "Ada");
    const body = JSON.stringify({ key: secret });
    const answer = await server.ask("/-/console/session", { method: "POST", body });
    assert.equal(answer.status, 200);
    const [cookie = ""] = (answer.headers["set-cookie"] ?? "").split(";");
    const { csrf } = JSON.parse(answer.text);
    const post = (path: string, body: object) =>
      server.ask(`/-/console/data/${path}`, {
        method: "POST",
        headers: { cookie, "x-csrf-token": csrf },
        body: JSON.stringify(body),
      });
    const recent = async () => (await server.ask("/-/console/data/recent", { headers: { cookie } })).status;
    assert.equal(await recent(), 200);
    assert.equal((await post("purge", { all: true })).status, 403);
    assert.equal((await post("sign", { url: "/a.png" })).status, 403);
    await call(KEY, "POST", `/v1/keys/${id}/rotate`);
    assert.equal(await recent(), 401);
  });

  describe("in the audit log", () => {
    const entries = async (query = "") => (await call(KEY, "GET", `/v1/audit${query}`)).body.entries;

    it("each change is there with key, time and address", async () => {
      const { id, secret } = await create("configure", "Ci");
      const named = { name: "thumb", transformation: "w-100" };
      const made = await call(secret, "POST", "/v1/named-transformations", named, "203.0.113.9");
      assert.equal(made.status, 201);
      await call(secret, "POST", "/v1/purges", { all: true }, "203.0.113.9");
      await call(secret, "POST", "/v1/warm", { urls: ["/none"] }, "203.0.113.9");
      const found = await entries("?limit=4");
      const key = { id, name: "Ci" };
      assert.deepEqual(
        found.map(({ kind, key, address, what }: Record<string, unknown>) => [kind, key, address, what]),
        [
          ["change", key, "203.0.113.9", "POST /v1/warm"],
          ["change", key, "203.0.113.9", "purge all"],
          ["change", key, "203.0.113.9", "create the named transformation thumb"],
          ["change", found[3].key, "203.0.113.1", `create the key Ci (${id}) with the role configure`],
        ],
      );
      for (const { time } of found) assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
    });

    it("a call that is refused is no change", async () => {
      const before = await entries();
      for (const [method, path, body, status] of [
        ["POST", "/v1/accounts/origins", { type: "NONE", name: "x" }, 400],
        ["DELETE", "/v1/accounts/origins/none", undefined, 404],
        ["DELETE", "/v1/keys/none", undefined, 404],
        ["POST", "/v1/files/purge", {}, 400],
        ["POST", "/v1/accounts/changes", { changes: [], dryRun: true }, 200],
      ] as const) {
        assert.equal((await call(KEY, method, path, body)).status, status, `${method} ${path}`);
      }
      assert.deepEqual(await entries(), before);
    });

    it("each refused key is there, without the key", async () => {
      const { id, secret } = await create("read", "Reader");
      const wrong = `${secret.slice(0, -4)}AAAA`;
      assert.equal((await call(wrong, "GET", "/v1/keys", undefined, "203.0.113.10")).status, 401);
      assert.equal((await call(secret, "POST", "/v1/purges", { all: true }, "203.0.113.11")).status, 403);
      const [role, key] = await entries("?limit=2");
      assert.deepEqual([key.kind, key.what, key.address], ["refusal", "a wrong key", "203.0.113.10"]);
      assert.deepEqual(
        [role.what, role.key],
        ["POST /v1/purges: it needs the role operate", { id, name: "Reader" }],
      );
      assert.ok(!JSON.stringify(await entries()).includes(secret.slice(17, -4)));
    });

    it("is read page by page", async () => {
      const all = (await entries()).map(({ id }: Key) => id);
      const pages: string[] = [];
      for (let page = await entries("?limit=3"); page.length > 0; ) {
        assert.ok(page.length <= 3);
        pages.push(...page.map(({ id }: Key) => id));
        page = await entries(`?limit=3&before=${pages.at(-1)}`);
      }
      assert.deepEqual(pages, all);
      for (const query of ["?limit=0", "?limit=101", "?before=x", "?other=1"]) {
        assert.equal((await call(KEY, "GET", `/v1/audit${query}`)).status, 400, query);
      }
    });
  });

  it("that are wrong block their address for the rest of the minute, and no other one", async () => {
    const ip = "203.0.113.77";
    const wrong = await Promise.all(
      Array.from({ length: 10 }, () => call("wrong", "GET", "/v1/keys", undefined, ip)),
    );
    assert.deepEqual(
      wrong.map(({ status }) => status),
      Array.from({ length: 10 }, () => 401),
    );
    const blocked = await call(KEY, "GET", "/v1/keys", undefined, ip);
    assert.equal(blocked.status, 429);
    const seconds = Number(blocked.headers["retry-after"]);
    assert.ok(seconds > 0 && seconds <= 60, String(seconds));
    assert.equal((await call(KEY, "GET", "/v1/keys", undefined, "203.0.113.78")).status, 200);
  });

  it("that are missing block nobody: any page can make a browser send such requests", async () => {
    const ip = "203.0.113.79";
    const headers = { "x-forwarded-for": ip };
    for (let count = 0; count < 12; count++) {
      assert.equal((await server.ask("/-/api/v1/keys", { headers })).status, 401);
    }
    assert.equal((await call(KEY, "GET", "/v1/keys", undefined, ip)).status, 200);
  });

  it("that are wrong block the /64 network of an IPv6 address", async () => {
    for (let count = 1; count <= 10; count++) {
      await call("wrong", "GET", "/v1/keys", undefined, `2001:db8:1:2::${count.toString(16)}`);
    }
    assert.equal((await call(KEY, "GET", "/v1/keys", undefined, "2001:db8:1:2:ffff::1")).status, 429);
    assert.equal((await call(KEY, "GET", "/v1/keys", undefined, "2001:db8:1:3::1")).status, 200);
  });

  it("are masked where a call contains one", async () => {
    const secret = `mtk_0123456789ab_${"x".repeat(43)}`;
    await call(KEY, "DELETE", `/v1/keys/${secret}`);
    await call(KEY, "POST", "/v1/purges", { source: `photo.jpg?key=${secret}` });
    const text = JSON.stringify((await call(KEY, "GET", "/v1/audit")).body);
    assert.ok(!text.includes(secret), text);
    assert.match(text, /photo\.jpg/);
  });

  describe("with a limit of changes", () => {
    before(async () => {
      await server.close();
      server = await start({ changesPerMinute: 3 });
    });

    it("may make some changes in a minute, across the runtimes that changes make", async () => {
      const { secret, id } = await create("configure");
      const named = (name: string) =>
        call(secret, "POST", "/v1/named-transformations", { name, transformation: "w-1" });
      const rate = ({ status, headers }: Reply) => [
        status,
        headers["x-ratelimit-limit"],
        headers["x-ratelimit-interval"],
      ];
      assert.deepEqual(rate(await named("one")), [201, "3", "60000"]);
      assert.deepEqual(rate(await named("two")), [201, "3", "60000"]);
      const refused = await named("three");
      assert.deepEqual(rate(refused), [429, "3", "60000"]);
      const reset = Number(refused.headers["x-ratelimit-reset"]);
      assert.ok(reset > 0 && reset <= 60_000);
      assert.equal(Number(refused.headers["retry-after"]), Math.ceil(reset / 1000));
      assert.equal((await call(secret, "DELETE", `/v1/keys/${id}`)).status, 429);
      assert.equal((await call(secret, "GET", "/v1/keys")).status, 200);
      // Another account has its own.
      await create("read", "of acme", ACME);
    });
  });

  describe("that are rotated", () => {
    before(async () => {
      await server.close();
      server = await start();
    });

    it("keep an old secret for as long as a rotation says", async () => {
      const { id, secret } = await create("read");
      await call(KEY, "POST", `/v1/keys/${id}/rotate`, { graceSeconds: 3600 });
      assert.equal((await call(secret, "GET", "/v1/keys")).status, 200);
      passTime(3_700_000);
      assert.equal((await call(secret, "GET", "/v1/keys")).status, 401);
    });
  });
});

const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` });
