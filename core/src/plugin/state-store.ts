import type { Logger } from "pino";

/** A revision without its content. */
export interface RevisionInfo {
  /** 1 for the first one, and one more for each change. */
  readonly number: number;
  /** When it was written, in milliseconds since 1970. */
  readonly time: number;
  /** Who wrote it, for people. */
  readonly author: string;
  /** Why, for people; may be empty. */
  readonly comment: string;
}

/** What lies on top of the configuration file at one time, as a whole. */
export interface Revision extends RevisionInfo {
  /** JSON, in which secrets are encrypted. A store does not look into it. */
  readonly content: string;
}

export interface ListOptions {
  /** Only revisions with a smaller number. @default all */
  readonly before?: number | undefined;
  /** At most this many. */
  readonly limit: number;
}

/** One collection of small records. */
export interface Records {
  get(key: string): Promise<string | undefined>;
  /** Adds a record, or replaces it. Resolves when it survives the end of the process. */
  put(key: string, value: string): Promise<void>;
  /** Adds a record if there is none of this key; `false`: there is one, which stays. Of several calls at one time, of any processes, one adds it. */
  add(key: string, value: string): Promise<boolean>;
  /** A key without a record is no error. */
  delete(key: string): Promise<void>;
  /** Records with `from` ≤ key < `to`, in the order of the keys' bytes. Left out: no bound. */
  list(from?: string, to?: string): Promise<readonly (readonly [key: string, value: string])[]>;
  /** Deletes all records with a smaller key. */
  deleteBefore(key: string): Promise<void>;
}

/**
 * Where a server keeps what changes while it runs: revisions of the managed state, and records of plugins. All processes that use
 * the same store see the same. Every method may reject; an error with the code `ENOSPC` means that the store is full. What has resolved
 * survives the end of the process, however it comes about.
 */
export interface StateStore {
  /** The newest revision, or the one of a number. `undefined`: there is none. */
  read(number?: number): Promise<Revision | undefined>;
  /**
   * Adds the revision after `expected`, whole or not at all. `expected`: number of the revision that it is based on; 0: there was none.
   * `undefined`: another revision is the newest by now, and nothing was written.
   */
  write(next: Omit<Revision, "number">, expected: number): Promise<Revision | undefined>;
  /** Newest first. A store may drop all but the newest 100. */
  list(options: ListOptions): Promise<readonly RevisionInfo[]>;
  /** Calls `onChange` at most 2 seconds after any process has written a revision, perhaps more than once. Returns what ends that. */
  watch(onChange: () => void): () => void;
  /** A collection, by its name: 1 to 64 lower-case letters, digits and hyphens. Keys: 1 to 200 printable ASCII characters, no space. */
  records(name: string): Records;
  close(): Promise<void>;
}

interface StorePlace {
  /** Folder of the configuration. */
  readonly base: string;
  readonly logger: Logger;
}

/** The store of a server as a plugin declares it. */
export interface StateStoreRegistration {
  /** What makes it another store, as plain data: path, address. A configuration with the same settings takes over the open store. */
  readonly settings: unknown;
  /** Opens it, once per process and before `apply`. Throws `ECONFIG` if it is damaged. */
  open(place: StorePlace): StateStore;
  /** Moves a damaged store out of the way, so that `open` makes a new one. Resolves with where it is now. */
  setAside?(place: StorePlace): Promise<string>;
  /** The file to which the store has exported its newest revision, if there is one. */
  copy?(place: StorePlace): string | undefined;
}
