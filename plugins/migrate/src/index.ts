import { resolve } from "node:path";
import { codeOf, type Endpoint, MediaError, type Plugin } from "@mediatap/core";
import { ensureFolder } from "@mediatap/core/storage";
import { addMigrate } from "./command.ts";
import { migrateField } from "./field.ts";
import type { ShadowLog } from "./shadow-log.ts";

declare module "@mediatap/core" {
  interface EndpointFields {
    /** While a site moves: which server answers the requests of this endpoint. Left out: this one. */
    migrate?: {
      /** The old service, with the path that its URLs have in common. */
      readonly from: string;
      /** `old`: responses are those of the old service. `new`: this server answers. @default "old" */
      readonly serve?: "old" | "new";
      /** Share of the requests that this server answers in the background, too, to compare, 0–1. Needs `report`. @default 0.05 */
      readonly share?: number;
      /** Folder that comparisons are written to, relative to the configuration. Left out: there are none. */
      readonly report?: string;
    };
  }
}

const NAME = "migrate";

/**
 * Adds `mediatap migrate`: proof that a new server answers the URLs of an old one alike, and their translation; and endpoints that the old
 * service answers until the move.
 */
export function migrate(): Plugin {
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    endpointFields: { migrate: migrateField },
    apply({ command, config, fetcher, hooks, jobs, logger, state }) {
      addMigrate({ command, jobs });
      hooks.start.tapPromise(NAME, async ({ endpoints }) => {
        if (!endpoints.some(isOld)) return;
        const { createRelay } = await import("./relay.ts");
        const { createShadow } = await import("./shadow.ts");
        const logs = await openLogs(endpoints.filter(isOld), config.base);
        const logOf = ({ endpoint }: { readonly endpoint: Endpoint }) => logs.get(endpoint);
        const shadow = createShadow({ jobs, logger, state, logOf });
        hooks.relay.tapPromise(NAME, createRelay({ fetcher, logger }, shadow.observe));
        hooks.stop.tapPromise(NAME, shadow.stop);
      });
    },
  };
}

const isOld = ({ fields }: Endpoint) => fields.migrate !== undefined && fields.migrate.serve !== "new";

/** The reports of endpoints. Throws `ECONFIG` for a folder that cannot be written to. */
async function openLogs(
  endpoints: readonly Endpoint[],
  base: string,
): Promise<ReadonlyMap<Endpoint, ShadowLog>> {
  const { createShadowLog } = await import("./shadow-log.ts");
  const byFolder = new Map<string, ShadowLog>();
  const logs = new Map<Endpoint, ShadowLog>();
  for (const endpoint of endpoints) {
    const { report } = endpoint.fields.migrate ?? {};
    if (report === undefined) continue;
    const folder = resolve(base, report);
    await ensureFolder(folder).catch((cause: unknown) => {
      const field = `endpoints.${endpoint.name}.migrate.report`;
      throw new MediaError("ECONFIG", `${field}: ${report} cannot be made (${codeOf(cause)})`, { cause });
    });
    const log = byFolder.get(folder) ?? createShadowLog(folder);
    byFolder.set(folder, log);
    logs.set(endpoint, log);
  }
  return logs;
}

export default migrate;
