import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { imageSharp } from "@mediatap/image-sharp";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";

const KEY = "private_test_key";
const TENANT_KEY = "private_tenant_key";

const basic = (key: string) => `Basic ${Buffer.from(`${key}:`).toString("base64")}`;

/** An upload whose body does not go on. */
async function begin({ port }: TestServer, ...headers: readonly string[]): Promise<Socket> {
  const head = [
    "POST /-/api/api/v1/files/upload HTTP/1.1",
    "Host: localhost",
    ...headers,
    "Content-Type: multipart/form-data; boundary=B",
    "Content-Length: 1000000",
  ].join("\r\n");
  const part = '--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx';
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  await new Promise<void>((resolve) => socket.write(`${head}\r\n\r\n${part}`, () => resolve()));
  return socket;
}

/** Temporary files of uploads of this process. */
async function temporary(): Promise<string[]> {
  const folders = (await readdir(tmpdir())).filter((name) => name.startsWith("mediatap-uploads-"));
  const files = await Promise.all(
    folders.map(async (name) => {
      const owner = await readFile(join(tmpdir(), name, "owner"), "utf8").catch(() => "");
      return owner.includes(String(process.pid)) ? await readdir(join(tmpdir(), name)) : [];
    }),
  );
  return files.flat().filter((name) => name !== "owner");
}

describe("manage-imagekit: uploads that are sent slowly", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder();
    server = await startServer({
      plugins: [urlImagekit(), storageFs(), imageSharp(), manageImagekit()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"], manageFiles: { clientUploads: true } } },
      privateKey: KEY,
      trustedProxies: ["127.0.0.1"],
      limits: { tempBytes: 4_000 },
      tenants: {
        acme: {
          origins: { files: { type: "FOLDER", path: folder.path } },
          endpoints: { acme: { origins: ["files"], manageFiles: true } },
          privateKey: TENANT_KEY,
        },
      },
    });
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  it("leave room for those of other accounts", async () => {
    const slow = await Promise.all(
      Array.from({ length: 16 }, () => begin(server, `Authorization: ${basic(TENANT_KEY)}`)),
    );
    // Nothing says that their requests have arrived but a call behind them.
    for (let count = 0; count < 3; count++) await server.ask("/-/live");
    const form = new FormData();
    form.set("file", new Blob(["text"]), "a.txt");
    form.set("fileName", "a.txt");
    const answer = await fetch(`http://127.0.0.1:${server.port}/-/api/api/v1/files/upload`, {
      method: "POST",
      body: form,
      headers: { authorization: basic(KEY) },
    });
    for (const socket of slow) socket.destroy();
    assert.equal(answer.status, 200, await answer.text());
  });

  it("leave room for those of other clients without a key", async () => {
    const slow = await Promise.all(
      Array.from({ length: 16 }, () => begin(server, "X-Forwarded-For: 203.0.113.1")),
    );
    for (let count = 0; count < 3; count++) await server.ask("/-/live");
    const status = await sendSigned(server, "203.0.113.2", "text");
    for (const socket of slow) socket.destroy();
    assert.equal(status, 200);
  });

  it("use a quarter of the space until they are checked", async () => {
    assert.equal(await sendSigned(server, "203.0.113.3", "x".repeat(1_001)), 503);
    for (let count = 0; count < 2; count++) {
      assert.equal(await sendSigned(server, "203.0.113.3", "x".repeat(900), false), 403);
      assert.equal(await sendSigned(server, "203.0.113.3", "x".repeat(900)), 200);
    }
  });
});

/** Sends a signed form from an address. */
async function sendSigned({ port }: TestServer, ip: string, file: string, isRight = true): Promise<number> {
  const token = randomUUID();
  const expire = String(Math.floor(Date.now() / 1000) + 600);
  const signature = createHmac("sha1", isRight ? KEY : "private_wrong")
    .update(token + expire)
    .digest("hex");
  const form = new FormData();
  for (const [name, value] of Object.entries({ publicKey: "x", token, expire, signature, fileName: "a.txt" }))
    form.set(name, value);
  form.set("file", new Blob([file]), "a.txt");
  const answer = await fetch(`http://127.0.0.1:${port}/-/api/api/v1/files/upload`, {
    method: "POST",
    body: form,
    headers: { "x-forwarded-for": ip },
  });
  await answer.text();
  return answer.status;
}

describe("manage-imagekit: an upload that does not go on", () => {
  it("gets 408 and leaves nothing", async () => {
    const folder = await makeFolder();
    const server = await startServer({
      plugins: [urlImagekit(), storageFs(), imageSharp(), manageImagekit()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"], manageFiles: true } },
      privateKey: KEY,
      limits: { clientUploadIdle: 200 },
    });
    try {
      const answer = await text(await begin(server, `Authorization: ${basic(KEY)}`));
      assert.match(answer, /^HTTP\/1\.1 408 /);
      assert.match(answer, /^connection: close\r$/im);
      assert.match(answer, /"message":"Expected a part of the body every 200 ms at least"/);
      assert.deepEqual(await readdir(folder.path), []);
      assert.deepEqual(await temporary(), []);
    } finally {
      await server.close();
      await folder.close();
    }
  });
});
