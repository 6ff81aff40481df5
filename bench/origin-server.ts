import { createServer } from "node:http";
import { Readable } from "node:stream";

// A web server whose every file is as long as its name says, in MiB, and costs next to nothing to send: `/1024.bin`.
const [port = "0"] = process.argv.slice(2);
const CHUNK = Buffer.alloc(64 * 1024, "mediatap");

function* chunks(count: number) {
  for (let at = 0; at < count; at++) yield CHUNK;
}

createServer((request, response) => {
  const length = Number(/^\/(\d+)\.bin$/.exec(request.url ?? "")?.[1] ?? 0) * 1024 ** 2;
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": length,
    etag: '"1"',
  });
  Readable.from(chunks(length / CHUNK.length), { objectMode: false }).pipe(response);
}).listen(Number(port), "127.0.0.1");
