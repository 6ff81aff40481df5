// Next's own image optimiser, without an app around it: `node optimizer.mjs FOLDER PORT IMAGES`. IMAGES: `images` of a next.config.js, as
// JSON. `/urls` responds with the URLs that `next/image` writes for the properties in its query.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, port, images] = process.argv.slice(2);
const require = createRequire(join(import.meta.dirname, "../../../test/services/package.json"));
const { ImageOptimizerCache, imageOptimizer } = require("next/dist/server/image-optimizer.js");
const { imageConfigDefault } = require("next/dist/shared/lib/image-config.js");
const { getImgProps } = require("next/dist/shared/lib/get-img-props.js");
const { default: defaultLoader } = require("next/dist/shared/lib/image-loader.js");

const config = {
  images: { ...imageConfigDefault, localPatterns: [{ pathname: "**", search: "" }], ...JSON.parse(images) },
  experimental: {},
};
const { deviceSizes, imageSizes } = config.images;
const allSizes = [...deviceSizes, ...imageSizes].sort((a, b) => a - b);

function urlsOf(properties) {
  const imgConf = { ...config.images, allSizes };
  const { props } = getImgProps({ alt: "", ...properties }, { defaultLoader, imgConf });
  return [props.src, ...(props.srcSet ?? "").split(", ").map((entry) => entry.split(" ")[0])];
}

async function respond(req, res) {
  const { pathname, searchParams } = new URL(req.url, "http://localhost");
  if (pathname === "/urls") return res.end(JSON.stringify(urlsOf(JSON.parse(searchParams.get("props")))));
  const query = {};
  for (const name of searchParams.keys()) {
    const values = searchParams.getAll(name);
    query[name] = values.length > 1 ? values : values[0];
  }
  const params = ImageOptimizerCache.validateParams(req, query, config, false);
  if ("errorMessage" in params) return res.writeHead(400).end(params.errorMessage);
  const buffer = await readFile(join(folder, decodeURIComponent(params.href))).catch(() => undefined);
  if (!buffer) return res.writeHead(404).end();
  try {
    const { buffer: bytes, contentType } = await imageOptimizer({ buffer, etag: "a" }, params, config, {
      silent: true,
    });
    return res.writeHead(200, { "content-type": contentType }).end(bytes);
  } catch (error) {
    return res.writeHead(error.statusCode ?? 500).end(error.message);
  }
}

createServer((req, res) => void respond(req, res)).listen(Number(port), "127.0.0.1");
