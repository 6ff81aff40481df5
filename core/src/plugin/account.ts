import type { FileFinding, OriginFinding } from "../model/finding.ts";
import type { ListOptions, RevisionInfo } from "./state-store.ts";

/** What can change while the server runs, by the fields of the configuration that contain it. */
export const STATE_KINDS = ["origins", "endpoints", "namedTransformations"] as const;

export type StateKind = (typeof STATE_KINDS)[number];

/** One object, as the configuration writes it; secrets in it may be encrypted. */
export type Fields = Readonly<Record<string, unknown>>;

/** Objects by kind and name. */
export type Objects = Record<StateKind, Record<string, Fields>>;

/** What lies on top of the configuration of one account. */
export interface AccountContent extends Objects {
  /** What the plugin that manages an object knows of it beside its fields, by kind and name; plain data. */
  notes: Record<StateKind, Record<string, unknown>>;
}

/** One value that two states have or have not; `***` stands for a secret. */
export interface Difference {
  /** `origins.photos.bucket`; behind `tenants.NAME.` for that of a tenant. */
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** What a change would do. */
export interface Examination {
  readonly changes: readonly Difference[];
  /** What the origins that were asked respond, by their names in the account. */
  readonly findings: Readonly<Record<string, OriginFinding>>;
  /** What an origin has under the path. */
  readonly file?: FileFinding;
}

/** What a change may change, in place: objects as the configuration writes them. */
export interface AccountDraft extends AccountContent {
  /** Objects that the configuration file defines, without their secrets: they cannot be changed. */
  readonly file: Objects;
}

/** An origin, endpoint or named transformation. */
export interface StateObject {
  /** As the configuration writes it; a secret that is stored encrypted is there as an object. Never show it. */
  readonly fields: Fields;
  /** The configuration file defines it: it cannot be changed. */
  readonly fromFile: boolean;
  /** What was stored with it in `notes`. */
  readonly note?: unknown;
}

/** A revision, with what it has changed in an account. */
export interface AccountRevision extends RevisionInfo {
  readonly changes: readonly Difference[];
}

/** Origins, endpoints and named transformations of one account: those of the configuration file, and those on top of it. */
export interface AccountState {
  /** All objects of a kind, by name: those that new requests to this process meet. */
  objects(kind: StateKind): ReadonlyMap<string, StateObject>;
  /**
   * Changes the managed objects as one revision. `edit` changes the draft in place; it is called again with a newer one if somebody else was
   * faster. Resolves with what it returned when this process, and the other workers of this machine, serve the change. Throws what `edit`
   * throws, `EINVAL` naming the field if the whole would be invalid, and `EBUSY` if it could not be stored; then nothing has changed.
   */
  change<T>(comment: string, edit: (draft: AccountDraft) => T): Promise<T>;
  /**
   * What a change would do, without doing it: what differs, and what the origins that it creates or changes respond. `edit` may return an
   * origin that is asked, too, and the path of a file that it is asked for. Throws as `change` does, and `ENOENT` for another origin.
   */
  examine(
    edit: (
      draft: AccountDraft,
    ) => { readonly origin: string; readonly path?: string | undefined } | undefined,
  ): Promise<Examination>;
  /** Revisions that have changed this account, newest first. */
  revisions(options: ListOptions): Promise<readonly AccountRevision[]>;
  /**
   * Makes the objects those of an older revision, by a new one. Resolves with its number, or that of the newest one if nothing differs.
   * Throws `ENOENT` if there is none of this number.
   */
  rollback(number: number, comment: string): Promise<number>;
}
