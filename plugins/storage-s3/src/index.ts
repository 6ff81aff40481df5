import { type OriginConfig, type Plugin, parseOptions, type Storage } from "@mediatap/core";
import { z } from "zod";
import { createBucket } from "./bucket.ts";
import { cloudinaryBackup, type Place, s3, s3Compatible } from "./fields.ts";
import { createStorage } from "./storage.ts";

const NAME = "storage-s3";
const VERSION = "0.1.0";

export interface StorageS3Options {
  /** How often a request is repeated that was answered with 500, 502, 503 or 504. @default 2 */
  readonly retries?: number | undefined;
  /** Milliseconds that an origin has for one file, waiting and retries included. @default 30000 */
  readonly timeout?: number | undefined;
  /** The same for files with a video's extension, and for writing. @default 300000 */
  readonly videoTimeout?: number | undefined;
}

const schema = z.strictObject({
  retries: z.int().min(0).max(10).default(2),
  timeout: z.int().positive().default(30_000),
  videoTimeout: z.int().positive().default(300_000),
});

/**
 * Originals from S3 and what speaks its protocol: origins of the types `S3`, `S3_COMPATIBLE` and `CLOUDINARY_BACKUP`.
 * The SDK is loaded, and credentials are looked for, with the first request.
 */
export function storageS3(options: StorageS3Options = {}): Plugin {
  const settings = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: VERSION,
    apply({ hooks, limits, requestFrom }) {
      const closers: (() => void)[] = [];
      const open = (place: Place): Storage => {
        const bucket = createBucket(place, { limits, settings, requestFrom });
        closers.push(bucket.close);
        return createStorage(bucket, place, { limits, settings });
      };
      for (const [type, fields] of [
        ["S3", s3],
        ["S3_COMPATIBLE", s3Compatible],
        ["CLOUDINARY_BACKUP", cloudinaryBackup],
      ] as const) {
        hooks.storage
          .for(type)
          .tap(NAME, (origin: OriginConfig) =>
            open(parseOptions(fields, origin.options, `origins.${origin.name}`)),
          );
      }
      hooks.stop.tap(NAME, () => {
        for (const close of closers) close();
      });
    },
  };
}

export default storageS3;

export type { CloudinaryBackupOptions, S3CompatibleOptions, S3Options } from "./fields.ts";
