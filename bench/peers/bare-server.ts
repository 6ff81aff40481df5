import { createServer, get } from "node:http";
import { join } from "node:path";
import type { Work } from "./peer.ts";
import { sharp } from "./sharp.ts";
import { READ, works } from "./work.ts";

// The ceiling: the same libvips, set up and asked as `image-sharp` does, and nothing around it.
const [media = ".", port = "0", origin = ""] = process.argv.slice(2);
sharp.cache(false);
sharp.concurrency(1);

createServer((request, response) => {
  const [, wanted = "", width, ...path] = (request.url ?? "").split("/");
  if (wanted === "through") {
    get(`${origin}/${width}`, (answer) => {
      response.writeHead(200, answer.headers);
      answer.pipe(response);
    });
    return;
  }
  picture(wanted, Number(width), join(media, ...path)).then(
    (body) => {
      response.writeHead(200, { "content-type": "image/*", "content-length": body.length });
      response.end(body);
    },
    (error) => response.writeHead(404).end(String(error)),
  );
}).listen(Number(port), "127.0.0.1");

async function picture(wanted: string, width: number, file: string): Promise<Buffer> {
  const work = works[wanted as Work];
  if (work) return (await work(file, media)).toBuffer();
  const image = sharp(file, READ).resize(width);
  if (wanted === "jpg") image.jpeg({ quality: 80, optimiseCoding: true });
  if (wanted === "webp") image.webp({ quality: 80, effort: 2 });
  if (wanted === "avif") image.avif({ quality: 60, effort: 1, chromaSubsampling: "4:2:0" });
  return image.toBuffer();
}
