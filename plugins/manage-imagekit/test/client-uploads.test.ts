import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import { imageSharp } from "@mediatap/image-sharp";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { storageFs } from "@mediatap/storage-fs";
import {
  makeFolder,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { describeWithSdks } from "../../../test/suites/support/sdks.ts";

const KEY = "private_test_key";
const OTHER_KEY = "private_other_key";
const UPLOAD = "/api/v1/files/upload";

type Fields = Readonly<Record<string, string | number | Blob>>;

describeWithSdks("manage-imagekit: uploads of clients without a key", (sdks) => {
  let folder: TestFolder;
  let origin: WebOrigin;
  let server: TestServer;

  before(async () => {
    folder = await makeFolder();
    origin = await startOrigin();
    server = await startServer({
      plugins: [urlImagekit(), storageFs(), imageSharp(), manageImagekit()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: {
        default: {
          origins: ["files"],
          privateKey: KEY,
          manageFiles: { clientUploads: true, folders: ["/in"], maxBytes: 1_000 },
        },
        closed: { origins: ["files"], privateKey: KEY, manageFiles: true },
        other: { origins: ["files"], privateKey: OTHER_KEY, manageFiles: { clientUploads: true } },
      },
      network: { allow: [new URL(origin.url).host] },
      management: { compatible: true },
    });
  });
  after(async () => {
    await server?.close();
    await origin?.close();
    await folder?.close();
  });

  const signed = (token?: string, expire?: number, privateKey = KEY) =>
    sdks.client({ baseURL: server.url, privateKey }).helper.getAuthenticationParameters(token, expire);
  const soon = () => Math.floor(Date.now() / 1000) + 60;

  async function upload(fields: Fields, path = UPLOAD) {
    const form = new FormData();
    const file = new Blob(["text"]);
    const all = { file, fileName: "a.txt", folder: "/in", publicKey: "public_key", ...fields };
    for (const [name, value] of Object.entries(all)) {
      if (value instanceof Blob) form.set(name, value, "a.txt");
      else form.set(name, String(value));
    }
    const { status, headers, ...response } = await fetch(server.url + path, {
      method: "POST",
      body: form,
    }).then(async (response) => ({
      status: response.status,
      headers: response.headers,
      body: await response.json(),
    }));
    assert.equal(headers.get("access-control-allow-origin"), "*");
    assert.equal(headers.get("www-authenticate") !== null, status === 401);
    return { status, body: response.body as Readonly<Record<string, string>> };
  }
  async function refused(status: number, message: RegExp, fields: Fields, path = UPLOAD) {
    const before = await readdir(`${folder.path}/in`).catch(() => []);
    const answer = await upload(fields, path);
    assert.equal(answer.status, status, answer.body.message);
    assert.match(answer.body.message ?? "", message);
    assert.deepEqual(await readdir(`${folder.path}/in`).catch(() => []), before);
  }

  it("are those of forms that the official client has signed", async () => {
    for (const path of [UPLOAD, `/-/api${UPLOAD}`]) {
      const { status, body } = await upload(signed(), path);
      assert.equal(status, 200, body.message);
      assert.equal((await server.ask(String(body.filePath))).text, "text");
    }
  });

  it("are allowed once for each token", async () => {
    const form = signed();
    const answers = await Promise.all(Array.from({ length: 4 }, () => upload(form)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 403, 403, 403]);
    await refused(403, /^The token was used before/, form);
    await refused(403, /^The token was used before/, {
      ...form,
      signature: String(form.signature).toUpperCase(),
    });
  });

  it("are not those with the signature of a URL", async () => {
    for (const path of [
      "in/photo.jpg",
      "photo",
      "in/photo.jpg?v=1",
      `in/${randomUUID()}`,
      `${randomUUID()}.jpg`,
    ]) {
      const expire = soon();
      const signature = createHmac("sha1", KEY).update(`${path}${expire}`).digest("hex");
      await refused(400, /^token: Expected a UUID/, { token: path, expire, signature });
    }
    assert.equal((await upload(signed(randomUUID().toUpperCase()))).status, 200);
  });

  it("end with their time, which is an hour at most", async () => {
    await refused(403, /expired/, signed(undefined, Math.floor(Date.now() / 1000) - 1));
    await refused(403, /at most 3600 seconds/, signed(undefined, soon() + 4_000));
  });

  it("need the signature of token and time by a key of the endpoint", async () => {
    const form = signed(undefined, soon());
    await refused(403, /does not fit/, { ...form, signature: "0".repeat(40) });
    await refused(403, /does not fit/, { ...form, token: randomUUID() });
    await refused(403, /does not fit/, { ...form, expire: soon() + 1 });
    await refused(403, /does not fit/, signed(undefined, soon(), "private_wrong"));
    await refused(400, /^signature: Expected 40 hexadecimal digits/, { ...form, signature: "abc" });
    for (const missing of ["signature", "token", "expire"])
      await refused(
        400,
        new RegExp(missing),
        Object.fromEntries(Object.entries(form).filter(([name]) => name !== missing)),
      );
    await refused(
      404,
      /no URL endpoint/,
      signed(undefined, undefined, OTHER_KEY),
      `${UPLOAD}?endpoint=default`,
    );
    assert.equal((await upload(form)).status, 200);
  });

  it("have the rules of the endpoint", async () => {
    await refused(403, /does not allow uploads without a key/, signed(), `${UPLOAD}?endpoint=closed`);
    await refused(403, /this folder/, { ...signed(), folder: "/out" });
    await refused(400, /at most 1000 bytes/, { ...signed(), file: new Blob(["x".repeat(1_001)]) });
  });

  it("download nothing before the signature is checked", async () => {
    const url = `${origin.url}/a.txt`;
    await refused(403, /does not fit/, { ...signed(), token: randomUUID(), file: url });
    assert.equal(origin.requests.length, 0);
  });

  it("can be sent by pages of other sites", async () => {
    const { status, headers } = await server.ask(UPLOAD, {
      method: "OPTIONS",
      headers: { origin: "https://shop.example", "access-control-request-method": "POST" },
    });
    assert.equal(status, 204);
    assert.equal(headers["access-control-allow-origin"], "*");
    assert.equal(headers["access-control-allow-methods"], "POST");
  });
});
