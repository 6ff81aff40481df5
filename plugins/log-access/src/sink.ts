import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import type { PluginApi } from "@mediatap/core";

/** Bytes that may wait for a slow disk or pipe; what comes on top is left out. */
const MOST = 1024 * 1024;
/** Lines are written together, when there are so many characters of them or after so many milliseconds. */
const BATCH = 32 * 1024;
const DELAY = 100;

export interface Sink {
  write(line: string): void;
  close(): Promise<void>;
}

/** Where lines go: the end of a file, or the standard output. Never waits, never fails; lines it had to leave out are logged. */
export function createSink(file: string | undefined, log: PluginApi["logger"]): Sink {
  const out: Writable = file === undefined ? process.stdout : createWriteStream(file, { flags: "a" });
  let batch = "";
  let timer: NodeJS.Timeout | undefined;
  let lost = 0;
  let broken = false;
  const onError = (err: unknown) => {
    if (!broken) log.error({ err }, "the access log cannot be written");
    broken = true;
  };
  const onDrain = () => {
    if (lost > 0) log.warn({ lines: lost }, "lines of the access log were dropped: its file is too slow");
    lost = 0;
  };
  out.on("error", onError).on("drain", onDrain);

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (batch !== "" && !broken) out.write(batch);
    batch = "";
  }

  return {
    write(line) {
      if (broken) return;
      if (out.writableLength > MOST) {
        lost++;
        return;
      }
      batch += `${line}\n`;
      if (batch.length > BATCH) flush();
      else timer ??= setTimeout(flush, DELAY).unref();
    },
    async close() {
      flush();
      if (file !== undefined && !broken) await new Promise<void>((resolve) => out.end(resolve));
      out.off("error", onError).off("drain", onDrain);
    },
  };
}
