import { type MediatapConfig, parseOptions } from "@mediatap/core";
import { pageConsole } from "@mediatap/page-console";
import { type PageStartOptions, pageStart } from "@mediatap/page-start";
import { timing } from "@mediatap/timing";
import { z } from "zod";
import { notesDevelopment } from "./notes.ts";

export interface PresetDevelopmentOptions {
  /** Pictures that the start page shows. @default none */
  readonly samples?: PageStartOptions["samples"];
}

/** The page checks its samples itself. */
const schema = z.strictObject({ samples: z.custom<PageStartOptions["samples"]>().optional() });

/**
 * For development: a start page that lists files and a console that is open to this machine (unless `NODE_ENV` is `production`), `Server-Timing`,
 * `/-/explain?url=…`, hints about URLs with parts that have no effect, a configuration that is reloaded when its file changes,
 * and responses that browsers revalidate each time.
 */
export function presetDevelopment(options: PresetDevelopmentOptions = {}): MediatapConfig {
  const { samples } = parseOptions(schema, options, "preset-development");
  const isDevelopment = process.env.NODE_ENV !== "production";
  return {
    plugins: [
      pageStart({ samples, files: isDevelopment }),
      pageConsole({ open: isDevelopment }),
      timing(),
      notesDevelopment({ signatures: isDevelopment }),
    ],
    server: { explain: true, watch: true },
    cacheControl: "public, max-age=0, must-revalidate",
    limits: { notFoundLifetime: 1_000, refusedLifetime: 1_000, failureLifetime: 1_000 },
  };
}

export default presetDevelopment;
