// What storages need beside the root: the HTTP file reader, the guarded HTTP client, and the contract of a storage.

export type { OriginConfig } from "../hooks.ts";
export { isForFewer } from "../model/control.ts";
export type {
  FileMetadata,
  FolderEntry,
  FolderPage,
  ListFolderOptions,
  OpenOptions,
  Storage,
  StorageEntry,
  WriteMetadata,
} from "../model/source.ts";
export { NOT_MODIFIED } from "../model/source.ts";
export type { FetcherOptions } from "../origin/client/create.ts";
export { createFetcher } from "../origin/client/create.ts";
export type { ListedOrigin } from "../origin/listing.ts";
export { listedOrigins, listOrigins } from "../origin/listing.ts";
export { chunksOf, textOf } from "../origin/reader/bodies.ts";
export { canonicalFields, canonicalOf } from "../origin/reader/canonical.ts";
export { httpFilesOptions, httpUrl } from "../origin/reader/fields.ts";
export { listObjects } from "../origin/reader/folder.ts";
export { isEntryName, keyOf, objectPrefix } from "../origin/reader/key.ts";
export type { HttpFile, HttpFiles } from "../origin/reader/open.ts";
export { createHttpFiles } from "../origin/reader/open.ts";
export { assertAnswered, nameTaken } from "../origin/reader/response.ts";
export type { HttpAddress, HttpFilesOptions, HttpRequest, HttpTarget } from "../origin/reader/send.ts";
export type { Token } from "../origin/reader/tokens.ts";
export { createTokens } from "../origin/reader/tokens.ts";
export type { Fetcher, FetchOptions, FetchResponse } from "../plugin/fetcher.ts";
export { ensureFolder } from "../util/ensure-folder.ts";
