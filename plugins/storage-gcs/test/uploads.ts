import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer, json as readJson } from "node:stream/consumers";
import { json } from "./accounts.ts";
import { type Bucket, refuse, resourceOf, type Said, store } from "./objects.ts";

interface Session {
  readonly bucket: Bucket;
  readonly name: string;
  readonly said: Said;
  /** Nothing may have the name when the upload ends. */
  readonly isNew: boolean;
  bytes: Buffer;
}

/** Chunks but the last come in multiples of this. */
const UNIT = 256 * 1024;

/** Resumable uploads, as "Resumable uploads" of Cloud Storage's documentation has them. */
export interface Uploads {
  /** Sessions that are neither finished nor given up. */
  readonly open: () => number;
  /** At most so many bytes of each request are kept. */
  keeps: number;
  start(request: IncomingMessage, response: ServerResponse, url: URL, bucket: Bucket): Promise<void>;
  /** Answers a request to a session's address. */
  go(request: IncomingMessage, response: ServerResponse, id: string): Promise<void>;
}

export function createUploads(): Uploads {
  const sessions = new Map<string, Session>();
  const uploads: Uploads = {
    open: () => sessions.size,
    keeps: Number.POSITIVE_INFINITY,
    async start(request, response, url, bucket) {
      const { name, ...said } = (await readJson(request)) as Said & { name: string };
      const id = randomUUID();
      const isNew = url.searchParams.get("ifGenerationMatch") === "0";
      sessions.set(id, { bucket, name, said, isNew, bytes: Buffer.alloc(0) });
      url.searchParams.set("upload_id", id);
      response.writeHead(200, { location: url.href, "content-length": 0 }).end();
    },
    async go(request, response, id) {
      const session = sessions.get(id);
      if (!session) return refuse(response, 404, "notFound", "No such upload");
      if (request.method === "DELETE") {
        sessions.delete(id);
        return void response.writeHead(499, { "content-length": 0 }).end();
      }
      const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(request.headers["content-range"] ?? "");
      if (!range) return refuse(response, 400, "badRequest", "Failed to parse Content-Range header.");
      const sent = await buffer(request);
      const total = range[3] === "*" ? undefined : Number(range[3]);
      const start = Number(range[1] ?? session.bytes.length);
      if (range[1] !== undefined && sent.length !== Number(range[2]) - start + 1) {
        return refuse(response, 400, "badRequest", "The length does not fit the range.");
      }
      if (start > session.bytes.length) return refuse(response, 503, "backendError", "A gap in the upload.");
      if (total === undefined && sent.length % UNIT !== 0) {
        return refuse(response, 400, "badRequest", "Expected a multiple of 256 KiB.");
      }
      const news = sent.subarray(session.bytes.length - start).subarray(0, uploads.keeps);
      session.bytes = Buffer.concat([session.bytes, news]);
      if (session.bytes.length === total) {
        sessions.delete(id);
        const { bucket, name, bytes, said, isNew } = session;
        if (isNew && bucket.objects.has(name)) {
          return refuse(response, 412, "conditionNotMet", "At least one of the pre-conditions did not hold.");
        }
        return json(response, 200, resourceOf(bucket, store(bucket, name, bytes, said)));
      }
      const kept = session.bytes.length === 0 ? {} : { range: `bytes=0-${session.bytes.length - 1}` };
      response.writeHead(308, { ...kept, "content-length": 0 }).end();
    },
  };
  return uploads;
}
