import type { Records } from "./archive.ts";

/** Records in the memory of this process, at most so many characters; the oldest are dropped. */
export function memoryRecords(
  maxCharacters: number,
  initial: Awaited<ReturnType<Records["list"]>> = [],
): Records {
  const records = new Map(initial);
  let characters = 0;
  const remove = (key: string) => {
    characters -= records.get(key)?.length ?? 0;
    records.delete(key);
  };
  return {
    get: async (key) => records.get(key),
    async put(key, value) {
      remove(key);
      records.set(key, value);
      characters += value.length;
      while (characters > maxCharacters) remove([...records.keys()].sort()[0] as string);
    },
    delete: async (key) => remove(key),
    async list(from = "", to = "\uffff") {
      return [...records].filter(([key]) => key >= from && key < to).sort(([a], [b]) => (a < b ? -1 : 1));
    },
    async deleteBefore(before) {
      for (const key of records.keys()) if (key < before) remove(key);
    },
  };
}
