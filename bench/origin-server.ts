import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { pipeline, Readable } from "node:stream";

// A web server whose files `/1024.bin` are as long as their names say, in MiB, and cost next to nothing to send. The
// others are those of a folder, and fresh for a day.
const [port = "0", media = "."] = process.argv.slice(2);
const CHUNK = Buffer.alloc(64 * 1024, "mediatap");

function* chunks(count: number) {
  for (let at = 0; at < count; at++) yield CHUNK;
}

createServer((request, response) => {
  const [, size] = /^\/(\d+)\.bin$/.exec(request.url ?? "") ?? [];
  if (size === undefined) {
    const file = join(media, request.url ?? "");
    stat(file).then(
      ({ size, ino }) => {
        const headers = { "content-type": "image/jpeg", "cache-control": "max-age=86400" };
        response.writeHead(200, { ...headers, etag: `"${ino}"`, "content-length": size });
        pipeline(createReadStream(file), response, () => {});
      },
      () => response.writeHead(404).end(),
    );
    return;
  }
  const length = Number(size) * 1024 ** 2;
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": length,
    etag: '"1"',
  });
  Readable.from(chunks(length / CHUNK.length), { objectMode: false }).pipe(response);
}).listen(Number(port), "127.0.0.1");
