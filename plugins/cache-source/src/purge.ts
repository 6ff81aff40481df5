import type { Ban } from "@mediatap/core";
import { isOf } from "./bans.ts";
import { stemOf } from "./names.ts";
import type { CopyStore } from "./store.ts";

/** Removes the copies that a ban speaks of, whole or broken. Throws where the storage fails. */
export async function purge(
  store: CopyStore,
  places: ReadonlyMap<string, string>,
  ban: Ban,
  signal: AbortSignal,
): Promise<void> {
  if (ban.kind === "all") await removeAll(store, "");
  if (ban.kind === "source") {
    for (const [origin, place] of places) await removeAll(store, stemOf(place, { origin, path: ban.value }));
  }
  if (ban.kind === "prefix") {
    // The names of copies are hashes: only their records tell what they are of.
    for await (const { name, version } of store.files("")) {
      const record = version === undefined ? await store.peek(name, signal) : undefined;
      if (record && isOf(ban, record.facts)) await store.remove(name, record.version);
    }
  }
}

async function removeAll(store: CopyStore, stem: string): Promise<void> {
  const bytes: string[] = [];
  for await (const { path, version } of store.files(stem)) {
    if (version === undefined) await store.storage.remove(path);
    else bytes.push(path);
  }
  for (const path of bytes) await store.storage.remove(path);
}
