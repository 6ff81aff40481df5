import { Readable } from "node:stream";
import { bodyOf, HEADER_FIELDS, type InfoField, type Plan, type Plugin } from "@mediatap/core";
import { describe } from "./fields.ts";
import { type File, openFile } from "./file.ts";

const NAME = "info";
const VERSION = "0.1.0";

/** Milliseconds and bytes to read a header again, and to write the description. */
const COST = 1;
const MEMORY = 1024 * 1024;

/** Describes images and videos as JSON: what plugins that tap `inspect` know of them. */
export function info(): Plugin {
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fingerprint }) {
      fingerprint(`${NAME}@${VERSION}`);
      hooks.transform.tapPromise(NAME, async (job, source, context) => {
        const { info } = job.transformation.output;
        return info && planOf(await openFile(source, context), info.fields ?? HEADER_FIELDS);
      });
    },
  };
}

function planOf(file: File, fields: readonly InfoField[]): Plan {
  return {
    engine: NAME,
    lane: "light",
    cost: COST,
    memory: MEMORY,
    explain: () => ({ fields }),
    async run() {
      const bytes = Buffer.from(JSON.stringify(await describe(file, fields)));
      return {
        body: bodyOf(bytes, (part) => Readable.from([part])),
        type: "application/json",
        format: "json",
      };
    },
  };
}

export default info;
