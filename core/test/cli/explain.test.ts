import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runInProcess } from "@mediatap/test";
import { explainUrl } from "../../src/cli/explain.ts";
import { findConfig } from "../../src/config/find.ts";
import { loadConfig } from "../../src/config/load.ts";
import { folderWith } from "../config/folder.ts";
import { mediatap } from "./mediatap.ts";

const PICTURE = join(import.meta.dirname, "../../../examples/start/media/logo.png");

const CONFIG = {
  plugins: [
    "@mediatap/url-imagekit",
    "@mediatap/storage-fs",
    "@mediatap/storage-web",
    "@mediatap/image-sharp",
    "@mediatap/cache-memory",
  ],
  origins: {
    first: { type: "FOLDER", path: "first" },
    second: { type: "FOLDER", path: "second" },
    third: { type: "FOLDER", path: "third" },
    down: { type: "WEB_FOLDER", baseUrl: "http://me:hunter2@127.0.0.1:1/" },
  },
  endpoints: {
    default: { origins: ["first", "second", "third"] },
    shop: { origins: ["second"], hosts: ["shop.example"], privateKey: "key", restrictUnsigned: "all" },
    down: { origins: ["down"] },
    mixed: { origins: ["first", "down", "third", "second"] },
    plain: { origins: ["second"], autoFormat: false, blockedIps: ["127.0.0.1"] },
  },
  limits: { megapixels: 2, outputMegapixels: 9 },
};

/** `ik-s` of a path, without expiry: section "signed URLs" of ImageKit's manual. */
const signed = (path: string, expiry = "9999999999") =>
  createHmac("sha1", "key").update(`${path}${expiry}`).digest("hex");

