import type { Readable } from "node:stream";
import { type EntryFacts, type Limits, MediaError, type Storage } from "@mediatap/core";
import type { Bucket, Settings } from "./bucket.ts";
import { failureOf } from "./failures.ts";
import { isPlainPath, type Place } from "./fields.ts";
import { openObject } from "./open.ts";

/** Longest key, in bytes of UTF-8 (Amazon S3 User Guide, "Naming Amazon S3 objects"). */
const KEY_BYTES = 1024;
/** Bytes of an upload that are held at a time; the least that S3 takes for a part is 5 MiB. */
const PART_BYTES = 8 * 1024 * 1024;

interface StorageOptions {
  readonly limits: Limits;
  readonly settings: Settings;
}

/** The objects of a place as a storage. */
export function createStorage(bucket: Bucket, place: Place, { limits, settings }: StorageOptions): Storage {
  const { canonical } = place;
  const root = place.prefix === "" ? "" : `${place.prefix}/`;

  /** The key of a path; `undefined`: no object can have it. */
  function keyOf(path: string): string | undefined {
    if (!isPlainPath(path)) return undefined;
    const key = root + path;
    return Buffer.byteLength(key) <= KEY_BYTES ? key : undefined;
  }

  return {
    label: root === "" ? place.bucket : `${place.bucket}/${place.prefix}`,

    async open(path, options) {
      options.signal.throwIfAborted();
      const key = keyOf(path);
      if (key === undefined) return undefined;
      const entry = await openObject({ bucket, key, path, options, limits, settings });
      if (canonical === undefined || typeof entry !== "object") return entry;
      const address = path.split("/").map(encodeURIComponent).join("/");
      return { ...entry, canonical: `${canonical.replace(/\/+$/, "")}/${address}` };
    },

    async write(path, body, facts) {
      const key = keyOf(path);
      if (key === undefined) throw new MediaError("UNIDENTIFIED", "The path cannot be written");
      const [{ client }, { Upload }] = await Promise.all([bucket.client(), import("@aws-sdk/lib-storage")]);
      const upload = new Upload({
        client,
        params: { Bucket: place.bucket, Key: key, Body: body, ...headersOf(facts) },
        partSize: PART_BYTES,
        queueSize: 1,
      });
      // Upload does not hear of a body that fails between two reads.
      const fail = () => void upload.abort();
      const stream = body instanceof Uint8Array ? undefined : (body as Readable).once("error", fail);
      await answered(upload.done()).finally(() => stream?.off("error", fail));
    },

    async remove(path) {
      const key = keyOf(path);
      if (key === undefined) return;
      const { sdk, client } = await bucket.client();
      await answered(client.send(new sdk.DeleteObjectCommand({ Bucket: place.bucket, Key: key })));
    },

    async *list(prefix) {
      const { sdk, client } = await bucket.client();
      let ContinuationToken: string | undefined;
      do {
        const input = { Bucket: place.bucket, Prefix: root + prefix, ContinuationToken };
        const page = await answered(client.send(new sdk.ListObjectsV2Command(input)));
        for (const { Key = "" } of page.Contents ?? []) {
          const path = Key.slice(root.length);
          if (keyOf(path) !== undefined) yield path;
        }
        ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (ContinuationToken !== undefined);
    },
  };
}

/** Facts as S3 keeps them beside an object. */
function headersOf({ type, cacheControl, private: isPrivate }: EntryFacts) {
  return {
    ...(type !== undefined && { ContentType: type }),
    ...(cacheControl !== undefined && { CacheControl: cacheControl }),
    ...(isPrivate && { Metadata: { isprivatefile: "true" } }),
  };
}

/** The answer; failures as MediaErrors. */
async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    const failure = failureOf(cause);
    throw "error" in failure
      ? failure.error
      : new MediaError("UNIDENTIFIED", "The origin gave an invalid answer", { cause });
  }
}
