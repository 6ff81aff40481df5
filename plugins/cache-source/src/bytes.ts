import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import type { SourceFacts } from "@mediatap/core";
import { bytesPath } from "./names.ts";
import type { CopyRecord } from "./record.ts";
import type { WritableStorage } from "./store.ts";

export type Written = Pick<CopyRecord, "version" | "size" | "sha256" | "seal">;

/** What is to be written, and where. */
export interface Bytes {
  readonly storage: WritableStorage;
  /** What the names of the copy's files begin with. */
  readonly name: string;
  readonly facts: SourceFacts;
  readonly body: Readable;
  /** Most bytes that are written. */
  readonly maxFileBytes: number;
}

/**
 * Writes the bytes of an original under a name of their own, while they are read. Where reading stops half way, or they
 * are too many, nothing has failed: there is no copy. Throws where the storage fails, and leaves nothing there.
 */
export async function writeBytes(bytes: Bytes): Promise<Written | { readonly givenUp: string }> {
  const { storage, name, facts, body, maxFileBytes } = bytes;
  const version = randomBytes(16).toString("hex");
  const path = bytesPath(name, version);
  const hash = createHash("sha256");
  let size = 0;
  async function* metered() {
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (size > maxFileBytes) throw new Error("the file is too large");
      hash.update(chunk);
      yield chunk;
    }
  }
  try {
    // What the origin said of type and caching is for clients: a storage could take it in its own way.
    await storage.write(path, Readable.from(metered(), { objectMode: false }), {
      ...(facts.size !== undefined && { size: facts.size }),
      ...(facts.private && { private: true }),
    });
    if (facts.size !== undefined && size !== facts.size) throw new Error("the copy has not all bytes");
    const seal = await sealOf(storage, path, size);
    return { version, size, sha256: hash.digest("hex"), ...(seal !== undefined && { seal }) };
  } catch (error) {
    await storage.remove(path).catch(() => {});
    const givenUp = size > maxFileBytes ? "the file is too large" : body.errored?.message;
    if (givenUp === undefined) throw error;
    return { givenUp };
  }
}

/** The entity tag of what was written. */
async function sealOf(storage: WritableStorage, path: string, size: number): Promise<string | undefined> {
  const entry = await storage.open(path, { signal: new AbortController().signal, head: true });
  if (typeof entry !== "object") throw new Error("the storage did not keep what was written");
  await entry.close?.();
  if ((entry.size ?? size) !== size) throw new Error("the storage kept another number of bytes");
  return entry.etag;
}
