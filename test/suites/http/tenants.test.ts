import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analytics } from "@mediatap/analytics";
import { cacheMemory } from "@mediatap/cache-memory";
import { codeOf, type MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { stateSqlite } from "@mediatap/state-sqlite";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import { startServer, type TestServer, until } from "@mediatap/test";
import { sign, urlImagekit } from "@mediatap/url-imagekit";
import { warm } from "@mediatap/warm";
import sharp from "sharp";

const plain = (background: string, size = 40) =>
  sharp({ create: { width: size, height: size, channels: 3, background } })
    .png()
    .toBuffer();

async function colourOf(bytes: Uint8Array): Promise<string> {
  const { dominant } = await sharp(bytes).stats();
  return ["r", "g", "b"].map((c) => (dominant[c as "r" | "g" | "b"] > 127 ? c : "")).join("");
}

/** A day as `YYYY-MM-DD`, so many days from today. */
const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);

/** Calls that nobody can make: they get 501. */
const UNSUPPORTED = [
  ...["PATCH /v1/files/:id/details", "POST /v1/files/addTags", "POST /v1/files/removeTags"],
  ...["POST /v1/files/removeAITags", "GET /v1/files/:id/versions", "GET /v1/files/:id/versions/:versionId"],
  ...["DELETE /v1/files/:id/versions/:versionId", "PUT /v1/files/:id/versions/:versionId/restore"],
  ...["GET", "POST"].map((method) => `${method} /v1/customMetadataFields`),
  ...["PATCH", "DELETE"].map((method) => `${method} /v1/customMetadataFields/:id`),
  ...["GET", "POST"].map((method) => `${method} /v1/saved-extensions`),
  ...["GET", "PATCH", "DELETE"].map((method) => `${method} /v1/saved-extensions/:id`),
];

