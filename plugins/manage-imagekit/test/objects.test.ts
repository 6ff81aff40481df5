import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { cacheMemory } from "@mediatap/cache-memory";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { stateSqlite } from "@mediatap/state-sqlite";
import { storageAkeneo } from "@mediatap/storage-akeneo";
import { storageAzure } from "@mediatap/storage-azure";
import { storageGcs } from "@mediatap/storage-gcs";
import { storageS3 } from "@mediatap/storage-s3";
import { storageWeb } from "@mediatap/storage-web";
import {
  echoEngine,
  jobLanguage,
  jobUrl,
  makeFolder,
  memoryStorage,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import { assertRoom } from "../src/objects.ts";

const KEY = "private_key_of_the_account";
const HELP = "See the README of manage-imagekit.";

interface Reply {
  readonly status: number;
  readonly body: never;
  readonly etag: string;
}

describe("manage-imagekit: origins, URL endpoints and named transformations", () => {
  let folder: TestFolder;
  let server: TestServer;

  const plugins = () => [
    jobLanguage(),
    memoryStorage(Buffer.from("x")),
    echoEngine(),
    cacheMemory(),
    storageS3(),
    storageWeb(),
    storageGcs(),
    storageAzure(),
    storageAkeneo(),
    manageImagekit(),
    stateSqlite({ path: "state.sqlite" }),
  ];
  async function start(more: object = {}): Promise<void> {
    server = await startServer(
      {
        plugins: plugins(),
        origins: { files: { type: "MEMORY" } },
        endpoints: { default: { origins: ["files"] } },
        namedTransformations: { stored: "w-100" },
        privateKey: KEY,
        tenants: {
          acme: {
            origins: { own: { type: "MEMORY" } },
            endpoints: { default: { origins: ["own"] } },
            privateKey: "private_key_of_acme",
          },
        },
        ...more,
      },
      { base: folder.path },
    );
  }

  async function call(
    method: string,
    path: string,
    body?: unknown,
    { key = KEY, ...headers }: Record<string, string> = {},
  ): Promise<Reply> {
    const answer = await server.ask(`/-/api/v1${path}`, {
      method,
      headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}`, ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const json = answer.text === "" ? undefined : JSON.parse(answer.text);
    return { status: answer.status, body: json as never, etag: answer.headers.etag ?? "" };
  }
  const refused = async (status: number, message: string | RegExp, ...args: Parameters<typeof call>) => {
    const reply = await call(...args);
    const { message: text, help } = reply.body as { message: string; help: string };
    assert.equal(reply.status, status, text);
    assert.equal(help, HELP);
    if (typeof message === "string") assert.equal(text, message);
    else assert.match(text, message);
  };

  before(async () => {
    folder = await makeFolder();
    await start();
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  describe("origins", () => {
    const PATH = "/accounts/origins";
    const web = { name: "Shop of Ada", type: "WEB_FOLDER", baseUrl: "https://shop.example.com/pictures" };

    it("are listed, those of the configuration file as read-only", async () => {
      const { status, body } = await call("GET", PATH);
      assert.equal(status, 200);
      assert.deepEqual(body, [
        { id: "files", name: "files", type: "MEMORY", includeCanonicalHeader: false, readOnly: true },
      ]);
      const one = await call("GET", `${PATH}/files`);
      assert.deepEqual(one.body, body[0]);
      const text =
        "The origin is defined by the configuration file of the server and cannot be changed here.";
      await refused(403, text, "PUT", `${PATH}/files`, web);
      await refused(403, text, "DELETE", `${PATH}/files`);
    });

    it("are created, read, replaced and deleted", async () => {
      const created = await call("POST", PATH, web);
      assert.equal(created.status, 201);
      const shown = {
        id: "Shop-of-Ada",
        name: "Shop of Ada",
        type: "WEB_FOLDER",
        baseUrl: "https://shop.example.com/pictures",
        forwardHostHeaderToOrigin: false,
        includeCanonicalHeader: false,
      };
      assert.deepEqual(created.body, shown);
      const read = await call("GET", `${PATH}/Shop-of-Ada`);
      assert.deepEqual([read.status, read.body, read.etag], [200, shown, created.etag]);
      const other = await call("POST", PATH, web);
      assert.equal((other.body as { id: string }).id, "Shop-of-Ada-2");
      const replaced = await call("PUT", `${PATH}/Shop-of-Ada`, {
        name: "Other",
        type: "S3",
        bucket: "shop",
        accessKey: "access",
        secretKey: "secret",
        includeCanonicalHeader: true,
        baseUrlForCanonicalHeader: "https://www.example.com",
      });
      assert.equal(replaced.status, 200);
      assert.notEqual(replaced.etag, created.etag);
      assert.deepEqual(replaced.body, {
        id: "Shop-of-Ada",
        name: "Other",
        type: "S3",
        bucket: "shop",
        prefix: "",
        useIAMRole: false,
        includeCanonicalHeader: true,
        baseUrlForCanonicalHeader: "https://www.example.com",
      });
      const names = (await call("GET", PATH)).body as { name: string }[];
      assert.deepEqual(
        names.map(({ name }) => name),
        ["files", "Other", "Shop of Ada"],
      );
      for (const id of ["Shop-of-Ada", "Shop-of-Ada-2"]) {
        assert.deepEqual(await call("DELETE", `${PATH}/${id}`), { status: 204, body: undefined, etag: "" });
        await refused(404, "There is no origin with this id.", "GET", `${PATH}/${id}`);
        await refused(404, "There is no origin with this id.", "DELETE", `${PATH}/${id}`);
      }
    });

    it("have all types of ImageKit, and never show a secret", async () => {
      const { privateKey } = generateKeyPairSync("rsa", {
        modulusLength: 2048,
        privateKeyEncoding: { type: "pkcs8", format: "pem" },
        publicKeyEncoding: { type: "spki", format: "pem" },
      });
      const keys = { accessKey: "secret-access", secretKey: "secret-secret" };
      const types = [
        [
          { type: "S3", bucket: "photos", ...keys },
          { bucket: "photos", prefix: "", useIAMRole: false },
        ],
        [
          { type: "S3", bucket: "photos", prefix: "a/", useIAMRole: true, accessKey: "", secretKey: "" },
          { bucket: "photos", prefix: "a/", useIAMRole: true },
        ],
        [
          { type: "CLOUDINARY_BACKUP", bucket: "photos", ...keys },
          { bucket: "photos", prefix: "", useIAMRole: false },
        ],
        [
          {
            type: "S3_COMPATIBLE",
            bucket: "photos",
            endpoint: "https://s3.example.com",
            s3ForcePathStyle: true,
            ...keys,
          },
          { bucket: "photos", endpoint: "https://s3.example.com", prefix: "", s3ForcePathStyle: true },
        ],
        [
          { type: "WEB_FOLDER", baseUrl: "https://www.example.com", forwardHostHeaderToOrigin: true },
          { baseUrl: "https://www.example.com", forwardHostHeaderToOrigin: true },
        ],
        [{ type: "WEB_PROXY" }, {}],
        [
          { type: "GCS", bucket: "photos", clientEmail: "a@example.com", privateKey },
          { bucket: "photos", clientEmail: "a@example.com", prefix: "" },
        ],
        [
          { type: "AZURE_BLOB", accountName: "photos", container: "photos", sasToken: "sv=1&sig=secret" },
          { accountName: "photos", container: "photos", prefix: "" },
        ],
        [
          {
            ...{ type: "AKENEO_PIM", baseUrl: "https://pim.example.com", clientId: "id" },
            ...{ clientSecret: "secret-1", username: "user", password: "secret-2" },
          },
          { baseUrl: "https://pim.example.com" },
        ],
      ] as const;
      for (const [fields, shown] of types) {
        const created = await call("POST", PATH, { name: "one", ...fields });
        const common = { id: "one", name: "one", type: fields.type, includeCanonicalHeader: false };
        assert.deepEqual([created.status, created.body], [201, { ...common, ...shown }]);
        assert.equal((await call("DELETE", `${PATH}/one`)).status, 204);
      }
      const bytes = Buffer.concat(
        await Promise.all(
          ["state.sqlite", "state.sqlite-wal", "state.sqlite.json"].map(async (name) =>
            readFile(`${folder.path}/${name}`).catch(() => Buffer.alloc(0)),
          ),
        ),
      );
      assert(bytes.includes("https://s3.example.com"), "the objects are there");
      assert(!bytes.includes("secret-"), "and no secret is");
      assert(!bytes.includes("PRIVATE KEY"));
    });

    it("keep a secret that an update leaves out", async () => {
      const fields = { name: "kept", type: "S3", bucket: "photos" };
      await call("POST", PATH, { ...fields, accessKey: "access", secretKey: "secret" });
      const updated = await call("PUT", `${PATH}/kept`, { ...fields, bucket: "other" });
      assert.deepEqual([updated.status, (updated.body as { bucket: string }).bucket], [200, "other"]);
      const text = "accessKey: Expected string but it is missing";
      const gcs = { name: "kept", type: "GCS", bucket: "photos", clientEmail: "a@example.com" };
      await refused(400, "privateKey: Expected string but it is missing", "PUT", `${PATH}/kept`, gcs);
      await refused(400, text, "POST", PATH, fields);
      await call("DELETE", `${PATH}/kept`);
    });

    it("use the identity of the machine only by its role, and for the server's own account", async () => {
      const s3 = { name: "role", type: "S3", bucket: "photos" };
      const empty = { ...s3, accessKey: "", secretKey: "" };
      await refused(400, "accessKey: Expected string but received ''", "POST", PATH, empty);
      const azure = {
        name: "role",
        type: "AZURE_BLOB",
        accountName: "photos",
        container: "photos",
        sasToken: "",
      };
      await refused(400, "sasToken: Expected string but received ''", "POST", PATH, azure);
      const text = "useIAMRole: only the server's own account can use the role of its machine.";
      const acme = { key: "private_key_of_acme" };
      await refused(403, text, "POST", PATH, { ...empty, useIAMRole: true }, acme);
      await refused(403, text, "PUT", `${PATH}/role`, { ...empty, useIAMRole: true }, acme);
    });

    it("keep no secret that another server would get", async () => {
      for (const [fields, moved, secrets] of [
        [
          {
            ...{ name: "moved", type: "AKENEO_PIM", baseUrl: "https://pim.example.com" },
            ...{ clientId: "id", username: "user" },
          },
          { baseUrl: "https://other.example.com" },
          { clientSecret: "secret-1", password: "secret-2" },
        ],
        [
          { name: "moved", type: "AZURE_BLOB", accountName: "photos", container: "photos" },
          { accountName: "others" },
          { sasToken: "sv=1&sig=secret" },
        ],
      ] as const) {
        assert.equal((await call("POST", PATH, { ...fields, ...secrets })).status, 201);
        assert.equal((await call("PUT", `${PATH}/moved`, fields)).status, 200);
        const text = `${Object.keys(secrets)[0]}: Expected string but it is missing`;
        await refused(400, text, "PUT", `${PATH}/moved`, { ...fields, ...moved });
        const again = await call("PUT", `${PATH}/moved`, { ...fields, ...moved, ...secrets });
        assert.equal(again.status, 200);
        await call("DELETE", `${PATH}/moved`);
      }
    });

    it("are no secrets, whatever their names are", async () => {
      const origin = { ...web, name: "monkey" };
      const created = await call("POST", PATH, origin);
      assert.equal((created.body as { baseUrl: string }).baseUrl, web.baseUrl);
      const endpoint = { description: "", origins: ["monkey"], urlPrefix: "token" };
      await call("POST", "/accounts/url-endpoints", endpoint);
      const text = "The origin is used by the URL endpoint token: remove it there first.";
      await refused(409, text, "DELETE", `${PATH}/monkey`);
      await call("PUT", "/accounts/url-endpoints/token", { ...endpoint, origins: ["files"] });
      assert.equal((await server.ask(`/token${jobUrl("a.bin")}`)).status, 200);
      await call("DELETE", "/accounts/url-endpoints/token");
      await call("DELETE", `${PATH}/monkey`);
    });

    it("are refused with the name of the field", async () => {
      await refused(400, "Expected JSON as the body of the request", "POST", PATH, "{");
      await refused(400, /^type: Expected one of S3, CLOUDINARY_BACKUP/, "POST", PATH, {
        name: "a",
        type: "FTP",
      });
      await refused(400, "name: Expected string but it is missing", "POST", PATH, { type: "WEB_PROXY" });
      const typo = { ...web, baseUrls: "x" };
      await refused(400, 'baseUrls: unknown field, did you mean "baseUrl"?', "POST", PATH, typo);
      // What only the storage plugin knows.
      const wrong = { ...web, baseUrl: "ftp://x" };
      await refused(400, /^origins\.Shop-of-Ada\.baseUrl: Expected .*'ftp:\/\/x'$/, "POST", PATH, wrong);
      assert.equal(((await call("GET", PATH)).body as unknown[]).length, 1);
    });

    it("are changed by one of two who read the same", async () => {
      const { etag } = await call("POST", PATH, web);
      assert.match(etag, /^"[\w-]{20,}"$/);
      const first = await call("PUT", `${PATH}/Shop-of-Ada`, { ...web, name: "one" }, { "if-match": etag });
      assert.equal(first.status, 200);
      const text = "The origin was changed by somebody else: read it again.";
      await refused(409, text, "PUT", `${PATH}/Shop-of-Ada`, { ...web, name: "two" }, { "if-match": etag });
      await refused(409, text, "DELETE", `${PATH}/Shop-of-Ada`, undefined, { "if-match": etag });
      const { body } = await call("GET", `${PATH}/Shop-of-Ada`);
      assert.equal((body as { name: string }).name, "one");
      const last = await call("DELETE", `${PATH}/Shop-of-Ada`, undefined, {
        "if-match": `"x", ${first.etag}`,
      });
      assert.equal(last.status, 204);
    });

    it("are not deleted while a URL endpoint uses them", async () => {
      await call("POST", PATH, { ...web, name: "used" });
      await call("POST", "/accounts/url-endpoints", {
        description: "",
        origins: ["used"],
        urlPrefix: "shop",
      });
      const text = "The origin is used by the URL endpoint shop: remove it there first.";
      await refused(409, text, "DELETE", `${PATH}/used`);
      await call("DELETE", "/accounts/url-endpoints/shop");
      assert.equal((await call("DELETE", `${PATH}/used`)).status, 204);
    });
  });

  describe("URL endpoints", () => {
    const PATH = "/accounts/url-endpoints";

    it("are listed, created, served at once, replaced and deleted", async () => {
      const file = { id: "default", description: "", origins: ["files"], urlPrefix: "", readOnly: true };
      assert.deepEqual((await call("GET", PATH)).body, [file]);
      assert.deepEqual((await call("GET", `${PATH}/default`)).body, file);
      const endpoint = { description: "The shop", origins: ["files"], urlPrefix: "shop" };
      const created = await call("POST", PATH, endpoint);
      assert.deepEqual([created.status, created.body], [201, { id: "shop", ...endpoint }]);
      const image = await server.ask(`/shop${jobUrl("a.bin")}`);
      assert.deepEqual([image.status, image.headers["cache-status"]?.includes("fwd=")], [200, true]);

      const moved = await call("PUT", `${PATH}/shop`, { ...endpoint, urlPrefix: "store" });
      assert.deepEqual(moved.body, { id: "shop", ...endpoint, urlPrefix: "store" });
      assert.equal((await server.ask(`/store${jobUrl("a.bin")}`)).status, 200);
      // The prefix is free again, the id is not.
      const next = await call("POST", PATH, endpoint);
      assert.deepEqual(next.body, { id: "shop-2", ...endpoint });
      for (const id of ["shop", "shop-2"]) assert.equal((await call("DELETE", `${PATH}/${id}`)).status, 204);
      assert.deepEqual((await call("GET", PATH)).body, [file]);
    });

    it("are refused with the name of the field", async () => {
      const good = { description: "", origins: ["files"], urlPrefix: "shop" };
      const wrong: readonly (readonly [object, string | RegExp])[] = [
        [
          { ...good, origins: ["nowhere"] },
          "endpoints.shop.origins.0: unknown origin 'nowhere'; known are files",
        ],
        [{ ...good, origins: [] }, "origins: Expected the id of at least one origin but received an array"],
        [{ ...good, urlPrefix: "a/b" }, /^urlPrefix: Expected up to 100 letters, digits and hyphens but/],
        [{ ...good, urlPrefix: "default" }, /^urlPrefix: Expected an empty text for the default endpoint/],
        [{ ...good, urlPrefix: "" }, "urlPrefix: There is a default URL endpoint already."],
        // A tenant is served there.
        [
          { ...good, urlPrefix: "acme" },
          /^tenants\.acme: paths that begin with \/acme\/ belong to the endpoint/,
        ],
        [{ origins: ["files"] }, "description: Expected string but it is missing"],
        [{ ...good, urlRewriter: { type: "OTHER" } }, /^urlRewriter/],
        // No language of this server has it.
        [{ ...good, urlRewriter: { type: "IMGIX" } }, /^endpoints\.shop.*urlRewriter/],
      ];
      for (const [body, message] of wrong) await refused(400, message, "POST", PATH, body);
      await refused(400, "The default URL endpoint cannot be deleted.", "DELETE", `${PATH}/default`);
      await refused(403, /defined by the configuration file/, "PUT", `${PATH}/default`, {
        ...good,
        urlPrefix: "",
      });
      await refused(404, "There is no URL endpoint with this id.", "PUT", `${PATH}/nowhere`, good);
    });
  });

  describe("named transformations", () => {
    const PATH = "/named-transformations";

    it("are listed, created, changed in part and deleted", async () => {
      const file = { id: "stored", name: "stored", transformation: "w-100", enabled: true, readOnly: true };
      assert.deepEqual((await call("GET", PATH)).body, [file]);
      const before = Date.now();
      const created = await call("POST", PATH, { name: "thumb", transformation: "w-150" });
      const { createdAt, ...rest } = created.body as { createdAt: string };
      assert(Date.parse(createdAt) >= before && Date.parse(createdAt) <= Date.now());
      assert.deepEqual(rest, { id: "thumb", name: "thumb", transformation: "w-150", enabled: true });
      assert.equal(created.status, 201);
      const renamed = await call("PATCH", `${PATH}/thumb`, { name: "small", enabled: false });
      assert.deepEqual(renamed.body, { ...rest, name: "small", enabled: false, createdAt });
      const changed = await call("PATCH", `${PATH}/thumb`, { transformation: "w-20" });
      assert.deepEqual(changed.body, {
        ...rest,
        name: "small",
        enabled: false,
        createdAt,
        transformation: "w-20",
      });
      await refused(403, /configuration file/, "PATCH", `${PATH}/stored`, { enabled: false });
      assert.equal((await call("DELETE", `${PATH}/thumb`)).status, 204);
      assert.deepEqual((await call("GET", PATH)).body, [file]);
    });

    it("are refused with the name of the field", async () => {
      await refused(400, /^name: Expected letters, digits and underscores/, "POST", PATH, {
        name: "a-b",
        transformation: "w-1",
      });
      await refused(400, /^name: Expected letters/, "POST", PATH, {
        name: "__proto__",
        transformation: "w-1",
      });
      const taken = "name: There is a named transformation stored already.";
      await refused(400, taken, "POST", PATH, { name: "stored", transformation: "w-1" });
      await refused(400, "transformation: Expected string but it is missing", "POST", PATH, { name: "a" });
      await refused(404, "There is no named transformation with this id.", "PATCH", `${PATH}/nowhere`, {});
    });
  });

  it("are limited in number and size", async () => {
    const objects = (count: number, fromFile: boolean) =>
      Array.from({ length: count }, (_, at) => [`${fromFile}-${at}`, { fields: {}, fromFile }] as const);
    assertRoom(new Map([...objects(300, true), ...objects(249, false)]), "origins");
    assert.throws(() => assertRoom(new Map(objects(250, false)), "origins"), {
      code: "EINVAL",
      message: "Expected at most 250 origins.",
    });
    const s3 = { name: "a", type: "S3", bucket: "photos", useIAMRole: true };
    await refused(400, /^prefix: .*2000/, "POST", "/accounts/origins", { ...s3, prefix: "p".repeat(2001) });
    await refused(400, /^origins: .*100/, "POST", "/accounts/url-endpoints", {
      ...{ description: "", urlPrefix: "many" },
      origins: Array.from({ length: 101 }, () => "files"),
    });
  });

  describe("revisions", () => {
    it("are listed with author and differences, and rolled back", async () => {
      const path = "/accounts/origins";
      const web = { name: "gone", type: "WEB_FOLDER", baseUrl: "https://one.example.com" };
      await call("POST", path, {
        ...web,
        type: "S3",
        bucket: "photos",
        accessKey: "a",
        secretKey: "b",
        baseUrl: undefined,
      });
      await call("PUT", `${path}/gone`, web);
      const { body } = await call("GET", "/state/revisions?limit=2");
      const [newest, first] = (
        body as { revisions: { number: number; changes: unknown; author: string; comment: string }[] }
      ).revisions;
      assert(newest && first);
      assert.match(newest.author, /^key [0-9a-f]{16}$/);
      assert.deepEqual([newest.comment, first.comment], ["change the origin gone", "create the origin gone"]);
      assert.deepEqual(newest.changes, [
        { path: "origins.gone.accessKey", before: "***" },
        { path: "origins.gone.baseUrl", after: "https://one.example.com" },
        { path: "origins.gone.bucket", before: "photos" },
        { path: "origins.gone.secretKey", before: "***" },
        { path: "origins.gone.type", before: "S3", after: "WEB_FOLDER" },
      ]);
      assert.equal((await call("POST", "/state/rollback", { revision: first.number })).status, 200);
      assert.equal(((await call("GET", `${path}/gone`)).body as { type: string }).type, "S3");
      assert.equal((await call("POST", "/state/rollback", { revision: first.number - 1 })).status, 200);
      assert.equal((await call("GET", `${path}/gone`)).status, 404);
      const unknown = await call("POST", "/state/rollback", { revision: 100_000 });
      assert.deepEqual(
        [unknown.status, (unknown.body as { message: string }).message],
        [404, "There is no revision 100000"],
      );
      // What clients know beside the fields is no part of the differences, and yet a revision.
      const named = { name: "one", type: "WEB_PROXY" };
      await call("POST", path, named);
      await call("PUT", `${path}/one`, { ...named, name: "two" });
      const renaming = (await call("GET", "/state/revisions?limit=1")).body as { revisions: object[] };
      assert.partialDeepStrictEqual(renaming.revisions, [{ comment: "change the origin two", changes: [] }]);
      await call("DELETE", `${path}/one`);
      assert.equal((await call("GET", "/state/revisions?limit=x")).status, 400);
      assert.equal((await call("POST", "/state/rollback", {})).status, 400);
    });

    it("belong to one account: nobody sees or changes another one's", async () => {
      const acme = { key: "private_key_of_acme" };
      const web = { name: "mine", type: "WEB_FOLDER", baseUrl: "https://one.example.com" };
      await call("POST", "/accounts/origins", web);
      const names = async (more: object) =>
        ((await call("GET", "/accounts/origins", undefined, { ...more })).body as { id: string }[]).map(
          ({ id }) => id,
        );
      assert.deepEqual([await names({}), await names(acme)], [["files", "mine"], ["own"]]);
      await refused(
        404,
        "There is no origin with this id.",
        "DELETE",
        "/accounts/origins/mine",
        undefined,
        acme,
      );
      assert.deepEqual((await call("GET", "/state/revisions", undefined, acme)).body, { revisions: [] });
      assert.equal((await call("POST", "/accounts/origins", { ...web, name: "theirs" }, acme)).status, 201);
      const endpoint = { description: "", urlPrefix: "b", origins: ["mine"] };
      const text = "tenants.acme.endpoints.b.origins.0: unknown origin 'mine'; known are own, theirs";
      await refused(400, text, "POST", "/accounts/url-endpoints", endpoint, acme);
      // Theirs goes; what others have made since stays.
      assert.equal((await call("POST", "/state/rollback", { revision: 0 }, acme)).status, 200);
      assert.deepEqual([await names({}), await names(acme)], [["files", "mine"], ["own"]]);
      await call("DELETE", "/accounts/origins/mine");
    });
  });

  describe("the server", () => {
    it("keeps its caches", async () => {
      const status = async () => (await server.ask(jobUrl("kept.bin"))).headers["cache-status"] ?? "";
      assert.match(await status(), /fwd=miss/);
      await call("POST", "/named-transformations", { name: "other", transformation: "w-1" });
      assert.doesNotMatch(await status(), /fwd=miss/);
      await call("DELETE", "/named-transformations/other");
      assert.doesNotMatch(await status(), /fwd=miss/);
    });

    it("has them again after a restart", async () => {
      const web = { name: "stays", type: "WEB_FOLDER", baseUrl: "https://one.example.com" };
      const { body, etag } = await call("POST", "/accounts/origins", web);
      await server.close();
      await start();
      const read = await call("GET", "/accounts/origins/stays");
      assert.deepEqual([read.body, read.etag], [body, etag]);
      await call("DELETE", "/accounts/origins/stays");
    });

    it("needs a plugin that keeps state, and a key for the whole account", async () => {
      await server.close();
      await start({ plugins: plugins().filter(({ name }) => name !== "state-sqlite") });
      const text = "Nothing can be changed here: no plugin of the configuration keeps state.";
      await refused(501, text, "GET", "/accounts/origins");
      await server.close();
      await start({
        endpoints: {
          default: { origins: ["files"] },
          other: { origins: ["files"], privateKey: "private_key_of_other" },
        },
      });
      const part = "This key is not valid for the whole account: it can change nothing.";
      await refused(403, part, "GET", "/accounts/origins", undefined, { key: "private_key_of_other" });
    });
  });
});
