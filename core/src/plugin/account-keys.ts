/** What a key may do, each role more than the one before it: read; purge and warm caches, too; change what the server serves, too. */
export type KeyRole = "read" | "operate" | "configure";

/** What people may know of a key. */
export interface KeyInfo {
  readonly id: string;
  readonly name: string;
  readonly role: KeyRole;
  /** ISO 8601. */
  readonly createdAt?: string;
  readonly rotatedAt?: string;
  /** The configuration file contains it: it cannot be changed. */
  readonly readOnly?: true;
}

/** A key with its secret, which is readable this one time. */
export type NewKey = KeyInfo & { readonly secret: string };

/** The keys of one account. */
export interface AccountKeys {
  /** Those of the configuration file first. */
  list(): Promise<readonly KeyInfo[]>;
  /** Throws `EINVAL` if there are too many. */
  create(key: Pick<KeyInfo, "name" | "role">): Promise<NewKey>;
  /** Gives a key another secret; the old one stays valid for some seconds. Throws `ENOENT`, or `EFORBIDDEN` for one of the configuration file. */
  rotate(id: string, graceSeconds: number): Promise<NewKey>;
  /** Throws as `rotate`. */
  revoke(id: string): Promise<void>;
}
