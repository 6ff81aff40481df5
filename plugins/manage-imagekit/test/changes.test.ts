import assert from "node:assert/strict";
import { stateSqlite } from "@mediatap/state-sqlite";
import { storageS3 } from "@mediatap/storage-s3";
import { storageWeb } from "@mediatap/storage-web";
import {
  echoEngine,
  jobLanguage,
  jobUrl,
  makeFolder,
  memoryStorage,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { manageImagekit } from "../src/index.ts";

const KEY = "private_key_of_the_account";

describe("manage-imagekit: several changes in one call", () => {
  let folder: TestFolder;
  let server: TestServer;
  let site: WebOrigin;

  before(async () => {
    folder = await makeFolder();
    site = await startOrigin({ "a.txt": Buffer.from("seven!!") });
    server = await startServer(
      {
        plugins: [
          jobLanguage(),
          memoryStorage(Buffer.from("x")),
          echoEngine(),
          storageWeb(),
          storageS3(),
          manageImagekit(),
          stateSqlite({ path: "state.sqlite" }),
        ],
        origins: { files: { type: "MEMORY" } },
        endpoints: { default: { origins: ["files"] } },
        privateKey: KEY,
        tenants: {
          acme: {
            origins: { own: { type: "MEMORY" } },
            endpoints: { default: { origins: ["own"] } },
            privateKey: "private_key_of_acme",
          },
        },
      },
      { base: folder.path },
    );
  });
  after(async () => {
    await server?.close();
    await site?.close();
    await folder?.close();
  });

  async function call(method: string, path: string, body?: unknown, key = KEY) {
    const answer = await server.ask(`/-/api/v1${path}`, {
      method,
      headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: JSON.parse(answer.text), etag: answer.headers.etag ?? "" };
  }
  const PATH = "/accounts/changes";
  const origin = () => ({ name: "Site", type: "WEB_FOLDER", baseUrl: site.url });
  const revisions = async (key = KEY) =>
    (await call("GET", "/state/revisions", undefined, key)).body.revisions;

  it("describes the fields of all objects", async () => {
    const { status, body } = await call("GET", "/accounts/schemas");
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body.origins), [
      ...["S3", "CLOUDINARY_BACKUP", "S3_COMPATIBLE", "WEB_FOLDER"],
      ...["WEB_PROXY", "GCS", "AZURE_BLOB", "AKENEO_PIM"],
    ]);
    const { S3 } = body.origins;
    assert.equal(S3.title, "Amazon S3");
    assert.deepEqual(S3.required, ["type", "name", "bucket"]);
    assert.partialDeepStrictEqual(S3.properties.secretKey, { title: "Secret key", writeOnly: true });
    assert.equal(body.urlEndpoint.properties.origins.title, "Origins");
    assert.deepEqual(body.namedTransformation.required, ["name", "transformation"]);
  });

  it("examines changes without making them", async () => {
    const { status, body } = await call("POST", PATH, {
      dryRun: true,
      changes: [
        { kind: "origin", action: "create", id: "new", value: origin() },
        {
          kind: "origin",
          action: "create",
          id: "far",
          value: { ...origin(), baseUrl: "http://127.0.0.1:9" },
        },
        {
          kind: "urlEndpoint",
          action: "create",
          id: "shop",
          value: { description: "", urlPrefix: "shop", origins: ["new"] },
        },
      ],
      test: { origin: "new", path: "/a.txt" },
    });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.changes, [
      { path: "endpoints.shop.origins", after: ["Site"] },
      { path: "origins.Site-2.baseUrl", after: "http://127.0.0.1:9" },
      { path: "origins.Site-2.type", after: "WEB_FOLDER" },
      { path: "origins.Site.baseUrl", after: site.url },
      { path: "origins.Site.type", after: "WEB_FOLDER" },
    ]);
    assert.equal(body.findings.Site.state, "good");
    assert.match(body.findings.Site.text, /^WEB_FOLDER, responded in \d+ ms$/);
    assert.equal(body.findings["Site-2"].state, "bad");
    assert.match(body.findings["Site-2"].text, /^WEB_FOLDER: ECONNREFUSED/);
    assert.match(body.findings["Site-2"].advice, /address/);
    const { milliseconds, lastModified: _, ...file } = body.file;
    assert.deepEqual(file, { state: "found", type: "application/octet-stream", size: 7 });
    assert.equal(typeof milliseconds, "number");
    assert.deepEqual(await revisions(), []);
    assert.equal((await call("GET", "/accounts/origins")).body.length, 1);
  });

  it("shows no secret in what would differ", async () => {
    const value = { type: "S3", name: "Bucket", bucket: "photos", accessKey: "key-7", secretKey: "secret-7" };
    const changes = [{ kind: "origin", action: "create", id: "n", value }];
    const { status, body } = await call("POST", PATH, { dryRun: true, changes });
    assert.equal(status, 200);
    assert.doesNotMatch(JSON.stringify(body), /secret-7/);
    const secret = body.changes.find(({ path }: { path: string }) => path === "origins.Bucket.secretKey");
    assert.equal(secret.after, "***");
  });

  it("asks an origin of the configuration file for a file", async () => {
    const test = async (path: string) =>
      await call("POST", PATH, { dryRun: true, changes: [], test: { origin: "files", path } });
    assert.equal((await test("any.txt")).body.file.state, "found");
    for (const path of ["../etc/passwd", "a//b", "a\u0000b"]) {
      const { status, body } = await test(path);
      assert.deepEqual([status, body.message.slice(0, 14)], [400, "path: Expected"], path);
    }
  });

  it("makes changes as one revision, in which new objects refer to each other", async () => {
    const { status, body } = await call("POST", PATH, {
      changes: [
        { kind: "origin", action: "create", id: "o", value: origin() },
        {
          kind: "urlEndpoint",
          action: "create",
          id: "e",
          value: { description: "Shop", urlPrefix: "shop", origins: ["files", "o"] },
        },
        {
          kind: "namedTransformation",
          action: "create",
          id: "n",
          value: { name: "thumb", transformation: "w-9" },
        },
      ],
    });
    assert.deepEqual([status, body], [200, { ids: { o: "Site", e: "shop", n: "thumb" } }]);
    const [newest, ...older] = await revisions();
    assert.deepEqual([newest.comment, older.length], ["create the origin Site and 2 more", 0]);
    const endpoints = (await call("GET", "/accounts/url-endpoints")).body;
    assert.deepEqual(endpoints.at(-1).origins, ["files", "Site"]);
    assert.equal((await server.ask(`/shop${jobUrl("a.txt")}`)).status, 200);
  });

  it("makes none of the changes if one is refused, and names it", async () => {
    const before = (await revisions()).length;
    const stale = { kind: "origin", action: "update", id: "Site", value: origin(), ifMatch: '"other"' };
    for (const [status, message, changes] of [
      [
        400,
        /^changes\.1: bucket: Expected string/,
        [
          { kind: "namedTransformation", action: "delete", id: "thumb" },
          { kind: "origin", action: "create", id: "x", value: { type: "S3", name: "x" } },
        ],
      ],
      [404, /^changes\.0: There is no origin/, [{ kind: "origin", action: "delete", id: "nothing" }]],
      [
        409,
        /^changes\.0: The origin is used by the URL endpoint shop/,
        [{ kind: "origin", action: "delete", id: "Site" }],
      ],
      [409, /^changes\.0: The origin was changed by somebody else/, [stale]],
      [
        403,
        /^changes\.0: .*configuration file/,
        [{ kind: "origin", action: "update", id: "files", value: origin() }],
      ],
      [
        400,
        /^endpoints\.two\.origins\.0: unknown origin 'zero'/,
        [
          {
            kind: "urlEndpoint",
            action: "create",
            id: "y",
            value: { description: "", urlPrefix: "two", origins: ["zero"] },
          },
        ],
      ],
      [400, /^changes: Expected at least one change/, []],
      [400, /^changes\.0\.kind: Expected one of/, [{ kind: "tenant", action: "delete", id: "a" }]],
    ] as const) {
      const reply = await call("POST", PATH, { changes });
      assert.equal(reply.status, status, reply.body.message);
      assert.match(reply.body.message, message);
    }
    assert.equal((await revisions()).length, before);
  });

  it("changes and deletes, with a comment, if nobody was faster", async () => {
    const { etag } = await call("GET", "/accounts/origins/Site");
    const { status } = await call("POST", PATH, {
      comment: "tidy up",
      changes: [
        {
          kind: "origin",
          action: "update",
          id: "Site",
          ifMatch: etag,
          value: { ...origin(), name: "Other" },
        },
        { kind: "urlEndpoint", action: "delete", id: "shop" },
        { kind: "origin", action: "delete", id: "Site" },
        { kind: "namedTransformation", action: "update", id: "thumb", value: { enabled: false } },
      ],
    });
    assert.equal(status, 200);
    assert.equal((await revisions())[0].comment, "tidy up");
    assert.equal((await call("GET", "/accounts/origins")).body.length, 1);
  });

  it("keeps to the account of the key", async () => {
    const examine = async (more: object) =>
      await call(
        "POST",
        PATH,
        { dryRun: true, changes: [{ kind: "origin", action: "create", id: "n", value: origin() }], ...more },
        "private_key_of_acme",
      );
    const { body } = await examine({});
    assert.deepEqual(Object.keys(body.findings), ["Site"]);
    assert.equal(body.changes[0].path, "tenants.acme.origins.Site.baseUrl");
    assert.equal((await examine({ test: { origin: "files", path: "a" } })).status, 404);
  });
});
