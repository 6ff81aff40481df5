import type { Logger } from "pino";
import { MediaError } from "../model/errors.ts";
import type { Plugin } from "../plugin.ts";
import type { Records, StateStore } from "./store.ts";

/** Opens the store that a plugin declares. `undefined`: no plugin does. */
export function openStore(
  plugins: readonly Plugin[],
  base: string,
  log: Logger,
  take: (key: string, create: () => StateStore) => StateStore,
): StateStore | undefined {
  const [owner, other] = plugins.filter(({ stateStore }) => stateStore !== undefined);
  const { name = "", stateStore } = owner ?? {};
  if (stateStore === undefined) return undefined;
  if (other) {
    throw new MediaError(
      "ECONFIG",
      `plugins: ${name} and ${other.name} both keep the state: remove one of the plugins`,
    );
  }
  return take(`core:state:${name}:${JSON.stringify([base, stateStore.settings])}`, () =>
    stateStore.open({ base, logger: log.child({ plugin: name }) }),
  );
}

/** Names of collections, and keys of records. */
const NAME = /^[a-z0-9-]{1,64}$/;
const KEY = /^[\x21-\x7e]{1,200}$/;

/** Longest value of a record, in UTF-16 code units. */
const MAX_VALUE_LENGTH = 1024 * 1024;

/** A collection of a store that refuses what not every store could keep. */
export function recordsOf(store: StateStore, name: string): Records {
  if (!NAME.test(name)) {
    throw new TypeError(
      `Expected lower-case letters, digits and - as the name of records but received '${name}'`,
    );
  }
  const records = store.records(name);
  return {
    get: async (key) => records.get(checked(key)),
    async put(key, value) {
      if (typeof value !== "string" || value.length > MAX_VALUE_LENGTH) {
        throw new TypeError(`Expected text of at most ${MAX_VALUE_LENGTH} characters as a record`);
      }
      await records.put(checked(key), value);
    },
    delete: async (key) => records.delete(checked(key)),
    list: async (from, to) => records.list(from && checked(from), to && checked(to)),
    deleteBefore: async (key) => records.deleteBefore(checked(key)),
  };
}

function checked(key: string): string {
  if (KEY.test(key)) return key;
  throw new TypeError(
    `Expected 1 to 200 printable ASCII characters as the key of a record but received '${key}'`,
  );
}
