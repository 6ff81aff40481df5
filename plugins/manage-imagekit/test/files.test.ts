import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { info } from "@mediatap/info";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { storageFs } from "@mediatap/storage-fs";
import { svgDompurify } from "@mediatap/svg-dompurify";
import {
  makeFolder,
  memoryStorage,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import sharp from "sharp";
import { describeWithSdks, type Management } from "../../../test/suites/support/sdks.ts";

const KEY = "private_test_key";
const HELP = "See the README of manage-imagekit.";

const pictureOf = (background: string, width = 60) =>
  sharp({ create: { width, height: 40, channels: 3, background } })
    .png()
    .toBuffer();

describeWithSdks("manage-imagekit: files", (sdks) => {
  let folder: TestFolder;
  let server: TestServer;
  let client: Management;
  let origin: WebOrigin;
  let config: MediatapConfig;

  before(async () => {
    folder = await makeFolder();
    origin = await startOrigin();
    config = {
      plugins: [
        urlImagekit(),
        storageFs(),
        memoryStorage(Buffer.from("x")),
        imageSharp(),
        info(),
        cacheMemory(),
        manageImagekit(),
        svgDompurify(),
      ],
      origins: {
        photos: { type: "FOLDER", path: folder.path, checkSeconds: 3600 },
        others: { type: "FOLDER", path: `${folder.path}/others` },
        memory: { type: "MEMORY" },
      },
      endpoints: {
        default: { origins: ["photos"], manageFiles: true },
        some: {
          origins: ["others", "photos"],
          manageFiles: {
            folders: ["/trips"],
            maxBytes: 100_000,
            types: ["image/*", "text/plain"],
            sanitizeSvg: true,
          },
        },
        fixed: { origins: ["photos"] },
        memory: { origins: ["memory"], manageFiles: true },
      },
      privateKey: KEY,
      network: { allow: [new URL(origin.url).host] },
      management: { compatible: true },
    };
    await folder.write("a.png", await pictureOf("red"));
    await folder.write("b.txt", "b");
    await folder.write("trips/rome/1.png", await pictureOf("lime", 30));
    await folder.write("trips/rome/10.png", await pictureOf("lime", 31));
    await folder.write("trips/rome/2.jpg", "no picture");
    await folder.write("trips/oslo.mp4", "no video");
    await folder.write("others/a.png", await pictureOf("blue"));
    await folder.write(".hidden/secret.txt", "secret");
    await folder.touch("b.txt", -86_400 * 10);
    server = await startServer(config);
    client = sdks.client({ baseURL: server.url, privateKey: KEY });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
    await origin?.close();
  });

  /** Paths of a listing. */
  async function listed(query: object, options?: { readonly query: Record<string, string> }) {
    return (await client.assets.list(query, options)).map(({ filePath, folderPath }) =>
      String(filePath ?? `${folderPath}/`),
    );
  }
  async function refused(call: Promise<unknown>, status: number, message: RegExp, more: object = {}) {
    await assert.rejects(call, (error: Error) => {
      const { status: sent, error: body } = error as unknown as {
        status?: number;
        error: { message: string };
      };
      assert.equal(sent, status, error.message);
      assert.match(body.message, message);
      assert.deepEqual({ ...body, message: "" }, { message: "", help: HELP, ...more });
      return true;
    });
  }
  const idOf = async (path: string) => {
    const folderPath = path.slice(0, path.lastIndexOf("/")) || "/";
    const assets = await client.assets.list({ path: folderPath });
    return String(assets.find(({ filePath }) => filePath === path)?.fileId);
  };
  const colourOf = async (path: string) => {
    const answer = await server.ask(path);
    if (answer.status !== 200) return answer.status;
    const { dominant } = await sharp(answer.body).stats();
    return (["r", "g", "b"] as const).filter((name) => dominant[name] > 127).join("");
  };

  describe("listed", () => {
    it("are those of a folder, or of all folders", async () => {
      assert.deepEqual(await listed({ path: "/" }), ["/a.png", "/b.txt"]);
      assert.deepEqual(await listed({ path: "/trips/rome/", sort: "ASC_NAME" }), [
        "/trips/rome/1.png",
        "/trips/rome/2.jpg",
        "/trips/rome/10.png",
      ]);
      assert.deepEqual((await listed({})).toSorted(), [
        ...["/a.png", "/b.txt", "/others/a.png", "/trips/oslo.mp4"],
        ...["/trips/rome/1.png", "/trips/rome/10.png", "/trips/rome/2.jpg"],
      ]);
      assert.deepEqual(await listed({ path: "/", type: "folder" }), ["/others/", "/trips/"]);
      assert.deepEqual(await listed({ path: "trips", type: "all" }), ["/trips/rome/", "/trips/oslo.mp4"]);
      assert.deepEqual(await listed({ path: "/nothing" }), []);
      assert.deepEqual(await listed({ type: "file-version" }), []);
    });

    it("have the fields of ImageKit", async () => {
      const [file] = await client.assets.list({ path: "/" });
      const { size } = await sharp(await pictureOf("red")).metadata();
      const { fileId, createdAt, updatedAt, ...fields } = file ?? {};
      assert.match(String(fileId), /^[\w-]+$/);
      assert.equal(new Date(String(createdAt)).toISOString(), updatedAt);
      assert.deepEqual(fields, {
        type: "file",
        name: "a.png",
        filePath: "/a.png",
        url: `${server.url}/a.png`,
        thumbnail: `${server.url}/tr:w-320,h-320,c-at_max/a.png`,
        fileType: "image",
        mime: "image/png",
        size,
        isPrivateFile: false,
        isPublished: true,
        tags: null,
        AITags: null,
        customCoordinates: null,
        customMetadata: {},
        versionInfo: { id: fileId, name: "Version 1" },
      });
      const [rome] = await client.assets.list({ path: "/trips", type: "folder" });
      const { folderId, ...known } = rome ?? {};
      assert.match(String(folderId), /^[\w-]+$/);
      assert.deepEqual(known, {
        type: "folder",
        name: "rome",
        folderPath: "/trips/rome",
        customMetadata: {},
      });
    });

    it("are those of one type, sorted, in parts", async () => {
      assert.deepEqual(await listed({ path: "/", fileType: "image" }), ["/a.png"]);
      assert.deepEqual(await listed({ path: "/trips", fileType: "non-image" }), ["/trips/oslo.mp4"]);
      const path = "/trips/rome";
      const sorted = async (sort: string) => (await listed({ path, sort })).map((name) => name.slice(12));
      assert.deepEqual(await sorted("DESC_NAME"), ["10.png", "2.jpg", "1.png"]);
      assert.equal((await sorted("ASC_SIZE"))[0], "2.jpg");
      assert.deepEqual(await listed({ path: "/", sort: "ASC_CREATED" }), ["/b.txt", "/a.png"]);
      assert.deepEqual(await listed({ path, sort: "ASC_NAME", skip: 1, limit: 1 }), ["/trips/rome/2.jpg"]);
      assert.deepEqual(await listed({ path, skip: 3 }), []);
    });

    it("are found by a query", async () => {
      const found = async (searchQuery: string, more = {}) =>
        (await listed({ searchQuery, ...more })).toSorted();
      assert.deepEqual(await found('name = "a.png"'), ["/a.png", "/others/a.png"]);
      assert.deepEqual(await found('name : "1" AND size < "1mb"'), [
        "/trips/rome/1.png",
        "/trips/rome/10.png",
      ]);
      assert.deepEqual(await found('path : "/trips/" AND format IN ["jpeg", "mp4"]'), [
        "/trips/oslo.mp4",
        "/trips/rome/2.jpg",
      ]);
      assert.deepEqual(await found('path = "/trips"'), ["/trips/oslo.mp4"]);
      assert.deepEqual(await found('createdAt < "7d"'), ["/b.txt"]);
      assert.deepEqual(await found('type = "folder" AND name NOT = "trips"'), ["/others/", "/trips/rome/"]);
      assert.deepEqual(await found('(name HAS "A" OR name HAS "B") AND NOT format = "png"', { path: "/" }), [
        "/b.txt",
      ]);
      await refused(
        listed({ searchQuery: 'tags IN ["a"]' }),
        400,
        /^Expected one of name, .* for searchQuery but received 'tags'$/,
      );
      await refused(listed({ searchQuery: 'name = "a' }), 400, /for searchQuery but received '"a'/);
      await refused(listed({ searchQuery: 'name > "a"' }), 400, /Expected another operator for name/);
      await refused(listed({ searchQuery: "size > x" }), 400, /Expected a size/);
    });

    it("are those of another URL endpoint, or of one of its origins", async () => {
      const [file] = await client.assets.list({ path: "/", endpoint: "some" });
      assert.equal(file?.url, `${server.url}/some/a.png`);
      assert.deepEqual(await listed({ path: "/", endpoint: "some" }), ["/a.png", "/b.txt"]);
      assert.deepEqual(await listed({ path: "/", endpoint: "some", origin: "others" }), ["/a.png"]);
      await refused(listed({ endpoint: "none" }), 404, /There is no URL endpoint with this id/);
      await refused(listed({ origin: "others" }), 404, /has no origin with this id/);
      await refused(
        listed({ endpoint: "memory" }),
        501,
        /^The storage of the origin memory cannot list files\.$/,
      );
    });

    it("are refused with the name of the field", async () => {
      await refused(listed({ limit: 1001 }), 400, /^limit: /);
      await refused(listed({ skip: -1 }), 400, /^skip: /);
      await refused(listed({ sort: "ASC_COLOUR" }), 400, /^sort: /);
      await refused(listed({ sort: "ASC_WIDTH" }), 501, /cannot be sorted by width or height/);
      for (const path of ["../", "/trips/../..", "a//b", "/.hidden", "a\0b", "a\\b"]) {
        await refused(listed({ path }), 400, /^path: Expected the path of a folder/);
      }
    });
  });

  describe("uploaded", () => {
    const file = (bytes: Uint8Array | string, name = "sent.png") => new File([bytes as never], name);

    it("are stored, described and served", async () => {
      const bytes = await pictureOf("red", 50);
      const sent = {
        file: file(bytes),
        fileName: "my photo.png",
        folder: "/uploads/new/",
        useUniqueFileName: false,
      };
      const { fileId, ...reply } = await client.files.upload({
        ...sent,
        responseFields: ["isPrivateFile", "tags"],
      });
      assert.deepEqual(reply, {
        name: "my_photo.png",
        filePath: "/uploads/new/my_photo.png",
        url: `${server.url}/uploads/new/my_photo.png`,
        thumbnailUrl: `${server.url}/tr:w-320,h-320,c-at_max/uploads/new/my_photo.png`,
        fileType: "image",
        size: bytes.length,
        width: 50,
        height: 40,
        hasAlpha: false,
        versionInfo: { id: fileId, name: "Version 1" },
        AITags: null,
        isPrivateFile: false,
        tags: null,
      });
      assert(bytes.equals((await server.ask("/tr:orig-true/uploads/new/my_photo.png")).body));
      assert.equal((await client.files.get(String(fileId))).size, bytes.length);
      const { metadata } = await client.beta.v2.files.upload({ ...sent, responseFields: ["metadata"] });
      assert.equal((metadata as { format: string }).format, "png");
    });

    it("have a name of their own unless they shall not", async () => {
      const fileName = "same.txt";
      const names = [];
      for (const text of ["a", "b"])
        names.push((await client.files.upload({ file: file(text), fileName })).name);
      for (const name of names) assert.match(String(name), /^same_[A-Za-z0-9]{9}\.txt$/);
      assert.notEqual(names[0], names[1]);
      const own = { fileName, useUniqueFileName: false };
      await client.files.upload({ ...own, file: file("c") });
      await refused(
        client.files.upload({ ...own, file: file("d"), overwriteFile: false }),
        400,
        /There is a file with this name already/,
      );
      assert.equal((await server.ask("/same.txt")).text, "c");
      await client.files.upload({ ...own, file: file("e") });
      assert.equal((await server.ask("/same.txt")).text, "e");
    });

    it("take the place of others, whose renditions are purged", async () => {
      const upload = async (colour: string) =>
        client.files.upload({
          file: file(await pictureOf(colour)),
          fileName: "now.png",
          useUniqueFileName: false,
        });
      assert.equal(await colourOf("/tr:w-8/now.png"), 404);
      await upload("red");
      for (const _ of ["cold", "warm"]) assert.equal(await colourOf("/tr:w-8/now.png"), "r");
      await upload("blue");
      assert.equal(await colourOf("/tr:w-8/now.png"), "b");
      assert.equal(await colourOf("/tr:w-8/now.png?v=2"), "b");
    });

    it("come as base64 or by a URL, too", async () => {
      const bytes = await pictureOf("lime", 300);
      const own = { fileName: "text.png", useUniqueFileName: false };
      const base64 = bytes.toString("base64");
      for (const text of [
        base64,
        `data:image/png;base64,${base64}`,
        base64.replace(/.{76}/g, "$&\r\n"),
        bytes.toString("base64url"),
      ]) {
        assert.equal((await client.files.upload({ ...own, file: text })).size, bytes.length);
        assert(bytes.equals((await server.ask("/tr:orig-true/text.png")).body));
      }
      origin.files.set("far.png", { bytes });
      assert.equal((await client.files.upload({ ...own, file: `${origin.url}/far.png` })).size, bytes.length);
      for (const text of ["not base64!", "QQ==QQ==", "x", `${base64.slice(0, 100)}=${base64}`]) {
        await refused(
          client.files.upload({ ...own, file: text }),
          400,
          /^file: Expected the bytes of a file, its base64 or its URL/,
        );
      }
    });

    it("come by no URL that the server must not ask", async () => {
      const { port } = new URL(origin.url);
      for (const url of [
        `http://localhost:${port}/far.png`,
        "http://169.254.169.254/latest",
        "http://[::1]/",
        `${origin.url}/none.png`,
      ]) {
        await refused(
          client.files.upload({ file: url, fileName: "far.png" }),
          400,
          /^file: The file could not be downloaded from its URL$/,
        );
      }
      origin.files.set("long.bin", { bytes: Buffer.alloc(200_000) });
      const long = client.files.upload(
        { file: `${origin.url}/long.bin`, fileName: "long.png" },
        { query: { endpoint: "some" } },
      );
      await refused(long, 400, /^file: Expected a file of at most 100000 bytes$/);
    });

    it("are refused with the name of the field, and leave nothing", async () => {
      const before = await listed({});
      const upload = (more: object) => client.files.upload({ file: file("x"), fileName: "x.txt", ...more });
      for (const fileName of [
        "../x.txt",
        ".x",
        "a/b.txt",
        "a\\b.txt",
        "x\u0001.txt",
        `${"x".repeat(300)}.txt`,
      ]) {
        await refused(upload({ fileName }), 400, /^fileName: /);
      }
      for (const folder of ["..", "/a/../../b", "a//b", "/.ssh", "a\\b", `/${"x/".repeat(600)}`]) {
        await refused(upload({ folder }), 400, /^folder: /);
      }
      await refused(upload({ fileName: "" }), 400, /^fileName: /);
      await refused(upload({ useUniqueFileName: "maybe" }), 400, /^useUniqueFileName: /);
      await refused(upload({ responseFields: ["x"] }), 400, /^responseFields/);
      await refused(client.files.upload({ fileName: "x.txt", file: "" }), 400, /^file: Expected the bytes/);
      for (const more of [
        { tags: ["a"] },
        { customMetadata: { a: 1 } },
        { extensions: [{ name: "remove-bg" }] },
        { isPublished: false },
      ]) {
        await refused(upload(more), 501, new RegExp(`^${Object.keys(more)[0]}: Files `));
      }
      await refused(
        upload({ isPrivateFile: true }),
        501,
        /^The storage of the origin photos cannot mark files as private/,
      );
      assert.deepEqual(await listed({}), before);
    });

    it("keep to the rules of the URL endpoint", async () => {
      const upload = (
        bytes: Uint8Array | string,
        fileName: string,
        folder = "/trips/new",
        endpoint = "some",
      ) =>
        client.files.upload(
          { file: file(bytes), fileName, folder, useUniqueFileName: false },
          { query: { endpoint } },
        );
      await upload(Buffer.alloc(100_000), "fits.png");
      await refused(
        upload(Buffer.alloc(100_001), "long.png"),
        400,
        /^file: Expected a file of at most 100000 bytes/,
      );
      await refused(
        upload(Buffer.alloc(3_000_000), "long.png"),
        400,
        /^file: Expected a file of at most 100000 bytes/,
      );
      await refused(upload("x", "x.html"), 403, /does not allow files of the type text\/html/);
      await refused(upload("x", "x.png", "/else"), 403, /does not allow changes of files in this folder/);
      await refused(upload("x", "x.png", "/", "fixed"), 403, /its configuration does not set manageFiles/);
      await refused(
        upload("x", "x.png", "/", "memory"),
        501,
        /^The storage of the origin memory cannot write files/,
      );
      assert.deepEqual(await listed({ path: "/trips/new", endpoint: "some" }), ["/trips/new/fits.png"]);
    });

    it("are sanitised if they are SVGs and the URL endpoint wants it", async () => {
      const svg = (more: string) =>
        `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${more}<rect width="9" height="9"/></svg>`;
      const upload = (text: string, endpoint: string) =>
        client.files.upload(
          { file: file(text), fileName: "drawing.svg", folder: "trips", useUniqueFileName: false },
          { query: { endpoint } },
        );
      const { size } = await upload(svg("<script>alert(1)</script>"), "some");
      const { text } = await server.ask("/some/trips/drawing.svg");
      assert.equal(text.length, size);
      assert.match(text, /<rect/);
      assert.doesNotMatch(text, /script/);
      await refused(upload("<svg>&broken", "some"), 400, /^file: /);
      const long = `<!--${"x".repeat(5000)}-->`;
      await upload(long + svg("<script>alert(1)</script>"), "some");
      assert.doesNotMatch((await server.ask("/some/trips/drawing.svg")).text, /script/);
      const packed = gzipSync(svg("<script>alert(1)</script>"));
      for (const fileName of ["drawing.svgz", "drawing.SVG"]) {
        const sent = { file: file(packed), fileName, folder: "trips", useUniqueFileName: false };
        await refused(client.files.upload(sent, { query: { endpoint: "some" } }), 400, /^file: /);
      }
      for (const other of [`<x>${svg("<script>alert(1)</script>")}</x>`, "<html></html>", long, "", "text"]) {
        await refused(upload(other, "some"), 400, /^file: /);
      }
      await upload(svg("<script>alert(1)</script>"), "default");
      assert.match((await server.ask("/trips/drawing.svg")).text, /script/);
    });

    it("are refused while there is no space for temporary files", async () => {
      const small = await startServer({ ...config, limits: { tempBytes: 1_000 } });
      try {
        const own = sdks.client({ baseURL: small.url, privateKey: KEY });
        const upload = (bytes: number) =>
          own.files.upload({ file: file(Buffer.alloc(bytes)), fileName: "a.bin", folder: "/space" });
        await refused(upload(1_001), 503, /The server has no space for temporary files/);
        for (const _ of ["one", "after another"]) assert.equal((await upload(1_000)).size, 1_000);
      } finally {
        await small.close();
      }
    });

    it("leave nothing if they break off", async () => {
      const before = await listed({});
      const boundary = "x";
      const head = `--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n`;
      const authorization = `Basic ${Buffer.from(`${KEY}:`).toString("base64")}`;
      const headers = { authorization, "content-type": `multipart/form-data; boundary=${boundary}` };
      const cut = await server.ask("/api/v1/files/upload", { method: "POST", headers, body: `${head}abc` });
      assert.deepEqual([cut.status, JSON.parse(cut.text).message], [400, "The form is not complete"]);
      const sent = request({
        ...{
          host: "127.0.0.1",
          port: server.port,
          path: "/api/v1/files/upload",
          method: "POST",
          agent: false,
        },
        headers: { ...headers, "content-length": "100000" },
      });
      sent.on("error", () => {});
      sent.write(`${head}abc`);
      const temporary = async () => {
        const folders = (await readdir(tmpdir())).filter((name) => name.startsWith("mediatap-uploads-"));
        const names = folders.map((name) => readdir(join(tmpdir(), name)).catch(() => []));
        return (await Promise.all(names)).flat().filter((name) => /^[0-9a-f-]{36}$/.test(name));
      };
      // Other servers on this machine may have some, too.
      let begun: string[] = [];
      await until(async () => {
        begun = await temporary();
        return begun.length > 0;
      }, "the file is being received");
      sent.destroy();
      await until(
        async () => (await temporary()).every((name) => !begun.includes(name)),
        "the temporary file is removed",
      );
      assert.deepEqual(await listed({}), before);
      for (const type of ["application/json", "multipart/form-data"]) {
        const answer = await server.ask("/api/v1/files/upload", {
          method: "POST",
          headers: { authorization, "content-type": type },
          body: "{}",
        });
        assert.deepEqual([answer.status, /Expected a form/.test(answer.text)], [400, true]);
      }
    });
  });

  describe("one by one", () => {
    it("are described with what they contain", async () => {
      const { width, height, hasAlpha, name } = await client.files.get(await idOf("/a.png"));
      assert.deepEqual([width, height, hasAlpha, name], [60, 40, false, "a.png"]);
      const broken = await client.files.get(await idOf("/trips/rome/2.jpg"));
      assert.deepEqual([broken.width, broken.size], [undefined, 10]);
      assert.equal((await client.files.metadata.get(await idOf("/a.png"))).format, "png");
      const encode = (...parts: string[]) => Buffer.from(JSON.stringify(parts)).toString("base64url");
      const unknown = [
        "abc",
        encode("photos", "none.png"),
        encode("photos", "../a"),
        encode("photo", "a.png"),
        encode("a"),
      ];
      for (const id of unknown) {
        for (const call of [client.files.get(id), client.files.delete(id), client.files.metadata.get(id)]) {
          await refused(call, 404, /The requested file does not exist/);
        }
      }
    });

    it("are deleted, with what was made of them", async () => {
      await folder.write("old/1.png", await pictureOf("red"));
      await folder.write("old/2.png", await pictureOf("lime"));
      await folder.write("old/3.png", await pictureOf("lime"));
      assert.equal(await colourOf("/tr:w-8/old/1.png"), "r");
      await client.files.delete(await idOf("/old/1.png"));
      assert.equal(await colourOf("/tr:w-8/old/1.png"), 404);
      const fileIds = [await idOf("/old/2.png"), await idOf("/old/3.png")];
      const missingFileIds = ["abc"];
      await refused(client.files.bulk.delete({ fileIds: [...fileIds, "abc"] }), 404, /does not exist/, {
        missingFileIds,
      });
      assert.deepEqual(await client.files.bulk.delete({ fileIds }), { successfullyDeletedFileIds: fileIds });
      assert.deepEqual(await listed({ path: "/old" }), []);
      await refused(client.files.bulk.delete({ fileIds: [] }), 400, /^fileIds: /);
    });

    it("are copied, moved and renamed, and nothing old is served", async () => {
      await folder.write("moves/red.png", await pictureOf("red"));
      await folder.write("moves/to/red.png", await pictureOf("blue"));
      assert.equal(await colourOf("/tr:w-8/moves/to/red.png"), "b");
      await client.files.copy({ sourceFilePath: "/moves/red.png", destinationPath: "/moves/to/" });
      assert.equal(await colourOf("/tr:w-8/moves/to/red.png"), "r");
      assert.equal(await colourOf("/tr:w-8/moves/new/red.png"), 404);
      await client.files.move({ sourceFilePath: "/moves/to/red.png", destinationPath: "/moves/new" });
      assert.equal(await colourOf("/tr:w-8/moves/new/red.png"), "r");
      assert.equal(await colourOf("/tr:w-8/moves/to/red.png"), 404);
      const rename = (newFileName: string, more = {}) =>
        client.files.rename({ filePath: "/moves/red.png", newFileName, ...more });
      await folder.write("moves/taken.png", await pictureOf("blue"));
      await refused(rename("taken.png"), 409, /There is a file with this name already/);
      const { purgeRequestId } = await rename("my red one.png", { purgeCache: true });
      assert.match(String(purgeRequestId), /^\w+$/);
      assert.deepEqual(await listed({ path: "/moves" }), ["/moves/my_red_one.png", "/moves/taken.png"]);
      await refused(rename("x.png"), 404, /The requested file does not exist/);
      for (const name of ["../x.png", ".x.png", "a/b.png", "a\\b.png", ""]) {
        await refused(rename(name), 400, /^newFileName: /);
      }
    });

    it("take a name once, however many are renamed or uploaded to it at one time", async () => {
      const numbers = Array.from({ length: 6 }, (_, at) => at);
      for (const at of numbers) await folder.write(`race/${at}.txt`, String(at));
      const renamed = await Promise.allSettled(
        numbers.map((at) => client.files.rename({ filePath: `/race/${at}.txt`, newFileName: "one.txt" })),
      );
      const sent = { fileName: "two.txt", folder: "/race", useUniqueFileName: false, overwriteFile: false };
      const uploaded = await Promise.allSettled(
        numbers.map((at) => client.files.upload({ ...sent, file: new File([String(at)], "sent") })),
      );
      for (const [calls, statuses] of [
        [renamed, [409]],
        [uploaded, [400, 409]],
      ] as const) {
        const failed = calls.flatMap((call) => (call.status === "rejected" ? [call.reason] : []));
        assert.equal(failed.length, numbers.length - 1);
        for (const { status } of failed)
          assert.ok(
            statuses.some((one) => one === status),
            String(status),
          );
      }
      const left = (await readdir(join(folder.path, "race"))).sort();
      assert.equal(left.length, numbers.length + 1, left.join());
    });

    it("are changed only where the configuration allows it", async () => {
      const copy = (endpoint: string, sourceFilePath: string, destinationPath: string) =>
        client.files.copy({ sourceFilePath, destinationPath }, { query: { endpoint } });
      await refused(copy("fixed", "/a.png", "/x"), 403, /its configuration does not set manageFiles/);
      await refused(copy("some", "/b.txt", "/x"), 403, /does not allow changes of files in this folder/);
      await copy("some", "/b.txt", "/trips/new");
      await folder.write("trips/page.html", "x");
      const by = { query: { endpoint: "some" } };
      const noType = /does not allow files of the type text\/html/;
      await refused(copy("some", "/trips/page.html", "/trips/new"), 403, noType);
      const moving = { sourceFilePath: "/trips/page.html", destinationPath: "/trips/new" };
      await refused(client.files.move(moving, by), 403, noType);
      const renaming = { filePath: "/trips/new/b.txt", newFileName: "b.html" };
      await refused(client.files.rename(renaming, by), 403, noType);
      await refused(
        client.files.move(
          { sourceFilePath: "/b.txt", destinationPath: "/trips/x" },
          { query: { endpoint: "some" } },
        ),
        403,
        /does not allow changes of files in this folder/,
      );
      await refused(
        copy("memory", "/a.png", "/x"),
        501,
        /^The storage of the origin memory cannot write files\.$/,
      );
    });
  });
});
