import { spawn } from "node:child_process";
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
  if (wanted === "video") {
    response.writeHead(200, { "content-type": "video/mp4" });
    video(Number(width), join(media, ...path)).stdout.pipe(response);
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

async function picture(wanted: string, width: number, file: string): Promise<Buffer> {
  const work = works[wanted as Work];
  if (work) return (await work(file, media)).toBuffer();
  const image = sharp(file, READ).resize(width);
  if (wanted === "jpg") image.jpeg({ quality: 80, optimiseCoding: true });
  if (wanted === "webp") image.webp({ quality: 80, effort: 2 });
  if (wanted === "avif") image.avif({ quality: 60, effort: 1, chromaSubsampling: "4:2:0" });
  return image.toBuffer();
}
