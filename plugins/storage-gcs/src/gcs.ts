import type { Readable } from "node:stream";
import { codeOf, MediaError } from "@mediatap/core";
import {
  assertAnswered,
  canonicalOf,
  createHttpFiles,
  type Fetcher,
  type FetchResponse,
  type HttpFile,
  type HttpFilesOptions,
  type HttpRequest,
  type HttpTarget,
  keyOf,
  listObjects,
  nameTaken,
  type OriginConfig,
  type Storage,
  type WriteMetadata,
} from "@mediatap/core/storage";
import { z } from "zod";
import { createAccess } from "./access.ts";
import { saysNoBucket, speakGcs } from "./dialect.ts";
import { fieldsOf } from "./fields.ts";
import { isOfBucket, jsonOf } from "./responses.ts";
import { resourceOf, upload } from "./upload.ts";

/** Requests that remove the objects of a folder at a time. */
const CONCURRENT_REMOVALS = 16;

const page = z.object({
  items: z
    .array(
      z.object({
        name: z.string(),
        size: z.string().optional(),
        updated: z.string().optional(),
        metadata: z.record(z.string(), z.string()).optional(),
      }),
    )
    .default([]),
  prefixes: z.array(z.string()).default([]),
  nextPageToken: z.string().optional(),
});

/** The storage of a `GCS` origin. Throws `ECONFIG`. */
export function createGcs(origin: OriginConfig, fetcher: Fetcher, settings: HttpFilesOptions): Storage {
  const fields = fieldsOf(origin);
  const { bucket, prefix, endpoint } = fields;
  const access = createAccess(fields, fetcher, settings.timeout);
  const files = createHttpFiles(speakGcs(fetcher), settings);
  const { send: sendTo, deadlineOf } = createHttpFiles(fetcher, settings);
  const objects = `/storage/v1/b/${encodeURIComponent(bucket)}/o`;

  function targetOf(url: string): HttpTarget {
    return {
      async address(refusal) {
        const headers = await access(refusal !== undefined);
        return headers && { url, headers, trusted: endpoint };
      },
    };
  }

  const urlOf = (key: string) => `${endpoint}${objects}/${encodeURIComponent(key)}`;

  /** Any request but a read. Throws for all that is no answer, and `EACCES` where the bucket is missing. */
  async function send(
    url: string,
    request: Omit<HttpRequest, "signal">,
    signal = new AbortController().signal,
  ) {
    const response = await sendTo(targetOf(url), { ...request, signal }, deadlineOf(""));
    try {
      // Only new objects have a condition.
      if (response.status === 412) throw nameTaken();
      if (response.status >= 400) assertAnswered(response);
      // Only a removal asks for an object.
      if (response.status === 404 && (request.method !== "DELETE" || (await isOfBucket(response)))) {
        throw noBucket();
      }
      return response;
    } catch (error) {
      response.cancel();
      throw error;
    }
  }

  async function pageOf(query: Record<string, string>, signal?: AbortSignal) {
    const wanted = new URLSearchParams({ fields: "items/name,nextPageToken", ...query });
    const response = await send(`${endpoint}${objects}?${wanted}`, {}, signal);
    return jsonOf(response, page).finally(response.cancel);
  }

  /** The names that begin with a text. */
  async function* pagesOf(start: string): AsyncGenerator<string[]> {
    let token: string | undefined;
    do {
      const query = { prefix: start, ...(token !== undefined && { pageToken: token }) };
      const { items, nextPageToken } = await pageOf(query);
      yield items.map(({ name }) => name);
      token = nextPageToken;
    } while (token !== undefined);
  }

  async function writeKey(
    key: string,
    body: Readable | Uint8Array,
    { isNew, ...metadata }: WriteMetadata,
  ): Promise<void> {
    const query = { uploadType: "resumable", ...(isNew && { ifGenerationMatch: "0" }) };
    const response = await send(`${endpoint}/upload${objects}?${new URLSearchParams(query)}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(resourceOf(key, metadata)),
    });
    response.cancel();
    await upload(sessionOf(response), body, send);
  }

  async function removeKey(key: string): Promise<void> {
    const { cancel } = await send(urlOf(key), { method: "DELETE" });
    cancel();
  }

  return {
    label: `bucket ${bucket}`,
    keepsPrivate: true,

    async open(path, options) {
      const key = keyOf(prefix, path);
      if (key === undefined) return undefined;
      const file: HttpFile = {
        ...targetOf(urlOf(key)),
        path,
        privateHeaders: ["x-goog-meta-isprivatefile"],
        noPlace: saysNoBucket,
        ...canonicalOf(fields, path),
      };
      return files.open(file, options);
    },

    async check(signal) {
      await pageOf({ prefix, maxResults: "1" }, signal).catch((error: unknown) => {
        if (codeOf(error) !== "EACCES") throw error;
        const needed = "the account needs the role Storage Object Viewer, which lets it list, too";
        throw new MediaError("EACCES", `bucket ${bucket} cannot be used; ${needed}`, { cause: error });
      });
    },

    async write(path, body, metadata) {
      const key = keyOf(prefix, path);
      if (key === undefined)
        throw new MediaError("EINVAL", "Expected a path that can be the name of an object");
      await writeKey(key, body, metadata);
    },

    async remove(path) {
      const key = keyOf(prefix, path);
      if (key !== undefined) await removeKey(key);
    },

    async createFolder(path) {
      if (keyOf(prefix, `${path}/x`) === undefined) {
        throw new MediaError("EINVAL", "Expected a path that can be the beginning of an object's name");
      }
      // As Google's console makes folders.
      await writeKey(`${prefix}${path}/`, new Uint8Array(), {});
    },

    async removeFolder(path) {
      if (keyOf(prefix, `${path}/x`) === undefined) return;
      for await (const keys of pagesOf(`${prefix}${path}/`)) {
        for (let at = 0; at < keys.length; at += CONCURRENT_REMOVALS) {
          await Promise.all(keys.slice(at, at + CONCURRENT_REMOVALS).map(removeKey));
        }
      }
    },

    async *list(below) {
      for await (const keys of pagesOf(prefix + below)) {
        for (const key of keys) {
          const path = key.slice(prefix.length);
          if (keyOf(prefix, path) !== undefined) yield path;
        }
      }
    },

    listFolder(folder, options) {
      const { limit = 100, cursor, signal } = options;
      const list = async (above: string) => {
        const query = {
          prefix: above,
          delimiter: "/",
          maxResults: String(limit),
          fields: "items(name,size,updated,metadata/isprivatefile),prefixes,nextPageToken",
          ...(cursor !== undefined && { pageToken: cursor }),
        };
        const { items, prefixes, nextPageToken } = await pageOf(query, signal);
        const files = items.map(({ name, size, updated, metadata }) => ({
          key: name,
          size: size === undefined ? undefined : Number(size),
          lastModified: updated === undefined ? undefined : Date.parse(updated),
          private: isPrivateMark(metadata?.isprivatefile),
        }));
        return { folders: prefixes, files, next: nextPageToken };
      };
      return listObjects(list, prefix, folder, options);
    },
  };
}

function isPrivateMark(text = ""): boolean {
  return text.trim().toLowerCase() === "true";
}

/** Where the bytes of an upload go to. */
function sessionOf({ status, headers }: FetchResponse): string {
  if (status !== 200 || headers.location === undefined)
    throw new MediaError("UNIDENTIFIED", "The origin sent an invalid response");
  return headers.location;
}

function noBucket(): MediaError {
  return new MediaError("EACCES", "The origin's folder or bucket does not exist");
}
