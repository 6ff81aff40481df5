import { spawn } from "node:child_process";
import cluster from "node:cluster";
import { createHash } from "node:crypto";
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { Work } from "./peer.ts";
import { sharp } from "./sharp.ts";
import { READ, works } from "./work.ts";

// The ceiling: the same libvips, set up and asked as `image-sharp` does, and nothing around it.
const [media = ".", port = "0", origin = "", workers = "1"] = process.argv.slice(2);
sharp.cache(false);
sharp.concurrency(1);
const cachedBodies = new Map<string, CachedBody>();
/** Renders that run, by URL: whoever asks meanwhile waits for them, too. */
const running = new Map<string, Promise<CachedBody>>();
const agent = new Agent({ keepAlive: true });

const server = createServer((request, response) => {
  const [, wanted = "", width, ...path] = (request.url ?? "").split("/");
  if (wanted === "through") {
    get(`${origin}/${width}`, (answer) => {
      response.writeHead(200, answer.headers);
      answer.pipe(response);
    });
    return;
  }
  if (wanted === "video") {
    response.writeHead(200, { "content-type": "video/mp4" });
    video(Number(width), join(media, ...path)).stdout.pipe(response);
    return;
  }
  const fail = (error: unknown) => response.writeHead(404).end(String(error));
  if (wanted === "kept") {
    const sent = cachedBodies.get(request.url as string);
    if (sent) return void send(request, response, sent);
    const render = () => picture(wanted, Number(width), path.join("/"));
    coalesced(request.url as string, render).then((sent) => send(request, response, sent), fail);
    return;
  }
  picture(wanted, Number(width), path.join("/")).then((body) => {
    response.writeHead(200, { "content-type": "image/*", "content-length": body.length });
    response.end(body);
  }, fail);
});
if (workers === "1" || cluster.isWorker) server.listen(Number(port), "127.0.0.1");
else for (let worker = 0; worker < Number(workers); worker++) cluster.fork();

/** Renders a URL once for all that ask for it, and keeps the result. */
function coalesced(url: string, render: () => Promise<Buffer>): Promise<CachedBody> {
  const other = running.get(url);
  if (other) return other;
  const own = render()
    .then((body) => {
      const sent = new CachedBody(body);
      cachedBodies.set(url, sent);
      return sent;
    })
    .finally(() => running.delete(url));
  running.set(url, own);
  return own;
}

/** A body and the headers that go with it. */
class CachedBody {
  readonly body: Buffer;
  readonly etag: string;
  constructor(body: Buffer) {
    // A buffer of libvips' may be larger than what it holds.
    this.body = Buffer.from(body);
    this.etag = `"${createHash("sha1").update(body).digest("base64url")}"`;
  }
}

function send(request: IncomingMessage, response: ServerResponse, { body, etag }: CachedBody): void {
  const headers = { etag, "cache-control": "public, max-age=3600" };
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { "content-type": "image/webp", "content-length": body.length, ...headers });
  response.end(body);
}

/** As `video-ffmpeg` asks for it, but nothing is kept. */
function video(width: number, file: string) {
  return spawn(
    "ffmpeg",
    [
      ...["-nostdin", "-v", "error", "-i", file, "-vf", `scale=${width}:-2`],
      ...["-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-g", "100", "-threads:v", "4"],
      ...[
        "-c:a",
        "copy",
        "-movflags",
        "+frag_keyframe+delay_moov+default_base_moof",
        "-frag_duration",
        "1000000",
      ],
      ...["-f", "mp4", "pipe:1"],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
}

async function picture(wanted: string, width: number, path: string): Promise<Buffer> {
  const file = join(media, path);
  const work = works[wanted as Work];
  if (work) return (await work(file, media)).toBuffer();
  const image = sharp(wanted === "remote" ? await fetched(`${origin}/${path}`) : file, READ).resize(width);
  if (wanted === "jpg") image.jpeg({ quality: 80, optimiseCoding: true });
  if (wanted === "webp" || wanted === "kept" || wanted === "remote") image.webp({ quality: 80, effort: 2 });
  if (wanted === "avif") image.avif({ quality: 60, effort: 1, chromaSubsampling: "4:2:0" });
  return image.toBuffer();
}

/** A file of the web server, in one buffer. */
function fetched(url: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.once("error", reject).once("end", () => resolve(Buffer.concat(chunks)));
    }).once("error", reject);
  });
}
