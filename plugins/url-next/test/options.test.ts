import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parameterTable } from "@mediatap/core/language";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import { makeFolder, makePng, startOrigin, startServer } from "@mediatap/test";
import { parametersOf, type UrlNextOptions, urlNext } from "../src/index.ts";
import { schema } from "../src/options.ts";

const png = makePng(64, 32, () => [10, 20, 30, 255]);

const of = (url: string, rest = "w=32&q=75") => `/_next/image?url=${encodeURIComponent(url)}&${rest}`;

/** Status of each URL of a server over a folder. */
async function statusesOf(options: UrlNextOptions, urls: readonly string[]): Promise<number[]> {
  const folder = await makeFolder({ "photo.png": png, "docs/photo.png": png });
  const server = await startServer({
    plugins: [urlNext(options), storageFs(), imageSharp()],
    origins: { files: { type: "FOLDER", path: folder.path } },
    endpoints: { default: { origins: ["files"] } },
  });
  try {
    const statuses = [];
    for (const url of urls) statuses.push((await server.ask(url)).status);
    return statuses;
  } finally {
    await server.close();
    await folder.close();
  }
}

describe("url-next: options", () => {
  it("takes the path before local paths away", async () => {
    const urls = [of("/docs/photo.png"), of("/photo.png"), of("/docs/docs/photo.png")];
    assert.deepEqual(await statusesOf({ basePath: "/docs" }, urls), [200, 200, 200]);
    assert.deepEqual(await statusesOf({}, urls), [200, 200, 404]);
  });

  it("serves the paths that are the optimiser's, and no others", async () => {
    const urls = [
      of("/photo.png"),
      of("/photo.png").replace("_next", "_vercel"),
      "/img?url=%2Fphoto.png&w=32&q=75",
    ];
    assert.deepEqual(await statusesOf({ paths: ["img"] }, urls), [404, 404, 200]);
  });

  it("requests a URL that a pattern allows through the guarded client only", async () => {
    const origin = await startOrigin({ "images/photo.png": png });
    const { port } = new URL(origin.url);
    const allowed = {
      remotePatterns: [{ protocol: "http", hostname: "127.0.0.1", port, pathname: "/images/**" }],
    } as const;
    const statuses = [];
    try {
      for (const network of [{}, { allow: ["127.0.0.1"] }]) {
        const server = await startServer({
          plugins: [urlNext(allowed), storageWeb(), imageSharp()],
          origins: { anywhere: { type: "WEB_PROXY", ports: [Number(port)] } },
          endpoints: { default: { origins: ["anywhere"] } },
          network,
        });
        for (const path of ["images/photo.png", "private/photo.png"]) {
          statuses.push((await server.ask(of(`${origin.url}/${path}`))).status);
        }
        await server.close();
      }
    } finally {
      await origin.close();
    }
    // An address of this machine is refused unless the server's own configuration allows it.
    assert.deepEqual(statuses, [404, 400, 200, 400]);
  });

  it("takes URLs as patterns", async () => {
    const { remotePatterns } = schema.parse({ remotePatterns: [new URL("https://example.com/account/**")] });
    assert.deepEqual(remotePatterns, [
      { protocol: "https:", hostname: "example.com", port: "", pathname: "/account/**", search: "" },
    ]);
  });

  it("refuses settings that are wrong, by name", () => {
    const wrong: [unknown, RegExp][] = [
      [{ deviceSizes: [0] }, /^url-next\.deviceSizes/],
      [{ qualities: [101] }, /^url-next\.qualities/],
      [{ remotePatterns: [{ pathname: "/a" }] }, /^url-next\.remotePatterns/],
      [{ remotePatterns: [new URL("ftp://example.com/")] }, /^url-next\.remotePatterns/],
      [{ basePath: "docs" }, /^url-next\.basePath/],
      [{ path: ["a"] }, /^url-next\.path: /],
    ];
    for (const [options, message] of wrong) {
      assert.throws(() => urlNext(options as UrlNextOptions), { code: "ECONFIG", message });
    }
  });

  it("has the table of its parameters in the README", () => {
    const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
    const table = parameterTable(parametersOf(schema.parse({})));
    assert(readme.includes(table), `Expected in the README:\n${table}`);
  });
});
