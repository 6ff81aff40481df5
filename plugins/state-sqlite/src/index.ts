import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Plugin, parseOptions } from "@mediatap/core";
import { z } from "zod";
import { copyOf, openSqlite, setAside } from "./store.ts";

const NAME = "state-sqlite";

const schema = z.strictObject({
  /** The file; a relative path starts at the folder of the configuration. All processes of a machine share it. */
  path: z.string().min(1),
});

/** Options of `stateSqlite`. */
export type StateSqliteOptions = z.input<typeof schema>;

/** Keeps what changes while the server runs in one SQLite file, for all processes of one machine. */
export function stateSqlite(options: StateSqliteOptions): Plugin {
  const { path } = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    stateStore: {
      settings: { path },
      open: ({ base, logger }) => openSqlite(resolve(base, path), logger),
      setAside: ({ base }) => setAside(resolve(base, path)),
      copy: ({ base }) => {
        const copy = copyOf(resolve(base, path));
        return existsSync(copy) ? copy : undefined;
      },
    },
    apply() {},
  };
}

export default stateSqlite;
