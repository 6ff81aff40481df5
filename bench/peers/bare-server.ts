import { createServer, get } from "node:http";
import { join } from "node:path";
import { sharp } from "./sharp.ts";

// The ceiling: the same libvips, set up and asked as `image-sharp` does, and nothing around it.
const [media = ".", port = "0", origin = ""] = process.argv.slice(2);
sharp.cache(false);
sharp.concurrency(1);

createServer((request, response) => {
  const [, format, width, ...path] = (request.url ?? "").split("/");
  if (format === "through") {
    get(`${origin}/${width}`, (answer) => {
      response.writeHead(200, answer.headers);
      answer.pipe(response);
    });
    return;
  }
  const image = sharp(join(media, ...path), { autoOrient: true, failOn: "error" }).resize(Number(width));
  if (format === "jpg") image.jpeg({ quality: 80, optimiseCoding: true });
  if (format === "webp") image.webp({ quality: 80, effort: 2 });
  if (format === "avif") image.avif({ quality: 60, effort: 1, chromaSubsampling: "4:2:0" });
  image.toBuffer().then(
    (body) => {
      response.writeHead(200, { "content-type": `image/${format}`, "content-length": body.length });
      response.end(body);
    },
    (error) => response.writeHead(404).end(String(error)),
  );
}).listen(Number(port), "127.0.0.1");
