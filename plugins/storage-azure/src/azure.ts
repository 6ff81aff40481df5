import type { BlobItem } from "@azure/storage-blob";
import { MediaError } from "@mediatap/core";
import {
  canonicalOf,
  createHttpFiles,
  type Fetcher,
  type HttpTarget,
  listObjects,
  type OriginConfig,
  type Storage,
} from "@mediatap/core/storage";
import { createAccess } from "./access.ts";
import { assertWorks, errorCode } from "./check.ts";
import { failureOf } from "./failures.ts";
import { blobName, fieldsOf } from "./fields.ts";
import type { StorageAzureOptions } from "./options.ts";
import { runRequest, upload } from "./upload.ts";

/** Metadata of the blob of a folder, whose name ends in a slash. */
const FOLDER = { hdi_isfolder: "true" };
/** Requests that remove the blobs of a folder at a time. */
const CONCURRENT_REMOVALS = 16;
/** A name that nobody has. */
const NOBODY = "mediatap-doctor-no-such-file";
/** Milliseconds that a page of a list may take. */
const LIST_TIMEOUT_MS = 60_000;

/**
 * The storage of an `AZURE_BLOB` origin. Blobs are read by the core's fetcher, as files of every HTTP origin are;
 * Azure's client signs, writes, removes and lists. Throws `ECONFIG`.
 */
export function createAzure(origin: OriginConfig, fetcher: Fetcher, settings: StorageAzureOptions): Storage {
  const fields = fieldsOf(origin);
  const { prefix } = fields;
  const where = `origins.${origin.name}`;
  const { timeout, credential } = settings;
  const access = createAccess(fields, { where, fetcher, timeout, credential });
  const files = createHttpFiles(fetcher, settings);

  function targetOf(name: string): HttpTarget {
    const encoded = name.split("/").map(encodeURIComponent).join("/");
    return { address: (refusal) => access.address(encoded, refusal !== undefined), errorCode };
  }

  /** A blob as Azure's client sees it. */
  async function blobOf(name: string) {
    return (await access.client()).getBlockBlobClient(name);
  }

  async function removeBlob(name: string): Promise<void> {
    const blob = await blobOf(name);
    await runRequest((abortSignal) => blob.deleteIfExists({ abortSignal }));
  }

  /** The blobs whose names begin with a text. */
  async function* pagesOf(start: string): AsyncGenerator<readonly BlobItem[]> {
    const container = await access.client();
    let continuationToken: string | undefined;
    do {
      const options = { prefix: start, abortSignal: AbortSignal.timeout(LIST_TIMEOUT_MS) };
      const pages = container
        .listBlobsFlat({ ...options, includeMetadata: true })
        .byPage(continuationToken === undefined ? {} : { continuationToken });
      const page = await pages.next().catch((error: unknown) => {
        throw failureOf(error);
      });
      if (page.done) return;
      yield page.value.segment.blobItems;
      continuationToken = page.value.continuationToken;
    } while (continuationToken);
  }

  return {
    label: `container ${fields.container}`,
    keepsPrivate: true,

    async open(path, options) {
      const name = blobName(prefix, path);
      if (name === undefined) return undefined;
      return files.open(
        {
          ...targetOf(name),
          path,
          privateHeaders: ["x-ms-meta-isprivatefile"],
          ...canonicalOf(fields, path),
          noPlace: (headers) => errorCode(headers) === "ContainerNotFound",
          // Folders of accounts with a hierarchical namespace.
          noFile: (headers) => headers["x-ms-meta-hdi_isfolder"] === "true",
        },
        options,
      );
    },

    async check(signal) {
      const request = { method: "HEAD", signal } as const;
      const response = await files.send(targetOf(prefix + NOBODY), request, files.deadlineOf(NOBODY));
      response.cancel();
      assertWorks(response, fields);
    },

    async write(path, body, { type, cacheControl, private: isPrivate, isNew = false }) {
      const name = blobName(prefix, path);
      if (name === undefined)
        throw new MediaError("EINVAL", "Expected a path that can be the name of a blob");
      await upload(await blobOf(name), body, {
        blobHTTPHeaders: {
          ...(type !== undefined && { blobContentType: type }),
          ...(cacheControl !== undefined && { blobCacheControl: cacheControl }),
        },
        metadata: isPrivate ? { isprivatefile: "true" } : {},
        isNew,
      });
    },

    async remove(path) {
      const name = blobName(prefix, path);
      if (name === undefined) return;
      await removeBlob(name);
    },

    async createFolder(path) {
      if (blobName(prefix, `${path}/x`) === undefined) {
        throw new MediaError("EINVAL", "Expected a path that can be the beginning of a blob's name");
      }
      await upload(await blobOf(`${prefix}${path}/`), new Uint8Array(), { metadata: FOLDER });
    },

    async removeFolder(path) {
      if (blobName(prefix, `${path}/x`) === undefined) return;
      const folders = [`${prefix}${path}/`];
      for await (const blobs of pagesOf(`${prefix}${path}/`)) {
        folders.push(...blobs.filter(isFolder).map(({ name }) => name));
        const names = blobs.filter((blob) => !isFolder(blob)).map(({ name }) => name);
        for (let at = 0; at < names.length; at += CONCURRENT_REMOVALS) {
          await Promise.all(names.slice(at, at + CONCURRENT_REMOVALS).map(removeBlob));
        }
      }
      // A hierarchical namespace removes no folder with something in it: the deepest come last in a listing.
      for (const name of folders.reverse()) await removeBlob(name);
    },

    async *list(below) {
      for await (const blobs of pagesOf(prefix + below)) {
        for (const blob of blobs) {
          const path = blob.name.slice(prefix.length);
          if (!isFolder(blob) && blobName(prefix, path) !== undefined) yield path;
        }
      }
    },

    listFolder(folder, options) {
      const { limit = 100, cursor, signal } = options;
      const list = async (above: string) => {
        const container = await access.client();
        const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]);
        const page = await container
          .listBlobsByHierarchy("/", { prefix: above, includeMetadata: true, abortSignal })
          .byPage({ maxPageSize: limit, ...(cursor !== undefined && { continuationToken: cursor }) })
          .next()
          .catch((error: unknown) => {
            throw failureOf(error);
          });
        if (page.done) return { folders: [], files: [] };
        const { segment, continuationToken } = page.value;
        const files = segment.blobItems
          .filter((blob) => !isFolder(blob))
          .map(({ name, metadata, properties }) => ({
            key: name,
            size: properties.contentLength,
            lastModified: properties.lastModified.getTime(),
            private: isPrivateMark(metadata),
          }));
        const folders = (segment.blobPrefixes ?? []).map(({ name }) => name);
        return { folders, files, next: continuationToken };
      };
      return listObjects(list, prefix, folder, options, (key) => blobName("", key) !== undefined);
    },
  };
}

/** Whether a blob stands for a folder: as Azure's tools, and accounts with a hierarchical namespace, mark it. */
function isFolder({ metadata }: Pick<BlobItem, "metadata">): boolean {
  return metadata?.hdi_isfolder === "true";
}

/** Names of metadata are case-insensitive, as those of the headers that `open` reads. */
function isPrivateMark(metadata: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(metadata).some(
    ([name, value]) => name.toLowerCase() === "isprivatefile" && value.trim().toLowerCase() === "true",
  );
}
