import type { MediatapConfig, Plugin } from "@mediatap/core";
import { storageFs } from "@mediatap/storage-fs";
import { storageS3 } from "@mediatap/storage-s3";
import { type CacheHost, type HostOptions, hostCache, makeFolder, type S3Service } from "@mediatap/test";
import { pino } from "pino";
import { type CacheStorageOptions, cacheStorage } from "../src/index.ts";

/** A lookup that a busy machine is slow with is no miss to these tests. */
export const TIMEOUT_MS = 30_000;

/** Where renditions are kept, and the plugin that serves it. */
export interface Place {
  readonly origins: NonNullable<MediatapConfig["origins"]>;
  readonly plugins: readonly Plugin[];
  close(): Promise<void>;
}

export async function folderPlace(): Promise<Place & { readonly path: string }> {
  const folder = await makeFolder();
  return {
    path: folder.path,
    origins: { renditions: { type: "FOLDER", path: folder.path } },
    plugins: [storageFs()],
    close: folder.close,
  };
}

/** A bucket of a service. */
export function bucketPlace({ endpoint, accessKey, secretKey }: S3Service, bucket: string): Place {
  const type = "S3_COMPATIBLE";
  return {
    origins: { renditions: { type, endpoint, bucket, accessKey, secretKey, s3ForcePathStyle: true } },
    plugins: [storageS3()],
    close: async () => {},
  };
}

/** Caches that are closed together, each as in a process of its own. */
export function makeHosts() {
  const hosts: CacheHost[] = [];
  return {
    async open(place: Place, options: Partial<CacheStorageOptions> = {}, host: HostOptions = {}) {
      const { origins, plugins } = place;
      const opened = await hostCache(
        cacheStorage({ origin: "renditions", timeout: TIMEOUT_MS, ...options }),
        {
          origins,
          plugins,
          ...host,
        },
      );
      hosts.push(opened);
      return opened;
    },
    async close() {
      await Promise.all(hosts.splice(0).map((host) => host.close()));
    },
  };
}

/** A log that keeps its lines. */
export function recorder() {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { lines, log: log as never };
}
