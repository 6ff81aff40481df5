import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { imageSharp } from "@mediatap/image-sharp";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, startServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";

const KEY = "private_test_key";

describe("manage-imagekit: the scheme of URLs", () => {
  for (const [trustedProxies, scheme] of [
    [["203.0.113.1"], "http"],
    [["127.0.0.1", "::1"], "https"],
  ] as const)
    it(`is ${scheme} if X-Forwarded-Proto is sent by ${scheme === "https" ? "a trusted proxy" : "anybody else"}`, async () => {
      const folder = await makeFolder();
      await writeFile(`${folder.path}/a.txt`, "text");
      const server = await startServer({
        plugins: [urlImagekit(), storageFs(), imageSharp(), manageImagekit()],
        origins: { files: { type: "FOLDER", path: folder.path } },
        endpoints: { default: { origins: ["files"], manageFiles: true } },
        privateKey: KEY,
        trustedProxies: [...trustedProxies],
      });
      try {
        const authorization = `Basic ${Buffer.from(`${KEY}:`).toString("base64")}`;
        const { text } = await server.ask("/-/api/v1/files?path=/", {
          headers: { authorization, "x-forwarded-proto": "https" },
        });
        assert.match(String(JSON.parse(text)[0]?.url), new RegExp(`^${scheme}://.*/a\\.txt$`));
      } finally {
        await server.close();
        await folder.close();
      }
    });
});
