import { hash } from "node:crypto";
import { Readable } from "node:stream";
import {
  bodyOf,
  type Exchange,
  type MediatapConfig,
  type PlanResult,
  type Plugin,
  type Transformation,
} from "@mediatap/core";

/** The least that a server needs around the plugin under test. */

const VERSION = "1.0.0";

/** A URL language whose URLs are a path and the Transformation as JSON: `jobUrl`. */
export function jobLanguage(): Plugin {
  const name = "test-language";
  return {
    name,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks }) {
      hooks.resolve.tap(name, ({ target, accept }, endpoint) => {
        const request = new URLSearchParams(target.query).get("request");
        return {
          asset: {
            tenant: endpoint.tenant,
            endpoint: endpoint.name,
            kind: "path",
            path: decodeURIComponent(target.path),
          },
          transformation:
            request === null ? { steps: [], output: {} } : (JSON.parse(request) as Transformation),
          accept,
          query: [],
          delivery: {},
          language: name,
          media: "image",
        };
      });
    },
  };
}

/** The URL of a request in `jobLanguage`. */
export function jobUrl(path: string, request: Partial<Transformation> = {}): string {
  const { steps = [], output = {} } = request;
  return `/${path.split("/").map(encodeURIComponent).join("/")}?${new URLSearchParams({ request: JSON.stringify({ steps, output }) })}`;
}

/** Origins of type `MEMORY`: these files, or the same bytes under every name. */
export function memoryStorage(files: ReadonlyMap<string, Uint8Array> | Uint8Array): Plugin {
  const name = "test-storage";
  return {
    name,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks }) {
      hooks.storage.for("MEMORY").tap(name, () => ({
        label: "memory",
        async open(path, { range }) {
          const bytes = files instanceof Uint8Array ? files : files.get(path);
          if (!bytes) return undefined;
          const part = range ? bytes.subarray(range.start, range.end + 1) : bytes;
          const etag = `"${hash("sha1", bytes)}"`;
          return { size: bytes.byteLength, etag, body: () => Readable.from([part]) };
        },
      }));
    },
  };
}

/** An engine for every file, whose rendition is the canonical job itself, as JSON. */
export function echoEngine(): Plugin {
  const name = "test-engine";
  return {
    name,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fingerprint }) {
      fingerprint(`${name}@${VERSION}`);
      hooks.transform.tap(name, ({ asset, transformation }) => ({
        engine: name,
        lane: "light",
        cost: 1,
        memory: 0,
        explain: () => ({ echo: true }),
        async run(): Promise<PlanResult> {
          const bytes = Buffer.from(JSON.stringify({ asset, transformation }));
          const body = bodyOf(bytes);
          return { body, type: "application/json", format: "json" };
        },
      }));
    },
  };
}

/** Keeps the exchanges that were answered, the last one first. */
export interface Witness extends Plugin {
  readonly exchanges: readonly Exchange[];
}

export function witness(): Witness {
  const name = "test-witness";
  const exchanges: Exchange[] = [];
  return {
    name,
    version: VERSION,
    apiVersion: 1,
    exchanges,
    apply({ hooks }) {
      hooks.respond.tap(name, (_reply, exchange) => {
        exchanges.unshift(exchange);
        exchanges.length = Math.min(exchanges.length, 100);
      });
    },
  };
}

/** One endpoint over one origin of type `MEMORY`. */
export const MEMORY_ENDPOINT: Pick<MediatapConfig, "origins" | "endpoints"> = {
  origins: { files: { type: "MEMORY" } },
  endpoints: { default: { origins: ["files"] } },
};
