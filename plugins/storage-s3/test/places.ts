import assert from "node:assert/strict";
import { buffer } from "node:stream/consumers";
import { BucketAlreadyOwnedByYou, CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { DEFAULT_LIMITS, type Limits, parseOptions } from "@mediatap/core";
import {
  createFetcher,
  type FetcherOptions,
  type FileMetadata,
  NOT_MODIFIED,
  type OpenOptions,
  type Storage,
  type StorageEntry,
} from "@mediatap/core/storage";
import type { S3Service } from "@mediatap/test";
import type { Settings } from "../src/bucket.ts";
import { s3, s3Compatible } from "../src/fields.ts";
import { createStorage } from "../src/storage.ts";

/** The plugin's defaults. */
export const SETTINGS: Settings = { retries: 2, timeout: 30_000, videoTimeout: 300_000 };

type Resolve = NonNullable<FetcherOptions["resolve"]>;

/** Every name is this machine's. */
export const resolveHere: Resolve = async () => [{ address: "127.0.0.1", family: 4 }];

export interface TestPlace {
  readonly storage: Storage;
  /** The service's own client: what tests prepare goes past the storage. */
  readonly client: S3Client;
  readonly bucket: string;
  put(path: string, bytes: Uint8Array | string, metadata?: FileMetadata): Promise<void>;
  close(): void;
}

export interface PlaceOptions {
  /** @default "S3_COMPATIBLE" */
  readonly type?: "S3";
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly limits?: Partial<Limits>;
  readonly settings?: Partial<Settings>;
  readonly resolve?: Resolve;
  readonly partBytes?: number;
}

export type Keyed = Pick<S3Service, "endpoint" | "accessKey" | "secretKey">;

/** The storage of an origin; fields that are `undefined` are left out. */
export function storageOf(
  service: Keyed,
  { type, fields, limits, settings, resolve, partBytes }: PlaceOptions = {},
): { storage: Storage; close: () => void } {
  const { endpoint, accessKey, secretKey } = service;
  const all = { bucket: "photos", endpoint, accessKey, secretKey, s3ForcePathStyle: true, ...fields };
  const location = parseOptions(type === "S3" ? s3 : s3Compatible, all, "origins.photos");
  const fetcher = createFetcher({
    limits: { ...DEFAULT_LIMITS, ...limits },
    requestFrom: "test",
    ...(resolve && { resolve }),
  });
  const storage = createStorage(location, fetcher, { ...SETTINGS, ...settings }, partBytes);
  return { storage, close: () => void fetcher.close() };
}

/** The bytes of a file. */
export async function read(
  storage: Storage,
  path: string,
  options: Partial<OpenOptions> = {},
): Promise<Buffer> {
  const entry = await entryOf(storage, path, options);
  try {
    return await buffer(await entry.body());
  } finally {
    await entry.close?.();
  }
}

/** A file that must be there; the caller closes it. */
export async function entryOf(
  storage: Storage,
  path: string,
  options: Partial<OpenOptions> = {},
): Promise<StorageEntry> {
  const entry = await storage.open(path, { signal: new AbortController().signal, ...options });
  assert(entry !== undefined && entry !== NOT_MODIFIED, `${path} is found`);
  return entry;
}

/** A bucket that exists, its storage, and a way to fill it. */
export async function openPlace(service: S3Service, options: PlaceOptions = {}): Promise<TestPlace> {
  const { bucket = "photos", prefix = "" } = (options.fields ?? {}) as { bucket?: string; prefix?: string };
  const client = new S3Client({
    endpoint: service.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: service.accessKey, secretAccessKey: service.secretKey },
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
    if (!(error instanceof BucketAlreadyOwnedByYou)) throw error;
  });
  const { storage, close } = storageOf(service, options);
  const root = prefix === "" ? "" : `${prefix}/`;
  return {
    storage,
    client,
    bucket,
    async put(path, bytes, { type, cacheControl, private: isPrivate } = {}) {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: root + path,
          Body: Buffer.from(bytes),
          ...(type && { ContentType: type }),
          ...(cacheControl && { CacheControl: cacheControl }),
          ...(isPrivate && { Metadata: { isprivatefile: "true" } }),
        }),
      );
    },
    close() {
      close();
      client.destroy();
    },
  };
}