describe("tenants", () => {
  let root: string;
  let server: TestServer;
  const plugins = () => [
    ...[urlImagekit(), manageImagekit(), storageFs(), storageWeb(), imageSharp(), cacheMemory(), warm()],
    ...[analytics(), stateSqlite({ path: "state.sqlite" })],
  ];
  /** Its files stay fresh, so that what is a hit does not depend on how fast the tests are. */
  const folder = (path: string) => ({ photos: { type: "FOLDER", path, checkSeconds: 3600 } });
  const config = (): MediatapConfig => ({
    plugins: plugins(),
    origins: folder("own"),
    endpoints: { default: { origins: ["photos"] } },
    privateKey: "own-key",
    manageFiles: true,
    tags: ["shared"],
    namedTransformations: { own: "w-5" },
    tenants: {
      acme: {
        hosts: ["img.acme.example"],
        privateKey: "acme-key",
        namedTransformations: { thumb: "w-10" },
        limits: { megapixels: 0.001, steps: 1 },
        origins: folder("acme"),
        endpoints: {
          default: { origins: ["photos"] },
          shop: { origins: ["photos"], restrictUnsigned: "all" },
        },
      },
      beta: {
        privateKey: "beta-key",
        namedTransformations: { thumb: "w-20" },
        origins: folder("beta"),
        endpoints: { default: { origins: ["photos"] } },
      },
    },
  });

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "tenants-"));
    for (const [name, colour, size] of [
      ["own", "red", 40],
      ["acme", "lime", 30],
      ["beta", "blue", 40],
    ] as const) {
      await mkdir(join(root, name));
      await writeFile(join(root, name, "a.png"), await plain(colour, size));
    }
    await writeFile(join(root, "acme", "big.png"), await plain("lime", 60));
    server = await startServer(config(), { base: root });
  });
  after(async () => {
    await server?.close();
    await rm(root, { recursive: true, force: true });
  });

  const acme = { headers: { host: "img.acme.example" } };
  const keys = { own: "own-key", acme: "acme-key", beta: "beta-key" };
  const paths = {
    own: "/tr:w-8/a.png",
    acme: "http://img.acme.example/tr:w-8/a.png",
    beta: "/beta/tr:w-8/a.png",
  };
  type Account = keyof typeof keys;
  const accounts = Object.keys(keys) as Account[];
  const pairs = accounts.flatMap((one) =>
    accounts.filter((other) => other !== one).map((other) => [one, other] as const),
  );
  const authorization = (account: Account) => ({
    authorization: `Basic ${Buffer.from(`${keys[account]}:`).toString("base64")}`,
  });
  /** A call of the management API by the key of an account. */
  async function call(account: Account, path: string, body?: object, method = body ? "POST" : "GET") {
    const sent = body && JSON.stringify(body);
    const { status, text } = await server.ask(path, {
      method,
      // Node sends no length with DELETE by itself.
      headers: {
        ...authorization(account),
        ...(sent && { "content-length": String(Buffer.byteLength(sent)) }),
      },
      ...(sent && { body: sent }),
    });
    return { status, body: text === "" ? undefined : JSON.parse(text) };
  }

  it("have files of their own under the same names, warm or cold", async () => {
    for (const _ of ["cold", "warm"]) {
      assert.equal(await colourOf((await server.ask("/tr:w-8/a.png")).body), "r");
      assert.equal(await colourOf((await server.ask("/tr:w-8/a.png", acme)).body), "g");
      assert.equal(await colourOf((await server.ask("/beta/tr:w-8/a.png")).body), "b");
    }
  });

  it("have named transformations of their own", async () => {
    assert.equal((await sharp((await server.ask("/tr:n-thumb/a.png", acme)).body).metadata()).width, 10);
    assert.equal((await sharp((await server.ask("/beta/tr:n-thumb/a.png")).body).metadata()).width, 20);
    assert.equal((await server.ask("/tr:n-thumb/a.png")).status, 400);
    assert.equal((await server.ask("/beta/tr:n-own/a.png")).status, 400);
  });

  it("have keys of their own: none opens another's", async () => {
    const signed = (key: string) => `/shop/a.png?ik-s=${sign("a.png", key)}`;
    assert.equal((await server.ask("/shop/a.png", acme)).status, 401);
    assert.equal((await server.ask(signed("own-key"), acme)).status, 401);
    assert.equal((await server.ask(signed("acme-key"), acme)).status, 200);
  });

  it("have limits of their own", async () => {
    assert.equal((await server.ask("/tr:w-8/big.png", acme)).headers["ik-error"]?.split(" ")[0], "ELIMIT");
    assert.equal((await server.ask("/tr:w-8/a.png")).status, 200);
    const steps = await server.ask("/tr:w-8:rt-90/a.png", acme);
    assert.deepEqual([steps.status, steps.text], [400, "Expected at most 1 steps but received 2\n"]);
    assert.equal((await server.ask("/tr:w-8:rt-90/a.png")).status, 200);
  });

  it("have no limits of their own of what they share", async () => {
    const wrong = config();
    const limits = { connections: 5 as never };
    const tenants = { beta: { ...wrong.tenants?.beta, limits } };
    await assert.rejects(
      startServer({ ...wrong, tenants } as MediatapConfig, { base: root }),
      (error: Error) =>
        codeOf(error) === "ECONFIG" &&
        error.message ===
          "test: tenants.beta.limits.connections: Expected no value, because only the server as a whole can have this limit, but received 5",
    );
  });

  it("have no call that is not tried here", () => {
    const objects = (path: string, replace: string) => [
      ...[`GET ${path}`, `POST ${path}`],
      ...["GET", replace, "DELETE"].map((method) => `${method} ${path}/:id`),
    ];
    assert.deepEqual(
      server.server.runtime.calls.map(({ method, path }) => `${method} ${path}`).sort(),
      [
        ...[
          "POST /v1/purges",
          "POST /v1/purges/preview",
          "GET /v1/purges/:id",
          "POST /v1/files/purge",
          "GET /v1/files/purge/:id",
        ],
        ...["POST /v1/warm", "POST /v1/warm/preview", "GET /v1/warm", "GET /v1/warm/:id"],
        ...["GET /v1/state/revisions", "POST /v1/state/rollback"],
        ...objects("/v1/accounts/origins", "PUT"),
        ...objects("/v1/accounts/url-endpoints", "PUT"),
        ...objects("/v1/named-transformations", "PATCH"),
        "GET /v1/metadata",
        ...["GET", "PUT", "DELETE"].map((method) => `${method} /v1/focal-points`),
        ...[
          "GET /v1/files",
          "GET /v1/files/:id/details",
          "GET /v1/files/:id/metadata",
          "DELETE /v1/files/:id",
        ],
        ...["POST /v1/files/batch/deleteByFileIds", "POST /v1/files/copy", "POST /v1/files/move"],
        ...["POST /v1/folder", "DELETE /v1/folder", "GET /v1/bulkJobs/:id"],
        ...["copyFolder", "moveFolder", "renameFolder"].map((name) => `POST /v1/bulkJobs/${name}`),
        ...UNSUPPORTED,
        ...[
          "GET /v1/keys",
          "POST /v1/keys",
          "POST /v1/keys/:id/rotate",
          "DELETE /v1/keys/:id",
          "GET /v1/audit",
        ],
        ...["POST /v1/accounts/changes", "GET /v1/accounts/schemas", "GET /openapi.json"],
        ...["PUT /v1/files/rename", "POST /api/v1/files/upload", "POST /api/v2/files/upload"],
        ...["GET /analytics", "GET /v1/accounts/usage", "GET /v1/accounts/usage-analytics"],
      ].sort(),
    );
  });

  it("see and change no object of one another", async () => {
    const API = "/-/api/v1";
    const newObjects = (
      account: Account,
    ): readonly (readonly [path: string, replace: string, body: object])[] => [
      [
        "/accounts/origins",
        "PUT",
        { name: `of ${account}`, type: "WEB_FOLDER", baseUrl: `https://${account}.example` },
      ],
      [
        "/accounts/url-endpoints",
        "PUT",
        { description: `of ${account}`, urlPrefix: `of-${account}`, origins: [`of-${account}`] },
      ],
      ["/named-transformations", "PATCH", { name: `of_${account}`, transformation: "w-7" }],
    ];
    const idsOf = new Map<Account, string[]>();
    for (const account of accounts) {
      const ids: string[] = [];
      for (const [path, , body] of newObjects(account)) {
        const created = await call(account, `${API}${path}`, body);
        assert.equal(created.status, 201, JSON.stringify(created.body));
        ids.push(created.body.id);
      }
      idsOf.set(account, ids);
    }
    const shown = async (account: Account) => {
      const lists = newObjects(account).map(async ([path]) => (await call(account, `${API}${path}`)).body);
      return JSON.stringify(await Promise.all(lists));
    };
    for (const [one, other] of pairs) {
      const before = await shown(other);
      assert.doesNotMatch(await shown(one), new RegExp(`of.${other}|${other}\\.example`));
      for (const [at, [path, replace, body]] of newObjects(one).entries()) {
        for (const method of ["GET", replace, "DELETE"]) {
          const sent =
            method === replace ? { ...body, name: `new_${one}`, urlPrefix: `new-${one}` } : undefined;
          const foreign = await call(one, `${API}${path}/${idsOf.get(other)?.[at]}`, sent, method);
          const unknown = await call(one, `${API}${path}/none`, sent, method);
          assert.deepEqual(foreign, unknown, `${method} ${path} of ${other} by ${one}`);
          assert(foreign.status === 404 || foreign.status === 400, `${foreign.status}`);
        }
      }
      const { revisions } = (await call(one, `${API}/state/revisions`)).body;
      assert.doesNotMatch(JSON.stringify(revisions), new RegExp(`of.${other}|${other}\\.example`));
      assert.equal((await call(one, `${API}/state/rollback`, { revision: 0 })).status, 200);
      assert.equal(await shown(other), before, `${one} rolls back nothing of ${other}`);
      for (const [path, , body] of newObjects(one)) {
        assert.equal((await call(one, `${API}${path}`, body)).status, 201);
      }
    }
  });

  it("see no metadata and no usage of one another", async () => {
    await server.ask("/only-own.png");
    await server.ask("/only-acme.png", acme);
    await server.ask("/beta/only-beta.png");
    for (const [one, other] of pairs) {
      const metadata = await call(one, `/-/api/v1/metadata?url=${encodeURIComponent(paths[other])}`);
      assert.equal(metadata.status, 403, JSON.stringify(metadata.body));
      const days = `startDate=${day(-1)}&endDate=${day(2)}`;
      for (const path of [
        `/v1/accounts/usage?${days}`,
        `/v1/accounts/usage-analytics?${days}`,
        "/analytics",
      ]) {
        const { status, body } = await call(one, `/-/api${path}`);
        assert.equal(status, 200, JSON.stringify(body));
        assert.doesNotMatch(JSON.stringify(body), new RegExp(`only-${other}`), `${path} of ${one}`);
        if (path.includes("usage?")) continue;
        assert.match(JSON.stringify(body), new RegExp(`only-${one}`), `${path} of ${one}`);
      }
    }
  });

  it("set no focal points of one another", async () => {
    const FOCAL = "/-/api/v1/focal-points";
    for (const account of accounts) {
      assert.equal((await call(account, FOCAL, { url: paths[account], x: 0.1, y: 0.2 }, "PUT")).status, 200);
    }
    for (const [one, other] of pairs) {
      const query = `${FOCAL}?url=${encodeURIComponent(paths[other])}`;
      assert.equal((await call(one, FOCAL, { url: paths[other], x: 0, y: 0 }, "PUT")).status, 403);
      for (const method of ["GET", "DELETE"]) {
        assert.equal((await call(one, query, undefined, method)).status, 403, `${method} ${one} ${other}`);
      }
      assert.deepEqual((await call(other, query)).body, { x: 0.1, y: 0.2 });
    }
  });

  it("see and change no keys of one another, nor objects by several changes in one call", async () => {
    const API = "/-/api/v1";
    const ids = new Map<Account, string>();
    for (const account of accounts) {
      const key = await call(account, `${API}/keys`, { name: `key of ${account}`, role: "read" });
      assert.equal(key.status, 201, JSON.stringify(key.body));
      ids.set(account, key.body.id);
    }
    for (const [one, other] of pairs) {
      for (const path of [`${API}/keys`, `${API}/audit`]) {
        const { status, body } = await call(one, path);
        assert.equal(status, 200);
        assert.match(JSON.stringify(body), new RegExp(String(ids.get(one))), `${path} of ${one}`);
        assert.doesNotMatch(
          JSON.stringify(body),
          new RegExp(`${ids.get(other)}|of ${other}`),
          `${path} of ${one}`,
        );
      }
      for (const [method, place] of [
        ["DELETE", ""],
        ["POST", "/rotate"],
      ] as const) {
        const foreign = await call(one, `${API}/keys/${ids.get(other)}${place}`, undefined, method);
        assert.deepEqual(foreign, await call(one, `${API}/keys/none${place}`, undefined, method));
        assert.equal(foreign.status, 404);
      }
      const before = (await call(other, `${API}/accounts/origins`)).body;
      const changes = [{ kind: "origin", action: "delete", id: `of-${other}` }];
      const foreign = await call(one, `${API}/accounts/changes`, { changes });
      assert(foreign.status === 404 || foreign.status === 400, `${foreign.status}`);
      assert.deepEqual((await call(other, `${API}/accounts/origins`)).body, before);
      // They are about the server, not about an account.
      for (const path of [`${API}/accounts/schemas`, "/-/api/openapi.json"]) {
        assert.deepEqual(await call(one, path), await call(other, path));
      }
    }
  });

  it("see and change no files of one another", async () => {
    const API = "/-/api/v1";
    for (const account of accounts) await writeFile(join(root, account, `only-${account}.txt`), account);
    const shown = async (account: Account) => JSON.stringify((await call(account, `${API}/files`)).body);
    const idOf = async (account: Account) =>
      (await call(account, `${API}/files?searchQuery=${encodeURIComponent(`name = "only-${account}.txt"`)}`))
        .body[0].fileId;
    const jobs = new Map<Account, string>();
    for (const account of accounts) {
      const folder = { folderName: `of-${account}`, parentFolderPath: "/" };
      assert.equal((await call(account, `${API}/folder`, folder)).status, 201);
      const copy = { sourceFolderPath: `/of-${account}`, destinationPath: "/copies" };
      jobs.set(account, (await call(account, `${API}/bulkJobs/copyFolder`, copy)).body.jobId);
      assert.equal((await call(account, `${API}/bulkJobs/${jobs.get(account)}`)).status, 200);
    }
    for (const [one, other] of pairs) {
      const before = await shown(other);
      assert.match(before, new RegExp(`only-${other}`));
      assert.doesNotMatch(before, new RegExp(`only-${one}`));
      const id = await idOf(other);
      const unknown = Buffer.from('["photos","none.txt"]').toString("base64url");
      const path = `/only-${other}.txt`;
      for (const [method, place, body] of [
        ["GET", "/files/:id/details"],
        ["GET", "/files/:id/metadata"],
        ["DELETE", "/files/:id"],
        ["POST", "/files/batch/deleteByFileIds", { fileIds: [":id"] }],
        ["POST", "/files/copy", { sourceFilePath: path, destinationPath: "/stolen" }],
        ["POST", "/files/move", { sourceFilePath: path, destinationPath: "/stolen" }],
        ["PUT", "/files/rename", { filePath: path, newFileName: "stolen.txt" }],
        ["DELETE", "/folder", { folderPath: `/of-${other}` }],
        ["POST", "/bulkJobs/copyFolder", { sourceFolderPath: `/of-${other}`, destinationPath: "/stolen" }],
        ["POST", "/bulkJobs/moveFolder", { sourceFolderPath: `/of-${other}`, destinationPath: "/stolen" }],
        ["POST", "/bulkJobs/renameFolder", { folderPath: `/of-${other}`, newFolderName: "stolen" }],
        ["GET", `/bulkJobs/${jobs.get(other)}`],
      ] as const) {
        const by = (id: string) =>
          call(
            one,
            API + place.replace(":id", id),
            body && JSON.parse(JSON.stringify(body).replace(":id", id)),
            method,
          );
        const [foreign, missing] = [await by(id), await by(unknown)];
        assert.equal(foreign.status, 404, `${method} ${place} of ${other} by ${one}`);
        assert.equal(foreign.body.message, missing.body.message);
      }
      const form = [
        ...Object.entries({ fileName: `by-${one}.txt`, useUniqueFileName: "false" }),
        ["file", "eA=="],
      ];
      const parts = form.map(
        ([name, value]) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      );
      for (const version of ["v1", "v2"]) {
        const sent = await server.ask(`/-/api/api/${version}/files/upload`, {
          method: "POST",
          headers: { ...authorization(one), "content-type": "multipart/form-data; boundary=x" },
          body: `${parts.join("")}--x--\r\n`,
        });
        assert.equal(sent.status, 200, sent.text);
      }
      assert.match(await shown(one), new RegExp(`by-${one}`));
      assert.equal(await shown(other), before);
    }
  });

  it("purge and warm nothing of one another", async () => {
    const WARM = "/-/api/v1/warm";
    const PURGE = "/-/api/v1/files/purge";
    const cacheStatus = async (account: Account) => {
      const [path = "", options = {}] = account === "acme" ? ["/tr:w-8/a.png", acme] : [paths[account]];
      return (await server.ask(path, options)).headers["cache-status"] ?? "";
    };
    for (const [one, other] of pairs) {
      await cacheStatus(other);
      // Purges by URL are refused, all others reach the account of the key alone.
      assert.equal((await call(one, PURGE, { url: paths[other] })).status, 403, `${one} ${other}`);
      for (const target of [{ source: "a.png" }, { prefix: "a" }, { tag: "shared" }, { all: true }]) {
        const { status, body } = await call(one, PURGE, target);
        assert.equal(status, 201);
        await until(
          async () => (await call(one, `${PURGE}/${body.requestId}`)).body.status === "Completed",
          "the purge is done",
        );
        assert.match(await cacheStatus(other), /; hit/, `${one} ${other} ${JSON.stringify(target)}`);
        const state = await call(other, `${PURGE}/${body.requestId}`);
        assert.deepEqual([state.status, state.body.message], [400, "No request found for this requestId."]);
        assert.deepEqual(state, await call(other, `${PURGE}/0123456789abcdef0123456789abcdef`));
      }

      // Neither by its URL, right or wrong, nor by the host name of a client.
      const accept = "*/*";
      const isByHost = other === "acme";
      const foreign = [
        paths[other],
        paths[other].replace("w-8", "n-no-such-name"),
        ...(isByHost ? [paths[one]] : []),
      ];
      const clients = [{ accept }, ...(isByHost ? [{ accept, host: "img.acme.example" }] : [])];
      const warmed = await call(one, WARM, { urls: foreign, clients });
      assert.equal(warmed.status, 202);
      const { body } = await call(one, `${WARM}/${warmed.body.id}`);
      assert.deepEqual(
        body.errors.map(({ url, code }: { url: string; code: string }) => `${url} ${code}`),
        foreign.map((url) => `${url} EFORBIDDEN`),
      );
      const { status, body: preview } = await call(one, `${WARM}/preview`, { urls: foreign, clients });
      assert.deepEqual([status, preview.failed, preview.total], [200, foreign.length, foreign.length]);
      assert.equal((await call(other, `${WARM}/${warmed.body.id}`)).status, 404);
      const listed = async (account: Account) => JSON.stringify((await call(account, WARM)).body);
      assert.match(await listed(one), new RegExp(warmed.body.id));
      assert.doesNotMatch(await listed(other), new RegExp(warmed.body.id));
    }
  });

  it("are not reached by another's address", async () => {
    assert.equal((await server.ask("/acme/tr:w-8/a.png")).status, 404);
    assert.equal((await server.ask("/beta/tr:w-8/a.png", acme)).status, 404);
    assert.equal((await server.ask("/shop/a.png")).status, 404);
  });

  it("name their fields where they are wrong", async () => {
    const wrong = { ...config(), plugins: plugins().filter(({ name }) => name !== "state-sqlite") };
    const tenants = { beta: { ...wrong.tenants?.beta, endpoints: { default: { origins: ["photo"] } } } };
    await assert.rejects(
      startServer({ ...wrong, tenants }, { base: root }),
      (error: Error) =>
        codeOf(error) === "ECONFIG" &&
        /tenants\.beta\.endpoints\.default\.origins\.0: unknown origin 'photo', did you mean "photos"/.test(
          error.message,
        ),
    );
    const origins = { photos: { type: "FOLDER", paht: "x" } };
    await assert.rejects(
      startServer(
        { ...wrong, tenants: { beta: { origins, endpoints: { default: { origins: ["photos"] } } } } },
        { base: root },
      ),
      /tenants\.beta\.origins\.photos/,
    );
  });
});
