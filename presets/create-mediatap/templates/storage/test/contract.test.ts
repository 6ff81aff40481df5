import { createHash } from "node:crypto";
import { describeStorage } from "@mediatap/test";
import { exampleStorage, type StoredFile } from "../src/index.ts";

describeStorage("storage-example", { conditional: true, size: true }, async () => {
  const files = new Map<string, StoredFile>();
  return {
    storage: exampleStorage(files),
    async put(path, bytes) {
      files.set(path, { bytes, etag: `"${createHash("sha256").update(bytes).digest("hex")}"` });
    },
    close: async () => files.clear(),
  };
});
