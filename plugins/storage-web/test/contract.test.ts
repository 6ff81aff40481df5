import { DEFAULT_LIMITS } from "@mediatap/core";
import { createFetcher, type FileMetadata } from "@mediatap/core/storage";
import { describeStorage } from "@mediatap/test";
import { createWebFolder } from "../src/folder.ts";
import { createWebProxy } from "../src/proxy.ts";
import { createOrigin, type File, serveFiles } from "./origin.ts";
import { SETTINGS } from "./settings.ts";

async function serve() {
  const files = new Map<string, File>();
  const origin = await createOrigin(serveFiles(files));
  const fetcher = createFetcher({ limits: DEFAULT_LIMITS, network: { allow: [new URL(origin.url).host] } });
  return {
    origin,
    fetcher,
    async put(path: string, bytes: Uint8Array, metadata: FileMetadata = {}) {
      files.set(path, {
        bytes,
        headers: {
          ...(metadata.type && { "content-type": metadata.type }),
          ...(metadata.cacheControl && { "cache-control": metadata.cacheControl }),
          ...(metadata.private && { "is-private-file": "true" }),
        },
      });
    },
    async close() {
      await fetcher.close();
      await origin.close();
    },
  };
}

describeStorage(
  "a web folder",
  { conditional: true, size: true, metadata: true, private: true },
  async () => {
    const place = await serve();
    const options = { baseUrl: `${place.origin.url}/media/` };
    const config = { name: "folder", type: "WEB_FOLDER", base: "/", options };
    return { ...place, storage: createWebFolder(config, place.fetcher, SETTINGS) };
  },
);

describeStorage("a web proxy", { conditional: true, size: true, metadata: true, private: true }, async () => {
  const place = await serve();
  const config = { name: "proxy", type: "WEB_PROXY", base: "/", options: {} };
  const proxy = createWebProxy(config, place.fetcher, SETTINGS);
  return {
    ...place,
    storage: {
      ...proxy,
      open: (path, options) =>
        proxy.open(`${place.origin.url}/media/${path.split("/").map(encodeURIComponent).join("/")}`, options),
    },
  };
});
