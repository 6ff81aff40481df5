import type { OriginInfo } from "../hooks.ts";
import type { Storage } from "../model/source.ts";

/** An origin whose storage is open. */
export interface OriginEntry extends OriginInfo {
  readonly storage: Storage;
  /** Milliseconds after which a second request is sent beside one without a response. Left out: never. */
  readonly hedge?: number;
}
