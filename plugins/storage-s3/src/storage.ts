import { canonicalOf, isEntryName, keyOf, type Limits, MediaError, type Storage } from "@mediatap/core";
import type { Bucket, Settings } from "./bucket.ts";
import { assertWorks } from "./check.ts";
import { failureOf } from "./failures.ts";
import type { Place } from "./fields.ts";
import { openObject } from "./open.ts";
import { answered, PART_BYTES, upload } from "./upload.ts";

interface StorageOptions {
  readonly limits: Limits;
  readonly settings: Settings;
  /** Bytes of an upload's part; shorter files are sent whole. @default 8 MiB */
  readonly partBytes?: number;
}

/** The objects of a place as a storage. */
export function createStorage(bucket: Bucket, place: Place, options: StorageOptions): Storage {
  const { limits, settings, partBytes = PART_BYTES } = options;
  const { prefix } = place;

  return {
    label: `bucket ${place.bucket}`,

    async open(path, options) {
      options.signal.throwIfAborted();
      const key = keyOf(prefix, path);
      if (key === undefined) return undefined;
      const entry = await openObject({ bucket, key, path, options, limits, settings });
      return typeof entry === "object" ? { ...entry, ...canonicalOf(place, path) } : entry;
    },

    check: (signal) => assertWorks(bucket, place, { signal, deadline: performance.now() + settings.timeout }),

    async write(path, body, facts) {
      const key = keyOf(prefix, path);
      if (key === undefined) throw new MediaError("EINVAL", "Expected a path that can be an object's key");
      const { own, ...by } = await bucket.client();
      await upload({ ...by, at: { ...own, Key: key }, body, facts, partBytes });
    },

    async remove(path) {
      const key = keyOf(prefix, path);
      if (key === undefined) return;
      const { sdk, client, own } = await bucket.client();
      const gone = client.send(new sdk.DeleteObjectCommand({ ...own, Key: key })).catch((error: unknown) => {
        // S3 itself says nothing about a key that is missing, others do.
        if (failureOf(error).kind !== "absent") throw error;
      });
      await answered(gone);
    },

    async *list(below) {
      const { sdk, client, own } = await bucket.client();
      let ContinuationToken: string | undefined;
      do {
        const input = { ...own, Prefix: prefix + below, ContinuationToken };
        const page = await answered(client.send(new sdk.ListObjectsV2Command(input)));
        for (const { Key = "" } of page.Contents ?? []) {
          const path = Key.slice(prefix.length);
          if (keyOf(prefix, path) !== undefined) yield path;
        }
        ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (ContinuationToken !== undefined);
    },

    async listFolder(folder, { limit = 100, cursor, signal }) {
      signal.throwIfAborted();
      const Prefix = prefix + (folder === "" ? "" : `${folder}/`);
      if (keyOf("", `${Prefix}x`) === undefined) return { entries: [] };
      const { sdk, client, own } = await bucket.client();
      const input = { ...own, Prefix, Delimiter: "/", MaxKeys: limit, ContinuationToken: cursor };
      const page = await answered(
        client.send(new sdk.ListObjectsV2Command(input), { abortSignal: signal }),
      ).catch((error: unknown) => {
        signal.throwIfAborted();
        throw error;
      });
      const folders = (page.CommonPrefixes ?? []).map(({ Prefix: key = "" }) => ({
        name: key.slice(Prefix.length, -1),
        kind: "folder" as const,
      }));
      const files = (page.Contents ?? []).map(({ Key = "", Size, LastModified }) => ({
        name: Key.slice(Prefix.length),
        kind: "file" as const,
        ...(Size !== undefined && { size: Size }),
        ...(LastModified && { lastModified: LastModified.getTime() }),
      }));
      return {
        entries: [...folders, ...files].filter(({ name }) => isEntryName(name)),
        ...(page.IsTruncated && page.NextContinuationToken && { next: page.NextContinuationToken }),
      };
    },
  };
}
