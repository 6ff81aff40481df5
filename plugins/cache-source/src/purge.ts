import type { Ban } from "@mediatap/core/cache";
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
  const { kind, value, tenant } = ban;
  if (kind === "all" && tenant === undefined) return await removeAll(store, "");
  if (kind === "source" || kind === "original") {
    for (const [origin, place] of places) {
      if (isOf(ban, { origin, path: value })) await removeAll(store, stemOf(place, { origin, path: value }));
    }
  }
  if (kind === "prefix" || kind === "all") {
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
