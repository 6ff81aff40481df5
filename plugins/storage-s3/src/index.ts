import {
  type HttpFilesOptions,
  type OriginConfig,
  type Plugin,
  parseOptions,
  type Storage,
} from "@mediatap/core";
import { z } from "zod";
import { createBucket } from "./bucket.ts";
import { cloudinaryBackup, type Place, s3, s3Compatible } from "./fields.ts";
import { createStorage } from "./storage.ts";

const NAME = "storage-s3";
const VERSION = "0.1.0";

/** Retries and time limits; see {@link HttpFilesOptions}. A part of an upload has `videoTimeout`, too. */
export type StorageS3Options = HttpFilesOptions;

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
    apiVersion: 1,
    apply({ hooks, limitsOf, requestFrom }) {
      const limits = limitsOf();
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
