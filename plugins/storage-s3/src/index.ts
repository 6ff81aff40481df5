import { type Plugin, parseOptions } from "@mediatap/core";
import { type HttpFilesOptions, httpFilesOptions, type OriginConfig } from "@mediatap/core/storage";
import { cloudinaryBackup, s3, s3Compatible } from "./fields.ts";
import { createStorage } from "./storage.ts";

const NAME = "storage-s3";
const VERSION = "0.1.0";

/** Retries and time limits; see {@link HttpFilesOptions}. Each request of an upload has `videoTimeout`. */
export type StorageS3Options = HttpFilesOptions;

/**
 * Originals from S3 and what speaks its protocol: origins of the types `S3`, `S3_COMPATIBLE` and `CLOUDINARY_BACKUP`.
 * The SDK is loaded, and credentials are searched for, with the first request.
 */
export function storageS3(options: StorageS3Options = {}): Plugin {
  const settings = parseOptions(httpFilesOptions, options, NAME);
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fetcher }) {
      for (const [type, fields] of [
        ["S3", s3],
        ["S3_COMPATIBLE", s3Compatible],
        ["CLOUDINARY_BACKUP", cloudinaryBackup],
      ] as const) {
        hooks.storage.for(type).tap(NAME, ({ name, options }: OriginConfig) => {
          return createStorage(parseOptions(fields, options, `origins.${name}`), fetcher, settings);
        });
      }
    },
  };
}

export default storageS3;

export type { CloudinaryBackupOptions, S3CompatibleOptions, S3Options } from "./fields.ts";
