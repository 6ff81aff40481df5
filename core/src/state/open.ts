import type { Logger } from "pino";
import { atSource, type LoadedConfig } from "../config/load.ts";
import { codeOf, MediaError, shortageOf } from "../model/errors.ts";
import type { Records, Revision, StateStore } from "../plugin/state-store.ts";
import { reasonOf } from "../util/log.ts";
import type { RuntimeState } from "./account.ts";
import { stateOf, withState } from "./managed.ts";
import { createSecrets } from "./secrets.ts";

/** Opens the store that a plugin declares. `undefined`: no plugin does. Throws `ECONFIG`. */
export function openStore(
  { plugins, base, source }: LoadedConfig,
  log: Logger,
  take: (key: string, create: () => StateStore) => StateStore,
): StateStore | undefined {
  const [owner, other] = plugins.filter(({ stateStore }) => stateStore !== undefined);
  const { name = "", stateStore } = owner ?? {};
  if (stateStore === undefined) return undefined;
  try {
    if (other) {
      const text = `plugins: ${name} and ${other.name} both keep state: remove one of the plugins`;
      throw new MediaError("ECONFIG", text);
    }
    return take(`core:state:${name}:${JSON.stringify([base, stateStore.settings])}`, () =>
      stateStore.open({ base, logger: log.child({ plugin: name }) }),
    );
  } catch (error) {
    throw atSource(source, error);
  }
}

/** A configuration with a revision on top of it, left out: the newest one. Throws `ECONFIG` if there can be no such server. */
export async function readState(
  file: LoadedConfig,
  store: StateStore,
  candidate?: Revision,
): Promise<{ readonly config: LoadedConfig; readonly state: RuntimeState }> {
  const revision = candidate ?? (await newestOf(store, file.source));
  const config = revision ? withState(file, revision, createSecrets()) : file;
  return { config, state: { store, file, revision, content: stateOf(revision) } };
}

async function newestOf(store: StateStore, source: string): Promise<Revision | undefined> {
  try {
    return await store.read();
  } catch (error) {
    if (codeOf(error) === "ECONFIG") throw atSource(source, error);
    const text = `${source}: the managed state could not be read: ${reasonOf(error)}`;
    throw new MediaError("ECONFIG", text, { cause: error });
  }
}

/** What a store does; its failures are the server's, and temporary. */
export async function stored<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const shortage = shortageOf(cause);
    const text = shortage ? "The state could not be stored: no space is left" : "The state cannot be reached";
    throw new MediaError("EBUSY", text, { cause, retryAfterSeconds: shortage?.retryAfterSeconds ?? 1 });
  }
}

/** Names of collections, and keys of records. */
const NAME = /^[a-z0-9-]{1,64}$/;
const KEY = /^[\x21-\x7e]{1,200}$/;

/** Longest value of a record, in UTF-16 code units. */
const MAX_VALUE_LENGTH = 1024 * 1024;

/** A collection of a store that refuses names, keys and values that not every store supports. */
export function recordsOf(store: StateStore, name: string): Records {
  if (!NAME.test(name)) {
    throw new TypeError(
      `Expected lower-case letters, digits and - as the name of records but received '${name}'`,
    );
  }
  const records = store.records(name);
  return {
    get: async (key) => records.get(checked(key)),
    put: async (key, value) => records.put(checked(key), checkedValue(value)),
    add: async (key, value) => records.add(checked(key), checkedValue(value)),
    delete: async (key) => records.delete(checked(key)),
    list: async (from, to) => records.list(from && checked(from), to && checked(to)),
    deleteBefore: async (key) => records.deleteBefore(checked(key)),
  };
}

function checkedValue(value: string): string {
  if (typeof value === "string" && value.length <= MAX_VALUE_LENGTH) return value;
  throw new TypeError(`Expected text of at most ${MAX_VALUE_LENGTH} characters as a record`);
}

function checked(key: string): string {
  if (KEY.test(key)) return key;
  throw new TypeError(
    `Expected 1 to 200 printable ASCII characters as the key of a record but received '${key}'`,
  );
}
