import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import type { PluginApi } from "@mediatap/core";

/** Bytes that may wait for a slow disk or pipe; what comes on top is left out. */
const MOST = 1024 * 1024;

export interface Sink {
  write(line: string): void;
  close(): Promise<void>;
}

/** Where lines go: the end of a file, or the standard output. Never waits, never fails; lines it had to leave out are logged. */
export function createSink(file: string | undefined, log: PluginApi["logger"]): Sink {
  const out: Writable = file === undefined ? process.stdout : createWriteStream(file, { flags: "a" });
  let lost = 0;
  let broken = false;
  const onError = (err: unknown) => {
    broken = true;
    log.error({ err }, "the access log cannot be written");
  };
  const onDrain = () => {
    if (lost > 0) log.warn({ lines: lost }, "lines of the access log were left out: its file is too slow");
    lost = 0;
  };
  if (file !== undefined) out.on("error", onError).on("drain", onDrain);
  return {
    write(line) {
      if (broken) return;
      if (out.writableLength > MOST) lost++;
      else out.write(`${line}\n`);
    },
    async close() {
      if (file === undefined || broken) return;
      await new Promise<void>((resolve) => out.end(resolve));
    },
  };
}
