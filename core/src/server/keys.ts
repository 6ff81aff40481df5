import { createConfiguredKeys, createKeys, type Keys } from "../http/keys.ts";
import { createCounts, createRights, type RightsParts } from "../http/rights.ts";
import type { Call } from "../http/routes.ts";
import { createWrongKeys } from "../http/wrong-keys.ts";
import { createStoredKeys, KEY_RECORDS } from "../state/api-keys.ts";
import { createAudit } from "../state/audit.ts";
import { recordsOf } from "../state/open.ts";
import { createSecrets } from "../state/secrets.ts";
import type { Bus } from "../util/bus.ts";
import type { Shares } from "./singletons.ts";

interface ManagementKeysParts
  extends Omit<RightsParts, "storedKeys" | "configuredKeys" | "audit" | "counts"> {
  readonly calls: readonly Call[];
  readonly bus: Bus;
  readonly shared: Shares["take"];
}

/** The keys of a runtime: those of its configuration and of its state. What is counted by key and address lasts longer. */
export function createManagementKeys({ calls, bus, shared, ...parts }: ManagementKeysParts): Keys {
  const { endpoints, log, state } = parts;
  const configured = createConfiguredKeys(endpoints);
  const stored = state && {
    store: state.store,
    keys: createStoredKeys(recordsOf(state.store, KEY_RECORDS)),
  };
  const audit = shared("core:audit", () => createAudit(log));
  const rightsOf = createRights({
    ...parts,
    audit,
    counts: shared("core:counts", createCounts),
    storedKeys: stored?.keys,
    configuredKeys: configured.of,
  });
  const wrongKeys = shared("core:wrong-keys", () => createWrongKeys(bus));
  return createKeys(configured, {
    ...{ endpoints, rightsOf, calls, wrongKeys, audit, secrets: createSecrets() },
    stored,
  });
}
