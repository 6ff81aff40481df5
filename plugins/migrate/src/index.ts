import type { Plugin } from "@mediatap/core";
import { addMigrate } from "./command.ts";

/** Adds `mediatap migrate`: proof that a new server answers the URLs of an old one alike, and their translation. */
export function migrate(): Plugin {
  return {
    name: "migrate",
    version: "0.1.0",
    apiVersion: 1,
    apply: ({ command, jobs }) => addMigrate({ command, jobs }),
  };
}

export default migrate;