describe("mediatap explain", () => {
  let folder: Awaited<ReturnType<typeof folderWith>>;
  before(async () => {
    const logo = await readFile(PICTURE);
    folder = await folderWith({
      "mediatap.config.json": {
        ...CONFIG,
        origins: { ...CONFIG.origins, down: { type: "WEB_FOLDER", baseUrl: "http://127.0.0.1:1/" } },
      },
      "first/x.txt": "x",
      "second/logo.png": logo,
      "third/logo.png": logo,
    });
  });
  after(() => folder.remove());

  const run = (...args: string[]) => mediatap(["explain", ...args], { cwd: folder.path });

  /** As the command does it, without a process of its own. */
  async function said(url: string, isJson: boolean, headers: Record<string, string>): Promise<string> {
    const found = await findConfig({ cwd: folder.path, file: "mediatap.config.json" });
    assert(found);
    const config = await loadConfig(found.config, { source: found.source, base: folder.path });
    const accept = "image/avif,image/webp,*/*";
    return (await explainUrl(config, { url, headers: { accept, ...headers } }, isJson)).text;
  }
  const text = (url: string) => said(url, false, {});
  // biome-ignore lint/suspicious/noExplicitAny: looked into field by field
  const json = async (url: string, headers = {}): Promise<any> => JSON.parse(await said(url, true, headers));

  it("prints what would be done", async () => {
    const { code, out } = await run("/tr:w-100,h-50/logo.png");
    assert.equal(code, 0);
    for (const line of [
      /^\/tr:w-100,h-50\/logo\.png$/m,
      /^endpoint +default /m,
      /^asset +logo\.png \(image\)$/m,
      /^language +url-imagekit$/m,
      /^signature +unsigned$/m,
      /^steps +resize width=100 height=50 fit=cover/m,
      /^output +format=auto quality=80/m,
      /^cache key +\S{43}$/m,
      /^cache +miss$/m,
      /^origins +1\. first \(FOLDER, folder first\): not here$/m,
      /^ +2\. second \(FOLDER, folder second\): found$/m,
      /^ +3\. third \(FOLDER, folder third\): not asked$/m,
      /^header +png 1024x1024, with alpha$/m,
      /^plan +image-sharp, lane light, about \d+ ms/m,
      /^limits +none is exceeded$/m,
      /^status +200$/m,
      /^errors +none$/m,
    ]) {
      assert.match(out, line);
    }
  });

  for (const [url, code, line] of [
    ["/tr:w-10/logo.png", 0, ""],
    ["/nowhere.png", 1, "mediatap: the response would be 404"],
    ["/tr:w-abc/logo.png", 1, "mediatap: the response would be 400"],
    ["/shop/logo.png", 1, "mediatap: the response would be 401"],
    ["/plain/logo.png", 1, "mediatap: the response would be 403"],
    ["/tr:l-image,i-nope.png,l-end/logo.png", 1, "mediatap: the response would be 404"],
    ["/tr:di-logo.png/nowhere.png", 0, ""],
  ] as const) {
    it(`ends with ${code}: ${url}`, async () => {
      const cwd = folder.path;
      for (const flags of [[], ["--json"]]) {
        const ended = await runInProcess(["explain", url, ...flags], cwd);
        assert.equal(ended.code, code, ended.all);
        assert.equal(/^mediatap: .*$/m.exec(ended.all)?.[0] ?? "", line);
      }
    });
  }

  it("prints the same as JSON", async () => {
    const { out } = await run("/tr:w-100,h-50/logo.png?v=2", "--json", "-H", "Accept: image/webp");
    const said = JSON.parse(out);
    assert.equal(said.url, "/tr:w-100,h-50/logo.png?v=2");
    assert.deepEqual(said.asset, { kind: "path", path: "logo.png", media: "image" });
    assert.deepEqual(said.accept, { class: "webp", negotiated: true });
    assert.equal(said.transformation.steps[0].op, "resize");
    assert.deepEqual(
      said.origins.map(({ name, answer }: { name: string; answer: string }) => [name, answer]),
      [
        ["first", "not here"],
        ["second", "found"],
        ["third", "not asked"],
      ],
    );
    assert.equal(said.source.origin, "second");
    assert.equal(said.metadata.header.width, 1024);
    assert.equal(said.plan.engine, "image-sharp");
    assert.equal(said.plan.explanation.format, "webp");
    assert.deepEqual(said.errors, []);
  });

  it("gives equal requests one cache key, and different ones two", async () => {
    const { key } = await json("/tr:w-100,h-50/logo.png");
    assert.equal((await json("/logo.png?tr=h-50,w-100")).key, key);
    assert.notEqual((await json("/tr:w-100,h-51/logo.png")).key, key);
    assert.notEqual((await json("/tr:w-100,h-50/logo.png?v=2")).key, key);
  });

  it("finds the endpoint as the server does", async () => {
    assert.deepEqual((await json("/plain/logo.png")).endpoint, { name: "plain", by: "path" });
    assert.deepEqual((await json("https://shop.example/logo.png")).endpoint, { name: "shop", by: "host" });
    assert.deepEqual((await json("/logo.png", { host: "shop.example:80" })).endpoint, {
      name: "shop",
      by: "host",
    });
    assert.deepEqual((await json("http://any.example/x/logo.png")).endpoint, {
      name: "default",
      by: "default",
    });
  });

  for (const [query, state, errors] of [
    ["", "unsigned", ["ESIGNATURE"]],
    [`?ik-s=${signed("logo.png")}`, "valid", []],
    [`?ik-s=${"0".repeat(40)}`, "wrong", ["ESIGNATURE"]],
    [`?ik-t=1000000000&ik-s=${signed("logo.png", "1000000000")}`, "expired", ["EEXPIRED"]],
  ] as const) {
    it(`prints the state of a signature: ${state}`, async () => {
      const said = await json(`/shop/logo.png${query}`);
      assert.equal(said.signature, state);
      assert.deepEqual(
        said.errors.map(({ code }: { code: string }) => code),
        errors,
      );
      assert.equal(said.plan.engine ?? said.plan, "image-sharp");
    });
  }

  it("shows what an access rule refuses, and what would be done otherwise", async () => {
    const said = await json("/plain/tr:w-9/logo.png");
    assert.equal(said.errors[0].code, "EFORBIDDEN");
    assert.equal(said.plan.explanation.size, "9x9");
    assert.deepEqual(said.accept, { class: "webp", negotiated: false });
  });

  it("prints an error in the URL as its result", async () => {
    const said = await json("/tr:w-abc/logo.png");
    assert.deepEqual(said.errors, [
      { code: "EINVAL", status: 400, message: "Expected positive integer for w but received 'abc'" },
    ]);
    assert.equal(said.plan, "pending");
    assert.deepEqual(said.metadata, { header: "pending" });
    assert.deepEqual(
      said.origins.map(({ answer }: { answer: string }) => answer),
      ["not asked", "not asked", "not asked"],
    );
  });

  for (const [url, code] of [
    ["/none.png", "ENOENT"],
    ["/../logo.png", "EINVAL"],
    ["/tr:w-9/%00.png", "EINVAL"],
    [`/${"x".repeat(9000)}`, "EURL"],
  ] as const) {
    it(`prints ${code} for ${url.slice(0, 20)}`, async () => {
      const said = await json(url);
      assert.deepEqual(
        said.errors.map((error: { code: string }) => error.code),
        [code],
      );
      assert.match(await text(url), new RegExp(`^errors +\\d+ ${code}: `, "m"));
    });
  }

  it("prints the failure of an origin with its cause, for the operator", async () => {
    const said = await json("/down/logo.png");
    assert.equal(said.origins[0].answer, "failed");
    assert.equal(said.origins[0].error.code, "ECONNREFUSED");
    assert.equal(said.errors[0].code, "ECONNREFUSED");
  });

  it("shows which origin had the file, after one that failed", async () => {
    const said = await json("/mixed/logo.png");
    assert.deepEqual(
      said.origins.map(({ name, answer }: { name: string; answer: string }) => `${name}: ${answer}`),
      ["first: not here", "down: failed", "third: found", "second: not asked"],
    );
    assert.equal(said.source.origin, "third");
    assert.deepEqual(said.errors, []);
  });

  it("shows a limit that is hit", async () => {
    await folder.write(
      "second/large.svg",
      `<svg xmlns="http://www.w3.org/2000/svg" width="2000" height="1500"/>`,
    );
    const said = await json("/tr:f-png/large.svg");
    const hit = said.limits.filter(({ exceeded }: { exceeded: boolean }) => exceeded);
    assert.deepEqual(hit, [{ name: "megapixels", used: 3, allowed: 2, exceeded: true }]);
    assert.match(await text("/tr:f-png/large.svg"), /^limits +megapixels: 3 is more than 2$/m);
  });

  it("reports that a picture is none", async () => {
    await folder.write("second/fake.png", "no picture");
    const { plan, errors } = await json("/fake.png");
    assert.deepEqual([plan, errors[0].code, errors[0].status], ["none", "UNIDENTIFIED", 404]);
  });

  it("reports that a file is delivered as it is", async () => {
    const said = await json("/x.txt");
    assert.deepEqual([said.plan, said.metadata.header, said.errors], ["none", "none", []]);
  });

  it("ends with 1 for a configuration that is wrong", async () => {
    await folder.write("wrong.json", { ...CONFIG, qualty: 1 });
    const { code, out, err } = await run("/a.png", "--config", "wrong.json");
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /^mediatap: wrong\.json: qualty: unknown field, did you mean "quality"\?\n$/);
  });
});
