import type { Storage } from "../model/source.ts";

/** An origin whose storage is open. */
export interface OriginEntry {
  readonly name: string;
  readonly type: string;
  readonly storage: Storage;
  /** Milliseconds after which a second request is sent beside one that has not answered. Left out: never. */
  readonly hedge?: number;
  /** Hash over what tells where its files lie. */
  readonly fingerprint: string;
}
