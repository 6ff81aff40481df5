import { MediaError, type PluginApi } from "@mediatap/core";
import { NOT_MODIFIED } from "@mediatap/core/storage";
import { mimeOf } from "./assets.ts";
import {
  ability,
  FILE_TIMEOUT_MS,
  type FileLocation,
  type ManageFiles,
  noFile,
  rulesFor,
  storageSignal,
} from "./library.ts";

/** Changes files, as far as their endpoint allows it, and purges their renditions. */
export type Changes = ReturnType<typeof createChanges>;

export function createChanges({ purge }: Pick<PluginApi, "purge">) {
  async function purgeFile({ endpoint, path }: FileLocation): Promise<void> {
    await purge({ kind: "source", value: path, tenant: endpoint.tenant });
  }

  async function remove(file: FileLocation): Promise<void> {
    rulesFor(file);
    await ability(file, "remove", "delete files")(file.path);
    await purgeFile(file);
  }

  return {
    purgeFile,
    remove,
    copyFile,
    /** Purges the renditions of all files below a folder. */
    async purgeFolder({ endpoint, path }: FileLocation): Promise<void> {
      await purge({ kind: "prefix", value: `${path}/`, tenant: endpoint.tenant });
    },
    /** Copies or moves a file within its origin, as `copyFile` does, and purges. */
    async copy(
      source: FileLocation,
      to: string,
      { isMove, isNew }: { readonly isMove: boolean; readonly isNew?: boolean },
    ): Promise<void> {
      const target = { ...source, path: to };
      if (isMove) rulesFor(source);
      assertType(to, rulesFor(target));
      if (isMove) ability(source, "remove", "delete files");
      if (to === source.path) return;
      await copyFile(source, to, undefined, isNew);
      await purgeFile(target);
      if (isMove) await remove(source);
    },
  };
}

/** Throws `EFORBIDDEN` for a name of a type that is not allowed. */
export function assertType(name: string, { types }: ManageFiles): void {
  const type = mimeOf(name);
  if (
    !types ||
    types.some((one) => one === type || (one.endsWith("/*") && type.startsWith(one.slice(0, -1))))
  )
    return;
  throw new MediaError("EFORBIDDEN", `The configuration does not allow files of the type ${type}.`);
}

/** Copies a file within its origin, and replaces the target. Throws `ENOENT` if it does not exist any more. */
async function copyFile(
  source: FileLocation,
  to: string,
  signal = storageSignal(FILE_TIMEOUT_MS),
  isNew = false,
): Promise<void> {
  const write = ability(source, "write", "write files");
  const entry = await source.storage.open(source.path, { signal });
  if (entry === undefined || entry === NOT_MODIFIED) throw noFile();
  const { size, type, cacheControl, private: isPrivate } = entry;
  try {
    await write(to, await entry.body(), {
      ...(size !== undefined && { size }),
      ...(type !== undefined && { type }),
      ...(cacheControl !== undefined && { cacheControl }),
      ...(isPrivate && { private: true }),
      isNew,
    });
  } finally {
    await entry.close?.();
  }
}
