import type { Readable } from "node:stream";

/** First and last byte, both included, as in RFC 9110 §14.1.2. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Metadata of a file, as its origin sent it. */
export interface FileMetadata {
  /** Length in bytes of the complete file, also for a range; left out if the origin does not send it. */
  readonly size?: number;
  /** Media type by the origin's word: a hint, never what picks a decoder. */
  readonly type?: string;
  /** Entity tag with its quotes, weak ones with `W/`. */
  readonly etag?: string;
  /** Milliseconds since 1970. */
  readonly lastModified?: number;
  /** The origin's `Cache-Control`. */
  readonly cacheControl?: string;
  /** The origin's `CDN-Cache-Control`: for shared caches, in place of `Cache-Control` and `Expires` (RFC 9213). */
  readonly cdnCacheControl?: string;
  /** Milliseconds from the origin's `Date` to its `Expires`; 0: past, or no date at all (RFC 9111 §5.3). */
  readonly expiresIn?: number;
  /** Milliseconds for which it lay in caches before ours: the origin's `Age`. */
  readonly age?: number;
  /** Names that the origin gives it for purges: its `Cache-Tag` or `Surrogate-Key`. */
  readonly tags?: readonly string[];
  /** Milliseconds for which it is fresh. Left out: the storage's `freshFor`. */
  readonly freshFor?: number;
  /** Only for clients with a valid signature. */
  readonly private?: boolean;
  /** Address that search engines should know the file by: `Link: <…>; rel="canonical"` (RFC 6596). */
  readonly canonical?: string;
}

/** A file that a storage has opened: all a storage owes. */
export interface StorageEntry extends FileMetadata {
  /** Path of the local file with the bytes, if there is one; engines then read it by themselves. */
  readonly file?: string;
  /** All bytes of a small file, if the storage has read them already. */
  readonly bytes?: Uint8Array;
  /**
   * Whether the place itself cut out the range that it was asked for. `false`: it sends the whole file, and what lies before
   * the range is read and thrown away. Left out: it did, or no range was asked for.
   */
  readonly ranged?: boolean;
  /** The bytes (of the range asked for). Called at most once. */
  body(): Readable | Promise<Readable>;
  /** Lets go of what is open; also called after a complete read. */
  close?(): void | Promise<void>;
}

/** For whom a file is, by its origin's word. */
export type Audience = Pick<FileMetadata, "private" | "cacheControl" | "cdnCacheControl">;

/** The result for a file that still has the validators sent (304). */
export const NOT_MODIFIED = Symbol.for("mediatap.not-modified");

export interface OpenOptions {
  readonly range?: ByteRange | undefined;
  /** One entity tag. */
  readonly ifNoneMatch?: string | undefined;
  /** Milliseconds since 1970. */
  readonly ifModifiedSince?: number | undefined;
  /** For whom the file was that these validators are of; one that is for fewer now is opened, although its bytes are the same. */
  readonly held?: Audience | undefined;
  /**
   * Called before `NOT_MODIFIED` is returned, with what the headers of that answer say of the file now: caches update what
   * they have of it (RFC 9111 §4.3.4).
   */
  onNotModified?(metadata: FileMetadata): void;
  /** Only the metadata is wanted; `body` will not be called. */
  readonly head?: boolean | undefined;
  /** Host name that the client asked; only for a storage that `forwardsHost`. */
  readonly host?: string | undefined;
  readonly signal: AbortSignal;
  /** What failed requests, retries and bytes are noted under. */
  readonly from?: string;
}

/** An entry of a folder. A file and a folder may have the same name. */
export interface FolderEntry {
  /** The last segment of its path. */
  readonly name: string;
  readonly kind: "file" | "folder";
  /** A folder whose files belong to another path: a symbolic link. @default false */
  readonly isLink?: boolean;
  /** Bytes of a file. Left out: the listing does not contain it. */
  readonly size?: number;
  /** Of a file, in milliseconds since 1970. Left out: the listing does not contain it. */
  readonly lastModified?: number;
  /** As in `FileMetadata`. Left out: the listing does not contain it, only `open` knows. */
  readonly private?: boolean;
}

/** A part of a folder's listing. */
export interface FolderPage {
  /** At most `limit` entries; fewer, or none, although more follow, if some had to be dropped. */
  readonly entries: readonly FolderEntry[];
  /** Cursor of the next page. Left out: this page is the last one. */
  readonly next?: string;
}

export interface ListFolderOptions {
  /** Most entries on the page, from 1 to 1000. @default 100 */
  readonly limit?: number;
  /** `next` of the page before; opaque, and valid for the same folder only. Left out: the first page. */
  readonly cursor?: string | undefined;
  readonly signal: AbortSignal;
}

/** What is known of a file that is written. */
export interface WriteMetadata extends FileMetadata {
  /** No other file may have its name. @default false */
  readonly isNew?: boolean;
}

