import { MediaError } from "@mediatap/core";
import {
  canonicalOf,
  type Fetcher,
  type HttpFile,
  keyOf,
  listObjects,
  type Storage,
} from "@mediatap/core/storage";
import { createBucket, type Settings } from "./bucket.ts";
import { assertWorks, explained } from "./check.ts";
import { errorCode } from "./dialect.ts";
import { isMissing, withFailures } from "./failures.ts";
import type { Fields } from "./fields.ts";
import { PART_BYTES, upload } from "./upload.ts";

/** A name that no object has: "not there" is the answer of a bucket that can be read and listed. */
const NOBODY = "mediatap-doctor/no-such-file";

/** Requests that remove the objects of a folder at a time. */
const CONCURRENT_REMOVALS = 16;

/**
 * The storage of a bucket. Objects are read by the core's HTTP file reader, as files of every HTTP origin are; the SDK
 * signs, writes, removes and lists.
 */
export function createStorage(
  fields: Fields,
  fetcher: Fetcher,
  settings: Settings,
  /** Bytes of an upload's part; shorter files are sent whole. */
  partBytes = PART_BYTES,
): Storage {
  const { files, objectOf, sdk } = createBucket(fields, fetcher, settings);
  const { prefix } = fields;

  async function removeKey(key: string): Promise<void> {
    const { commands, client, common } = await sdk();
    const removed = client
      .send(new commands.DeleteObjectCommand({ ...common, Key: key }))
      .catch((error: unknown) => {
        // S3 itself does not report a key that is missing, other services do.
        if (!isMissing(error)) throw error;
      });
    await withFailures(removed);
  }

  /** The keys that begin with a text. */
  async function* pagesOf(start: string): AsyncGenerator<string[]> {
    const { commands, client, common } = await sdk();
    let ContinuationToken: string | undefined;
    do {
      const input = { ...common, Prefix: start, ContinuationToken };
      const page = await withFailures(client.send(new commands.ListObjectsV2Command(input)));
      yield (page.Contents ?? []).map(({ Key = "" }) => Key);
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  return {
    label: `bucket ${fields.bucket}`,
    keepsPrivate: true,

    async open(path, options) {
      const key = keyOf(prefix, path);
      if (key === undefined) return undefined;
      const file: HttpFile = {
        ...objectOf(key),
        path,
        // The second one: Google Cloud Storage by its S3 API.
        privateHeaders: ["x-amz-meta-isprivatefile", "x-goog-meta-isprivatefile"],
        noPlace: (headers) => errorCode(headers) === "NoSuchBucket",
        // The entity tag is a hash of the bytes, and metadata is not sent with a 304.
        hasBareNotModified: true,
        ...canonicalOf(fields, path),
      };
      return files.open(file, options);
    },

    async check(signal) {
      const request = files.send(objectOf(prefix + NOBODY), { signal }, files.deadlineOf(NOBODY));
      const response = await request.catch((error: unknown) => {
        throw explained(error, fields);
      });
      response.cancel();
      assertWorks(response, fields);
    },

    async write(path, body, metadata) {
      const key = keyOf(prefix, path);
      if (key === undefined) throw new MediaError("EINVAL", "Expected a path that can be an object's key");
      await upload(await sdk(), key, body, metadata, partBytes);
    },

    async remove(path) {
      const key = keyOf(prefix, path);
      if (key !== undefined) await removeKey(key);
    },

    async createFolder(path) {
      if (keyOf(prefix, `${path}/x`) === undefined) {
        throw new MediaError("EINVAL", "Expected a path that can be the beginning of a key");
      }
      // As consoles of S3 make folders.
      await upload(await sdk(), `${prefix}${path}/`, new Uint8Array(), {}, partBytes);
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
        const { commands, client, common } = await sdk();
        const input = { ...common, Prefix: above, Delimiter: "/", MaxKeys: limit, ContinuationToken: cursor };
        const page = await withFailures(
          client.send(new commands.ListObjectsV2Command(input), { abortSignal: signal }),
        );
        const files = (page.Contents ?? []).map(({ Key = "", Size, LastModified }) => ({
          key: Key,
          size: Size,
          lastModified: LastModified?.getTime(),
        }));
        const folders = (page.CommonPrefixes ?? []).map(({ Prefix = "" }) => Prefix);
        return { folders, files, next: page.IsTruncated ? page.NextContinuationToken : undefined };
      };
      return listObjects(list, prefix, folder, options);
    },
  };
}
