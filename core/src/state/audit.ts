import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import { z } from "zod";
import type { AuditEntry, AuditListOptions } from "../plugin/audit.ts";
import type { Records, StateStore } from "../plugin/state-store.ts";
import { throttled } from "../util/log.ts";
import { maskText } from "../util/redact.ts";
import { recordsOf, stored } from "./open.ts";

/** Entries of each kind that are stored, about; and after how many new ones older ones are deleted. */
const MAX_ENTRIES = 10_000;
const PRUNE_INTERVAL = 500;

/** Refusals of a process that are written within a minute: all else is counted by the next one. */
const MAX_REFUSALS = 120;
const MINUTE_MS = 60_000;

const LOG_INTERVAL_MS = 5_000;

const KINDS = ["change", "refusal"] as const satisfies readonly AuditEntry["kind"][];

const entrySchema = z.strictObject({
  /** `""` is the server's own account; refused keys of nobody are there, too. */
  tenant: z.string(),
  key: z.strictObject({ id: z.string(), name: z.string() }).optional(),
  address: z.string(),
  what: z.string(),
  skipped: z.int().optional(),
});

/** An entry as calls return it. */
export const auditEntrySchema = entrySchema.omit({ tenant: true }).extend({
  id: z.string(),
  time: z.iso.datetime(),
  kind: z.enum(KINDS),
});

type Entry = z.output<typeof entrySchema>;

/** What a client sent may contain a key or a signature. */
const maskedOf = ({ key, what, ...rest }: Entry): Entry => ({
  ...rest,
  ...(key && { key: { ...key, name: maskText(key.name) } }),
  what: maskText(what),
});

export type Audit = ReturnType<typeof createAudit>;

/** Who changed what, and which keys were refused: in the state store, and in the log of the server. Secrets are in neither. */
export function createAudit(log: Logger) {
  const written = { change: PRUNE_INTERVAL, refusal: PRUNE_INTERVAL };
  let minute = { until: 0, refusals: 0 };
  let skipped = 0;
  let last = { now: 0, count: 0 };
  const onSkipped = throttled<object>(LOG_INTERVAL_MS, (refusals) =>
    log.warn({ refusals }, "too many keys are refused to write all of them to the audit log"),
  );

  /** In the order of the calls, also within a millisecond. */
  function nextId(): string {
    const now = Date.now();
    last = { now, count: last.now === now ? last.count + 1 : 0 };
    const count = (last.count % 0x1000).toString(16).padStart(3, "0");
    return `${now}-${count}${randomBytes(3).toString("hex").slice(1)}`;
  }

  async function add(store: StateStore | undefined, kind: AuditEntry["kind"], entry: Entry): Promise<void> {
    if (!store) return;
    const records = recordsFor(store, kind);
    const id = nextId();
    try {
      await records.put(id, JSON.stringify(entry));
      if (++written[kind] < PRUNE_INTERVAL) return;
      written[kind] = 0;
      const ids = (await records.list()).map(([id]) => id);
      const oldest = ids.at(-MAX_ENTRIES);
      if (ids.length > MAX_ENTRIES && oldest !== undefined) await records.deleteBefore(oldest);
    } catch (err) {
      log.error({ err, kind, ...entry }, "an entry of the audit log was not written");
    }
  }

  return {
    /** Never rejects: what was changed is changed. */
    async changed(store: StateStore | undefined, entry: Entry): Promise<void> {
      const masked = maskedOf(entry);
      log.info(masked, "a change by the management");
      await add(store, "change", masked);
    },
    /** Never rejects. */
    async refused(store: StateStore | undefined, entry: Entry): Promise<void> {
      const now = performance.now();
      if (minute.until < now) minute = { until: now + MINUTE_MS, refusals: 0 };
      if (++minute.refusals > MAX_REFUSALS) {
        skipped++;
        onSkipped({});
        return;
      }
      const masked = maskedOf(entry);
      log.warn(masked, "a key was refused");
      const before = skipped;
      skipped = 0;
      await add(store, "refusal", { ...masked, ...(before > 0 && { skipped: before }) });
    },
  };
}

/** Entries of an account, newest first. Throws `EBUSY` if the store cannot be reached. */
export async function readAudit(
  store: StateStore,
  tenant: string,
  { before, limit }: AuditListOptions,
): Promise<AuditEntry[]> {
  const lists = await Promise.all(
    KINDS.map(async (kind) => {
      const found = await stored(() => recordsFor(store, kind).list(undefined, before));
      return found.map(([id, text]) => ({ id, kind, text }));
    }),
  );
  const entries: AuditEntry[] = [];
  for (const { id, kind, text } of lists.flat().sort((a, b) => (a.id < b.id ? 1 : -1))) {
    const { tenant: owner, ...entry } = entrySchema.parse(JSON.parse(text));
    if (owner !== tenant) continue;
    entries.push({ id, time: new Date(Number(id.split("-", 1)[0])).toISOString(), kind, ...entry });
    if (entries.length === limit) break;
  }
  return entries;
}

function recordsFor(store: StateStore, kind: AuditEntry["kind"]): Records {
  return recordsOf(store, `core-audit-${kind}`);
}
