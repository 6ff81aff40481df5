import assert from "node:assert/strict";
import { imageSharp } from "@mediatap/image-sharp";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, startServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";

const KEY = "private_test_key";
const LIMIT = 4;

describe("manage-imagekit: changes of files", () => {
  it("have the rate limit of changes, and uploads have none", async () => {
    const folder = await makeFolder();
    const server = await startServer({
      plugins: [urlImagekit(), storageFs(), imageSharp(), manageImagekit()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"], manageFiles: true } },
      privateKey: KEY,
      management: { changesPerMinute: LIMIT },
    });
    const call = (method: string, path: string, body: FormData | object) =>
      fetch(`${server.url}/-/api${path}`, {
        method,
        headers: { authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}` },
        body: body instanceof FormData ? body : JSON.stringify(body),
      });
    try {
      await folder.write("a.txt", "a");
      const changes = [
        ["POST", "/v1/folder", { folderName: "b", parentFolderPath: "/" }, 201],
        ["POST", "/v1/files/copy", { sourceFilePath: "/a.txt", destinationPath: "/b" }, 204],
        ["PUT", "/v1/files/rename", { filePath: "/missing.txt", newFileName: "c.txt" }, 404],
        ["DELETE", "/v1/folder", { folderPath: "/b" }, 204],
        ["POST", "/v1/files/move", { sourceFilePath: "/a.txt", destinationPath: "/" }, 429],
        ["POST", "/v1/bulkJobs/copyFolder", { sourceFolderPath: "/b", destinationPath: "/" }, 429],
        ["PUT", "/v1/focal-points", { url: "/a.txt", x: 0, y: 0 }, 429],
      ] as const;
      for (const [method, path, body, status] of changes) {
        const { status: sent, headers } = await call(method, path, body);
        assert.equal(sent, status, path);
        assert.equal(headers.get("x-ratelimit-limit"), String(LIMIT), path);
        assert.equal(headers.get("x-ratelimit-interval"), "60000");
        assert(Number(headers.get("x-ratelimit-reset")) <= 60_000);
        assert.equal(headers.has("retry-after"), status === 429);
      }
      const form = new FormData();
      form.set("file", new Blob(["text"]), "d.txt");
      form.set("fileName", "d.txt");
      const { status, headers } = await call("POST", "/api/v1/files/upload", form);
      assert.deepEqual([status, headers.has("x-ratelimit-limit")], [200, false]);
    } finally {
      await server.close();
      await folder.close();
    }
  });
});
