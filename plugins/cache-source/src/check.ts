import { buffer } from "node:stream/consumers";
import { codeOf, type Diagnosis } from "@mediatap/core";
import type { WritableStorage } from "./store.ts";

/** A file that nobody else has, and that is nobody's copy. */
const PROBE = "mediatap-doctor/probe.txt";

/** Tries for `mediatap doctor` all that copies need of their storage. */
export async function examine(storage: WritableStorage, origin: string, diagnosis: Diagnosis): Promise<void> {
  const what = `saved copies in ${origin}`;
  try {
    const bytes = Buffer.from("mediatap doctor was here");
    await storage.write(PROBE, bytes, { size: bytes.byteLength });
    const entry = await storage.open(PROBE, { signal: AbortSignal.timeout(15_000) });
    if (typeof entry !== "object") throw new Error("A written value was not found");
    const read = await buffer(await entry.body()).finally(() => entry.close?.());
    if (!read.equals(bytes)) throw new Error("A written value was read with other content");
    await storage.remove(PROBE);
    diagnosis.add({ what, state: "good", text: "files can be written, read and removed" });
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = codeOf(cause);
    diagnosis.add({
      what,
      state: "bad",
      text: reason === undefined ? message : `${message} (${reason})`,
      advice:
        "allow the user of this process, or the origin's credentials, to write, list and delete files there",
    });
  }
}
