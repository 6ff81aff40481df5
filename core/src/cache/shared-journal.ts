import { matchesRule, type PurgeRule } from "../model/purge-rule.ts";
import type { RenditionRecord } from "../model/rendition.ts";
import type { JournalRule, PurgeJournal, StoredMetadata } from "../plugin/cache-backend.ts";
import type { Clock } from "../util/clock.ts";
import { timeOfRule } from "./journal-rule.ts";

const MAX_RULES = 10_000;

export interface JournalParts {
  readonly clock: Clock;
  /** Milliseconds for which the backend keeps entries. */
  readonly ttl?: number;
  /** Rules in the journal at most; one more becomes a rule that matches everything. @default 10_000 */
  readonly maxRules?: number;
  /** Another process has added a rule since this one read the journal first. */
  readonly onRule?: (rule: JournalRule) => void;
}

/**
 * What this process knows of a backend's journal. An entry contains the ids of the rules that matched it when it was
 * written, and is valid as long as no other rule matches it. So no clocks are compared, a purge is one small write however
 * many entries it concerns, and an entry that is still on its way when the purge comes is void when it arrives. Without a
 * journal the rules end with the process.
 */
export function createSharedJournal(
  journal: PurgeJournal | undefined,
  { ttl, clock, onRule, maxRules = MAX_RULES }: JournalParts,
) {
  let known = new Map<string, JournalRule>();
  let index = indexOf(known);
  /** Rules that are being written: what is read meanwhile need not have them. */
  const writing = new Set<string>();
  let version: string | undefined;
  let isLoaded = false;
  let reading: Promise<void> | undefined;

  async function readAll(): Promise<void> {
    const before = new Set([...known.keys()].filter((id) => !writing.has(id)));
    const found = journal ? await journal.read() : { rules: [...known.values()] };
    const oldest = clock.now() - (ttl ?? Number.POSITIVE_INFINITY);
    const rules = new Map(
      found.rules.filter(({ id }) => timeOfRule(id) >= oldest).map((rule) => [rule.id, rule]),
    );
    // Added here since the read began.
    for (const [id, rule] of known) if (!before.has(id)) rules.set(id, rule);
    const added = isLoaded ? [...rules.values()].filter(({ id }) => !known.has(id)) : [];
    known = rules;
    index = indexOf(known);
    version = found.version;
    isLoaded = true;
    for (const rule of added) onRule?.(rule);
  }

  function read(): Promise<void> {
    reading ??= readAll().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  /** Applies a rule from now on. Returns the ids of those that it replaces. */
  function activate(rule: JournalRule): string[] {
    const replaced = [...known.values()]
      .filter((one) => one.id !== rule.id && covers(rule, one))
      .map(({ id }) => id);
    known.set(rule.id, rule);
    for (const id of replaced) known.delete(id);
    index = indexOf(known);
    return replaced;
  }

  return {
    /** Whether the rules are known as of this version of the journal; else they have to be read. */
    isCurrent: (seen: string | undefined) => isLoaded && (seen === undefined || seen === version),
    read,
    /** A rule that another process has written. */
    activate: (rule: JournalRule) => void activate(rule),
    async add(rule: JournalRule): Promise<void> {
      const now: JournalRule = known.size < maxRules ? rule : { id: rule.id, kind: "all", value: "" };
      const replaced = activate(now);
      writing.add(now.id);
      await journal?.add(now, replaced).finally(() => writing.delete(now.id));
    },
    /** Ids of the rules that match an entry. */
    matching: (metadata: RenditionRecord): readonly string[] => index(metadata),
    /** Whether no rule matches an entry but those that are older than it. */
    allows: (metadata: StoredMetadata): boolean =>
      index(metadata).every((id) => metadata.purges?.includes(id) === true),
  };
}

function covers(rule: PurgeRule, other: PurgeRule): boolean {
  const isSameTenant = rule.tenant === undefined || rule.tenant === other.tenant;
  return isSameTenant && (rule.kind === "all" || (rule.kind === other.kind && rule.value === other.value));
}

/** Sources and tags are looked up by name, since there may be many; the others are tried one by one. */
function indexOf(rules: ReadonlyMap<string, JournalRule>): (metadata: RenditionRecord) => readonly string[] {
  if (rules.size === 0) return () => [];
  const byName = new Map<string, JournalRule[]>();
  const others: JournalRule[] = [];
  for (const rule of rules.values()) {
    if (rule.kind !== "source" && rule.kind !== "tag" && rule.kind !== "key") {
      others.push(rule);
      continue;
    }
    const name = `${rule.kind} ${rule.value}`;
    byName.set(name, [...(byName.get(name) ?? []), rule]);
  }
  return ({ key, asset, sources, tags = [], ...metadata }) => {
    const names = new Set([
      `key ${key}`,
      ...sources.map(({ path }) => `source ${path}`),
      ...(asset ? [`source ${asset.path}`] : []),
      ...tags.map((tag) => `tag ${tag}`),
    ]);
    const candidates = [...[...names].flatMap((name) => byName.get(name) ?? []), ...others];
    const entry = { key, sources, tags, ...metadata, ...(asset && { asset }) };
    return candidates.filter((rule) => matchesRule(entry, rule)).map(({ id }) => id);
  };
}
