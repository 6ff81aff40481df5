import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Answer, ask, makeFolder, makePng, runInProcess, type TestFolder, until } from "@mediatap/test";
import { mediatap, type Serving, serving } from "./mediatap.ts";

const KEY = "private_key_of_the_server";
const STATE_KEY = Buffer.alloc(32, 7).toString("base64");

describe("mediatap state", () => {
  let folder: TestFolder;
  let server: Serving | undefined;
  const env = { MEDIATAP_STATE_KEY: STATE_KEY };

  const config = (more: object = {}) => ({
    plugins: [
      "@mediatap/url-imagekit",
      "@mediatap/storage-fs",
      "@mediatap/storage-web",
      "@mediatap/image-sharp",
      "@mediatap/cache-memory",
      "@mediatap/manage-imagekit",
      ["@mediatap/state-sqlite", { path: "./state.sqlite" }],
    ],
    origins: { files: { type: "FOLDER", path: "./photos" }, others: { type: "FOLDER", path: "./others" } },
    endpoints: { default: { origins: ["files"] } },
    privateKey: KEY,
    ...more,
  });
  const file = "mediatap.config.json";
  const start = async (...args: string[]) => {
    server = await serving(["--config", file, ...args], { cwd: folder.path, env });
    return server.port;
  };
  const stop = async () => {
    server?.kill("SIGKILL");
    await server?.ended;
    server = undefined;
  };
  const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
    ask(server?.port ?? 0, `/-/api/v1${path}`, {
      method,
      headers: { authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const endpoint = (urlPrefix: string, origins = ["files"]) => ({ description: "", origins, urlPrefix });
  const state = (...args: string[]) => runInProcess(["state", ...args, "--config", file], folder.path);
  const printed = async (...args: string[]) => {
    const { code, all } = await state(...args);
    assert.equal(code, 0, all);
    return all;
  };

  beforeEach(async () => {
    process.env.MEDIATAP_STATE_KEY = STATE_KEY;
    const png = await makePng(40, 30, () => [200, 0, 0, 255]);
    const other = await makePng(40, 30, () => [0, 0, 200, 255]);
    folder = await makeFolder({
      "photos/a.png": png,
      "others/a.png": other,
      [file]: JSON.stringify(config()),
    });
  });
  afterEach(async () => {
    await stop();
    await folder?.close();
  });

  it("shows, compares, exports, imports and rolls back what was changed", async () => {
    assert.equal(await printed("list"), "there are no revisions\n");
    await start();
    const web = { name: "shop", type: "WEB_FOLDER", baseUrl: "https://one.example.com" };
    assert.equal((await call("POST", "/accounts/origins", web)).status, 201);
    const stored = { name: "thumb", transformation: "w-10" };
    assert.equal((await call("POST", "/named-transformations", stored)).status, 201);
    assert.match(
      await printed("list"),
      /^2 {2}\S+Z {2}key \w{16} {2}create the named transformation thumb\n1 {2}.*create the origin shop\n$/,
    );
    assert.equal(JSON.parse(await printed("list", "--json", "--limit", "1"))[0].number, 2);
    assert.equal(
      await printed("diff"),
      '+ namedTransformations.thumb.enabled: true\n+ namedTransformations.thumb.transformation: "w-10"\n',
    );
    assert.equal(
      await printed("diff", "0", "1"),
      '+ origins.shop.baseUrl: "https://one.example.com"\n+ origins.shop.type: "WEB_FOLDER"\n',
    );
    const shown = JSON.parse(await printed("show", "1"));
    assert.deepEqual(shown.content.accounts[""].origins, {
      shop: { type: "WEB_FOLDER", baseUrl: web.baseUrl },
    });
    await printed("export", "old.json", "--revision", "1");
    assert.match(await printed("rollback", "0", "--comment", "start again"), /^revision 3 was written\n$/);
    const origins = async () => JSON.parse((await call("GET", "/accounts/origins")).text).length;
    await until(async () => (await origins()) === 2, "the server has taken it over");
    assert.match(await printed("import", "old.json"), /^revision 4 was written\n$/);
    await until(async () => (await origins()) === 3, "the server has taken it over");
    assert.match(await printed("list", "--limit", "2"), /^4 .* import old\.json\n3 .* start again\n$/);
    assert.equal(JSON.parse(await printed("export")).revision, 4);
    server?.kill("SIGHUP");
    const isReloaded = () =>
      server?.lines.some(({ msg }) => msg === "the configuration was reloaded") ?? false;
    await until(isReloaded, "the configuration is reloaded");
    assert.equal(await origins(), 3);
  });

  it("lists a comment on one line, without what would control a terminal", async () => {
    await printed("rollback", "0", "--comment", "\u001b[2Jstart\n99  again");
    assert.match(await printed("list"), / {2}\?\[2Jstart\?99 {2}again\n$/);
  });

  it("changes nothing on top of a store that has lost its revisions", async () => {
    await start();
    const web = { name: "one", type: "WEB_FOLDER", baseUrl: "https://one.example.com" };
    assert.equal((await call("POST", "/accounts/origins", web)).status, 201);
    const exported = await printed("export");
    const database = new DatabaseSync(join(folder.path, "state.sqlite"));
    database.exec("DELETE FROM revisions");
    database.close();
    const refused = await call("POST", "/accounts/origins", { ...web, name: "two" });
    assert.equal(refused.status, 503, refused.text);
    const names = async () =>
      JSON.parse((await call("GET", "/accounts/origins")).text).map(({ name }: { name: string }) => name);
    assert.deepEqual(await names(), ["files", "others", "one"]);
    await writeFile(join(folder.path, "lost.json"), exported);
    await printed("import", "lost.json");
    const isTaken = async () =>
      (await call("POST", "/accounts/origins", { ...web, name: "two" })).status === 201;
    await until(isTaken, "changes are possible again");
    assert.deepEqual(await names(), ["files", "others", "one", "two"]);
  });

  it("refuses what would make no server, and changes nothing", async () => {
    const wrong = {
      ...{ mediatap: "state", revision: 1, time: "", author: "", comment: "" },
      state: { accounts: { "": { endpoints: { shop: { origins: ["nowhere"] } } } } },
    };
    await writeFile(join(folder.path, "wrong.json"), JSON.stringify(wrong));
    const { code, err } = await state("import", "wrong.json");
    assert.equal(code, 1);
    assert.match(
      err,
      /mediatap\.config\.json with revision 1 of the managed state: endpoints\.shop\.origins\.0: unknown origin 'nowhere'/,
    );
    for (const [args, message] of [
      [["import", file], /mediatap\.config\.json\.mediatap: Expected state but it is missing/],
      [["rollback", "7"], /there is no revision 7/],
      [["show"], /there are no revisions/],
      [["restore"], /the store is not damaged: "mediatap state import" adds a revision/],
    ] as const) {
      const { code, err } = await state(...args);
      assert.equal(code, 1, args.join(" "));
      assert.match(err, message);
    }
    assert.equal(await printed("list"), "there are no revisions\n");
    await writeFile(join(folder.path, file), JSON.stringify(config({ plugins: ["@mediatap/url-imagekit"] })));
    assert.match((await state("list")).err, /no plugin keeps state; add one, for instance state-sqlite/);
  });

  it("makes a key, without which the management does not start", async () => {
    const key = await mediatap(["state", "key"]);
    assert.equal(Buffer.from(key.out, "base64").length, 32);
    for (const text of ["", "short"]) {
      const { code, err } = await mediatap(["serve", "--config", file], {
        cwd: folder.path,
        env: { MEDIATAP_STATE_KEY: text },
      });
      assert.equal(code, 1);
      assert.match(err, /MEDIATAP_STATE_KEY: Expected 32 bytes as base64.*: "mediatap state key" makes one/);
    }
    // With another key, what was encrypted cannot be read.
    await start();
    const { text, status } = await call("POST", "/accounts/origins", {
      ...{ name: "pim", type: "WEB_FOLDER", baseUrl: "https://one.example.com" },
    });
    assert.equal(status, 201, text);
    await stop();
    const exported = JSON.parse(await printed("export"));
    exported.state.accounts[""].origins.pim.password = "plain";
    exported.state.accounts[""].origins.pim.username = "ada";
    await writeFile(join(folder.path, "plain.json"), JSON.stringify(exported));
    await printed("import", "plain.json");
    const bytes = await readFile(join(folder.path, "state.sqlite"));
    assert(!bytes.includes('"password":"plain"'), "an import encrypts, too");
    const { code, err } = await mediatap(["serve", "--config", file], {
      cwd: folder.path,
      env: { MEDIATAP_STATE_KEY: Buffer.alloc(32, 8).toString("base64") },
    });
    assert.equal(code, 1);
    assert.match(err, /MEDIATAP_STATE_KEY: Expected the key that the secrets .* were encrypted with/);
  });

  it("restores a damaged store from the copy of its newest revision", async () => {
    await start();
    assert.equal(
      (await call("POST", "/named-transformations", { name: "thumb", transformation: "w-10" })).status,
      201,
    );
    const origin = { name: "pim", type: "WEB_FOLDER", baseUrl: "https://one.example.com" };
    assert.equal((await call("POST", "/accounts/origins", origin)).status, 201);
    await stop();
    const copy = join(folder.path, "state.sqlite.json");
    const edited = JSON.parse(await readFile(copy, "utf8"));
    edited.state.accounts[""].origins.pim.password = "plain";
    edited.state.accounts[""].origins.pim.username = "ada";
    await writeFile(copy, JSON.stringify(edited));
    await writeFile(join(folder.path, "state.sqlite"), "damaged ".repeat(1000));
    // The log alone would make it whole again.
    for (const end of ["-wal", "-shm"]) await rm(join(folder.path, `state.sqlite${end}`), { force: true });
    const { code, err } = await mediatap(["serve", "--config", file], { cwd: folder.path, env });
    assert.equal(code, 1);
    assert.match(err, /state\.sqlite is damaged \(.*\): "mediatap state restore" replaces it/);
    assert.match(
      await printed("restore"),
      /^revision 2 was restored from .*state\.sqlite\.json; .*\.damaged-/,
    );
    const bytes = await readFile(join(folder.path, "state.sqlite"));
    assert(!bytes.includes('"password":"plain"'), "what is restored is encrypted");
    const port = await start();
    assert.equal((await ask(port, "/tr:n-thumb/a.png")).status, 200);
    assert.match(await printed("list"), /^1 .* restore revision 2 from .*state\.sqlite\.json\n$/);
  });

  it("names the revision and the field if the configuration does not fit any more", async () => {
    await start();
    assert.equal((await call("POST", "/accounts/url-endpoints", endpoint("shop", ["others"]))).status, 201);
    await stop();
    const origins = { files: { type: "FOLDER", path: "./photos" } };
    await writeFile(join(folder.path, file), JSON.stringify(config({ origins })));
    const away = await mediatap(["serve", "--config", file], { cwd: folder.path, env });
    assert.equal(away.code, 1);
    assert.match(
      away.err,
      /with revision 1 of the managed state: endpoints\.shop\.origins\.0: unknown origin 'others'/,
    );
    const twice = config({ endpoints: { default: { origins: ["files"] }, shop: { origins: ["files"] } } });
    await writeFile(join(folder.path, file), JSON.stringify(twice));
    const both = await mediatap(["serve", "--config", file], { cwd: folder.path, env });
    assert.match(
      both.err,
      /endpoints\.shop: is in the configuration and in the managed state: rename one of the two/,
    );
  });

  it("changes all workers before the call returns, without a lost request", async () => {
    const port = await start("--workers", "2");
    const status = async (path: string) => (await ask(port, path)).status;
    let isDone = false;
    const seen = new Set<number>();
    const clients = Array.from({ length: 4 }, async (_, at) => {
      for (let count = 0; !isDone; count++) seen.add(await status(`/tr:w-${10 + ((at + count) % 9)}/a.png`));
    });
    try {
      for (let round = 0; round < 5; round++) {
        assert.equal((await call("POST", "/accounts/url-endpoints", endpoint("shop"))).status, 201);
        for (let count = 0; count < 12; count++) assert.equal(await status("/shop/a.png"), 200);
        const moved = await call("PUT", "/accounts/url-endpoints/shop", endpoint("shop", ["others"]));
        assert.equal(moved.status, 200, moved.text);
        assert.equal((await call("DELETE", "/accounts/url-endpoints/shop")).status, 204);
        for (let count = 0; count < 12; count++) assert.equal(await status("/shop/a.png"), 404);
      }
    } finally {
      isDone = true;
      await Promise.all(clients);
    }
    assert.deepEqual([...seen], [200]);
    assert(!server?.lines.some(({ level }) => Number(level) >= 40), JSON.stringify(server?.lines));
  });
});
