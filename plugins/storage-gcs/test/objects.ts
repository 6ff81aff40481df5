import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gunzipSync } from "node:zlib";
import { json } from "./accounts.ts";

/** What is said of an object besides its bytes. */
export interface Said {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly cacheControl?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface StoredObject extends Said {
  readonly name: string;
  readonly bytes: Buffer;
  readonly generation: number;
  readonly metageneration: number;
  readonly updated: Date;
}

export interface Bucket {
  readonly name: string;
  readonly objects: Map<string, StoredObject>;
  /** Objects in one page of a list. */
  page: number;
}

let generations = 1_777_369_647_609_324;

export function store(bucket: Bucket, name: string, bytes: Uint8Array, said: Said): StoredObject {
  const made = {
    ...said,
    name,
    bytes: Buffer.from(bytes),
    generation: ++generations,
    metageneration: 1,
    updated: new Date(),
  };
  bucket.objects.set(name, made);
  return made;
}

/** Google's entity tags come without quotes. */
function tagOf({ generation, metageneration }: StoredObject): string {
  return Buffer.from(`${generation}/${metageneration}`).toString("base64");
}

export function resourceOf(bucket: Bucket, object: StoredObject): Record<string, unknown> {
  const { bytes, generation, metageneration, updated, ...said } = object;
  return {
    kind: "storage#object",
    bucket: bucket.name,
    ...said,
    generation: String(generation),
    metageneration: String(metageneration),
    size: String(bytes.length),
    etag: tagOf(object),
    md5Hash: createHash("md5").update(bytes).digest("base64"),
    updated: updated.toISOString(),
  };
}

/** The error of the JSON API; of a download, as text. */
export function refuse(response: ServerResponse, code: number, reason: string, message: string): void {
  json(response, code, { error: { code, message, errors: [{ message, domain: "global", reason }] } });
}

/** Answers `objects.get`: the resource, or with `alt=media` the bytes. */
export function get(
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
  bucket: Bucket,
  name: string,
): void {
  const object = bucket.objects.get(name);
  if (!object) {
    const message = `No such object: ${bucket.name}/${name}`;
    if (query.get("alt") !== "media") return void refuse(response, 404, "notFound", message);
    return void response.writeHead(404, { "content-type": "text/html; charset=UTF-8" }).end(message);
  }
  const tag = tagOf(object);
  const { "if-match": wanted, "if-none-match": held } = request.headers;
  const generation = String(object.generation);
  const isWanted = (wanted ?? tag) === tag && (query.get("ifGenerationMatch") ?? generation) === generation;
  if (!isWanted) return void refuse(response, 412, "conditionNotMet", "Precondition Failed");
  if (held === tag || query.get("ifGenerationNotMatch") === generation) {
    return void response.writeHead(304, { etag: tag }).end();
  }
  if (query.get("alt") === "media") return void media(request, response, object, tag);
  const fields = query.get("fields")?.split(",");
  const all = Object.entries(resourceOf(bucket, object));
  json(response, 200, Object.fromEntries(all.filter(([field]) => fields?.includes(field) ?? true)));
}

function media(request: IncomingMessage, response: ServerResponse, object: StoredObject, tag: string): void {
  const { contentType, contentEncoding, cacheControl, metadata = {}, generation, metageneration } = object;
  const headers: Record<string, string> = {
    "content-type": contentType ?? "application/octet-stream",
    "cache-control": cacheControl ?? "no-cache, no-store, max-age=0, must-revalidate",
    etag: tag,
    "last-modified": object.updated.toUTCString(),
    "x-goog-generation": String(generation),
    "x-goog-metageneration": String(metageneration),
    "x-goog-stored-content-length": String(object.bytes.length),
    "x-goog-stored-content-encoding": contentEncoding ?? "identity",
    ...Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`x-goog-meta-${key}`, value])),
  };
  if (contentEncoding === "gzip") {
    // Decoded for who does not ask for gzip; then ranges do not count.
    response.writeHead(200, headers).end(gunzipSync(object.bytes));
    return;
  }
  const { bytes } = object;
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  if (!range) return void response.writeHead(200, { ...headers, "content-length": bytes.length }).end(bytes);
  const start = Number(range[1]);
  const end = Math.min(Number(range[2]), bytes.length - 1);
  if (start > end) {
    return void response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
  }
  response.writeHead(206, {
    ...headers,
    "content-length": end - start + 1,
    "content-range": `bytes ${start}-${end}/${bytes.length}`,
  });
  response.end(bytes.subarray(start, end + 1));
}

/** Answers `objects.list`: objects, and with a delimiter what their names begin with up to it. */
export function list(response: ServerResponse, query: URLSearchParams, bucket: Bucket): void {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const after = Buffer.from(query.get("pageToken") ?? "", "base64").toString();
  const upTo = (name: string) => {
    const end = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length);
    return end < 0 ? name : name.slice(0, end + delimiter.length);
  };
  const all = [...bucket.objects.keys()].filter((name) => name.startsWith(prefix));
  const names = [...new Set(all.map(upTo))].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const rest = names.slice(after === "" ? 0 : names.indexOf(after) + 1);
  const page = rest.slice(0, Math.min(bucket.page, Number(query.get("maxResults") ?? bucket.page)));
  const isPrefix = (name: string) => name !== prefix && delimiter !== "" && name.endsWith(delimiter);
  const objects = page.flatMap((name) => (isPrefix(name) ? [] : (bucket.objects.get(name) ?? [])));
  const prefixes = page.filter(isPrefix);
  json(response, 200, {
    ...(objects.length > 0 && { items: objects.map((object) => resourceOf(bucket, object)) }),
    ...(prefixes.length > 0 && { prefixes }),
    ...(page.length < rest.length && { nextPageToken: Buffer.from(page.at(-1) ?? "").toString("base64") }),
  });
}