/** One configured place where originals lie. Only `open` is required: to be read-only is legal. */
export interface Storage {
  /**
   * Opens a file. `undefined`: it is not here, ask the next origin. `NOT_MODIFIED`: the validators sent still hold.
   * Throws a MediaError (`EACCES`, `ECONNREFUSED`, `ELIMIT`, `UNIDENTIFIED`) for a real failure.
   * `path` has no leading slash, no `.`, `..` or empty segment and no control character.
   */
  open(path: string, options: OpenOptions): Promise<StorageEntry | typeof NOT_MODIFIED | undefined>;
  /**
   * Finds out whether the place can be used at all, for `mediatap doctor`. Throws in plain words for the operator, who
   * may read of hosts and buckets here. Left out: a name that nobody has is asked for.
   */
  check?(signal: AbortSignal): Promise<void>;
  /** Its files are on this machine: `check` is quick and needs no network. @default false */
  readonly isLocal?: boolean;
  /**
   * Writes a file, in the place of another one if there is one: whole, or not at all if the body breaks off. Keeps `type`,
   * `cacheControl` and `private` of the metadata as far as the place can. `isNew`: throws `nameTaken()` if there is
   * another one, so that one of several writers gets a name, as far as the place has such a condition.
   */
  write?(path: string, body: Readable | Uint8Array, metadata: WriteMetadata): Promise<void>;
  /** `write` keeps `private`. @default false */
  readonly keepsPrivate?: boolean;
  remove?(path: string): Promise<void>;
  /** The paths of all files that begin with a prefix, folders within folders included. */
  list?(prefix: string): AsyncIterable<string>;
  /**
   * One page of the entries of a folder, for people who browse: `""` is the root, any other folder is a path as `open` takes
   * it. The cost depends on the page, not on the number of files below the folder. It lists what `open` finds, by names that can
   * be part of a path, and nothing outside of the root; all pages together contain each entry once. The storage chooses the
   * order. A folder that does not exist is empty. Throws as `open` does, and `EINVAL` for an invalid cursor, as far as the
   * storage can recognise it.
   */
  listFolder?(folder: string, options: ListFolderOptions): Promise<FolderPage>;
  /** Makes a folder without files, which `listFolder` then lists, with those that it lies in. Nothing happens if it is there already. */
  createFolder?(path: string): Promise<void>;
  /** Removes a folder with everything in it. Nothing happens if there is none. */
  removeFolder?(path: string): Promise<void>;
  /** It answers absolute URLs (`kind: "url"`) instead of paths: a web proxy. */
  readonly urls?: boolean;
  /** It asks its origin by the host name that the client asked: what it finds under a path may differ by host. */
  readonly forwardsHost?: boolean;
  /**
   * Milliseconds for which nobody needs to ask again after an answer, "not here" included. A place that is cheap to
   * ask names a short time. Left out: the endpoint's lifetime, and the limits for failures.
   */
  readonly freshFor?: number;
  /** What is shown of it by `explain` and in logs; no secret. */
  readonly label?: string;
}

export interface SourceMetadata extends FileMetadata {
  /** Name of the origin that it came from. */
  readonly origin: string;
  /** Path or URL at that origin. */
  readonly path: string;
  /** Host name that was forwarded to it. */
  readonly host?: string;
  /** When the origin responded last, milliseconds since 1970. */
  readonly fetched: number;
  /** The bytes come from a saved copy, not from the origin. */
  readonly copy?: {
    /** The plugin that stores it. */
    readonly by: string;
    /** It is past its time, and the origin fails. */
    readonly stale?: boolean;
  };
}

/**
 * The metadata of a source after "not modified": the caching directives and tags of that response replace the old ones
 * (RFC 9111 §3.2). An `Expires` that it does not repeat is still the old moment.
 */
export function updatedMetadata(
  known: SourceMetadata,
  reported: FileMetadata = {},
  now = Date.now(),
): SourceMetadata {
  const { cacheControl, cdnCacheControl, expiresIn, age, tags } = reported;
  const { age: before = 0, ...lasting } = known;
  const past = before + Math.max(0, now - known.fetched);
  const left = known.expiresIn === undefined ? undefined : known.expiresIn - past;
  return {
    ...lasting,
    fetched: now,
    ...(age !== undefined && { age }),
    ...(left !== undefined && { expiresIn: Math.max(0, left) }),
    ...(expiresIn !== undefined && { expiresIn }),
    ...(cacheControl !== undefined && { cacheControl }),
    ...(cdnCacheControl !== undefined && { cdnCacheControl }),
    ...(tags !== undefined && { tags }),
  };
}

/** An opened original. Its bytes are downloaded at most once, however many readers there are. */
export interface Source {
  readonly metadata: SourceMetadata;
  /** Path of a local file with all bytes. Engines should prefer it: it costs no copy. */
  readonly file?: string;
  /** All bytes have been read already, so that `bytes` costs less than to open the file. @default false */
  readonly isInMemory?: boolean;
  /** The first bytes, at most `length`; later reads still begin at the start. */
  peek(length: number): Promise<Uint8Array>;
  /** All bytes; `ELIMIT` as soon as they are more than `limit`. */
  bytes(limit: number): Promise<Uint8Array>;
  /** The bytes from the start, or of a range, as a stream of the caller's own. */
  stream(range?: ByteRange): Promise<Readable>;
  /**
   * The bytes, opened again where they lie, with a life of their own: also after `close`, until `signal` ends it. Fails where
   * they are no longer the same.
   */
  again(range?: ByteRange, signal?: AbortSignal): Promise<Readable>;
  /** Whether ranges are cheap where the bytes lie (`StorageEntry.ranged`), as far as `again` has found out. */
  ranged?(): boolean | undefined;
  /** Whether reading its bytes has failed: another origin may have them whole. */
  isBroken?(): boolean;
  close(): Promise<void>;
}
