import type { FileMetadata, OpenOptions, Storage, StorageEntry } from "@mediatap/core/storage";

/** What a storage offers beyond the bytes. */
export interface StoragePromises {
  /** It names a validator (`etag` or `lastModified`) and answers `NOT_MODIFIED`. */
  readonly conditional?: boolean;
  /** It says the size of every file. */
  readonly size?: boolean;
  /** `put` keeps `type` and `cacheControl`. */
  readonly metadata?: boolean;
  /** `put` keeps `private`: the storage marks private files, and a client that has one as public asks again. */
  readonly private?: boolean;
  /** It writes, removes and lists. */
  readonly write?: boolean;
  /** It lists folders page by page: `listFolder`. */
  readonly listFolder?: boolean;
  /** It makes and removes folders: `createFolder` and `removeFolder`. */
  readonly folders?: boolean;
  /** `write` with `isNew` refuses a name that is taken. */
  readonly newNames?: boolean;
  /** It gives a name to one of several writers at one time, too. */
  readonly exclusiveNames?: boolean;
  /** `write` keeps `type` and `cacheControl`. */
  readonly writeMetadata?: boolean;
}

/** A storage to be tried, and a way to put files into the place that it reads. */
export interface StorageSetup {
  readonly storage: Storage;
  /** Puts a file where the storage finds it, not through the storage. Metadata that the place cannot keep is ignored. */
  put(path: string, bytes: Uint8Array, metadata?: FileMetadata): Promise<void>;
  /** Takes the place away. */
  close(): Promise<void>;
}

/** Names that are files like any other: nothing in them is decoded, folded or repaired. */
export const AWKWARD = [
  "with space.txt",
  " around .txt",
  "a+b.txt",
  "100%.txt",
  "%2e%2e%2fsecret.txt",
  "%41.txt",
  "what?.txt",
  "hash#tag.txt",
  "a&b=c.txt",
  "semi;colon,comma.txt",
  "quote'\"`.txt",
  "[brackets]{braces}(parens).txt",
  "a:b@c$d!e*f|g^h~.txt",
  "tr:w-100.txt",
  "\u00e9 composed.txt",
  "e\u0301 decomposed.txt",
  "e\u0301 composed.txt",
  "\u{1f5bc} picture.txt",
  "UPPER.txt",
  "upper.txt",
  "deep/er/than/that.txt",
  `${"long".repeat(50)}.txt`,
];

export type Open = (path: string, options?: Partial<OpenOptions>) => ReturnType<Storage["open"]>;
export type Read = (path: string, options?: Partial<OpenOptions>) => Promise<Buffer>;
export type Entry = (path: string, options?: Partial<OpenOptions>) => Promise<StorageEntry>;
