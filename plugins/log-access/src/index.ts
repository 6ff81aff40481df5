import { resolve } from "node:path";
import { type Plugin, parseOptions } from "@mediatap/core";
import { z } from "zod";
import type { AddressForm } from "./address.ts";
import { entryOf } from "./entry.ts";
import { combinedLine, commonLine } from "./lines.ts";
import { createSink } from "./sink.ts";

const NAME = "log-access";

export interface LogAccessOptions {
  /** `json`: through the server's log, at level `info`. @default "json" */
  readonly format?: "json" | "common" | "combined" | undefined;
  /** Where lines of the other formats go; they are added at its end. @default the standard output */
  readonly file?: string | undefined;
  /** How much of the client's address is written. @default "full" */
  readonly address?: AddressForm | undefined;
  /** Only requests that took longer than so many milliseconds, and errors of the server. @default 0: all */
  readonly slowerThan?: number | undefined;
}

const schema = z
  .strictObject({
    format: z.enum(["json", "common", "combined"]).default("json"),
    file: z.string().min(1).optional(),
    address: z.enum(["full", "network", "none"]).default("full"),
    slowerThan: z.number().nonnegative().default(0),
  })
  .refine(({ format, file }) => file === undefined || format !== "json", {
    path: ["file"],
    error: 'Expected a format "common" or "combined" beside it: JSON lines go where the server\'s log goes',
  });

/** One line for each request, once it is answered. Routes below `/-/` are none: health checks would fill the log. */
export function logAccess(options: LogAccessOptions = {}): Plugin {
  const { format, file, address, slowerThan } = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ hooks, logger, config: { base }, shared }) {
      const path = file === undefined ? undefined : resolve(base, file);
      const line = format === "common" ? commonLine : combinedLine;
      // Of the process: under a new configuration the old one's last requests are still written.
      const sink = () => shared(`${NAME}:${path ?? ""}`, () => createSink(path, logger));
      let write: (text: string) => void = () => {};
      if (format !== "json") {
        hooks.start.tap(NAME, () => {
          write = sink().write;
        });
      }
      hooks.report.tap(NAME, (report) => {
        if (report.kind !== "exchange") return;
        const { exchange, duration, bytes } = report;
        if (duration < slowerThan && (exchange.reply?.status ?? 0) < 500) return;
        if (format !== "json") write(line(entryOf(exchange, duration, bytes, address), new Date()));
        else if (logger.isLevelEnabled("info")) {
          logger.info(entryOf(exchange, duration, bytes, address), "request");
        }
      });
    },
  };
}

export default logAccess;
