import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import type { PluginApi } from "@mediatap/core";

/** Bytes that can wait for a slow disk or pipe; further lines are dropped. */
const MAX_PENDING_BYTES = 1024 * 1024;
/** Lines are written in batches of this many characters, or after this many milliseconds. */
const BATCH_CHARACTERS = 32 * 1024;
const BATCH_DELAY_MS = 100;

export interface Sink {
  write(line: string): void;
  close(): Promise<void>;
}

/** Writes lines to the end of a file, or to the standard output. Never waits and never fails; the number of dropped lines is logged. */
export function createSink(file: string | undefined, log: PluginApi["logger"]): Sink {
  const out: Writable = file === undefined ? process.stdout : createWriteStream(file, { flags: "a" });
  let batch = "";
  let timer: NodeJS.Timeout | undefined;
  let droppedLines = 0;
  let broken = false;
  const onError = (err: unknown) => {
    if (!broken) log.error({ err }, "the access log cannot be written");
    broken = true;
  };
  const onDrain = () => {
    if (droppedLines > 0)
      log.warn({ lines: droppedLines }, "lines of the access log were dropped: its file is too slow");
    droppedLines = 0;
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
      if (out.writableLength > MAX_PENDING_BYTES) {
        droppedLines++;
        return;
      }
      batch += `${line}\n`;
      if (batch.length > BATCH_CHARACTERS) flush();
      else timer ??= setTimeout(flush, BATCH_DELAY_MS).unref();
    },
    async close() {
      flush();
      if (file !== undefined && !broken) await new Promise<void>((resolve) => out.end(resolve));
      out.off("error", onError).off("drain", onDrain);
    },
  };
}
