import {
  type Asset,
  codeOf,
  type Endpoint,
  type PluginApi,
  type RenderContext,
  type Source,
} from "@mediatap/core";
import { type Conditions, sharedControlOf } from "@mediatap/core/cache";
import { type EntryFacts, isForFewer, NOT_MODIFIED } from "@mediatap/core/storage";
import type { CopyLeases } from "./leases.ts";
import { nameOf, type Owner } from "./names.ts";
import { type CopyRecord, confirmedRecord, entryFacts, sourceFacts } from "./record.ts";
import type { CopyStore } from "./store.ts";

export interface FetchParts {
  /** The plugin's name. */
  readonly plugin: string;
  readonly api: Pick<PluginApi, "origins" | "logger">;
  readonly store: CopyStore;
  readonly leases: CopyLeases;
  /** When something was purged last, as of `monotonicNow()`. */
  readonly purged: () => number;
  /** Fingerprints of the origins whose files are copied, by name. */
  readonly places: ReadonlyMap<string, string>;
  /** Milliseconds after which the origin is asked whether a copy is still right. */
  readonly revalidate: number;
  /** Milliseconds beyond that for which a copy stands in for an origin that fails. */
  readonly staleIfError: number;
  readonly onUsed: (name: string, record: CopyRecord) => void;
}

interface Question {
  readonly asset: Asset;
  readonly conditions: Conditions;
  readonly context: RenderContext;
  readonly endpoint: Endpoint;
}

/** A copy, found by its record. */
interface Held {
  readonly origin: string;
  readonly name: string;
  readonly record: CopyRecord;
}

type Answer = Source | typeof NOT_MODIFIED | undefined;

/** Failures that no copy stands in for: the origin has spoken. */
const FINAL = new Set(["EACCES", "ELIMIT", "ENOENT"]);

/** A tap of `fetch` that answers from copies, and asks an origin only whether a copy whose time is up is still right. */
export function createFetch(parts: FetchParts) {
  const { plugin, api, store, leases, purged, places, revalidate, staleIfError, onUsed } = parts;
  const { logger } = api;

  return async function fetch(question: Question): Promise<Answer> {
    const { asset, context } = question;
    const started = performance.now();
    const owners = ownersOf(question);
    const held = (await find(owners, context)) ?? (await findMade(owners, question));
    const { outcome, answer } = held ? await judge(held, question) : { outcome: "miss", answer: undefined };
    const duration = performance.now() - started;
    context.spans.add(plugin, duration, outcome);
    const { key } = context;
    const line = {
      origin: held?.origin,
      path: asset.path.slice(0, 500),
      outcome,
      ms: Math.round(duration),
      key,
    };
    logger.debug(line, "a saved copy was looked up");
    return answer;
  };

  /** Whose copies could answer, in the order in which their origins are asked. */
  function ownersOf({ asset, conditions, endpoint }: Question): { name: string; owner: Owner }[] {
    return orderOf(endpoint).flatMap((origin) => {
      const place = places.get(origin);
      if (place === undefined || (conditions.origin ?? origin) !== origin) return [];
      const { urls = false, forwardsHost = false } = api.origins.storage(origin);
      if ((asset.kind === "url") !== urls) return [];
      const owner: Owner = {
        origin,
        path: asset.path,
        ...(forwardsHost && asset.host !== undefined && { host: asset.host }),
      };
      return { name: nameOf(place, owner), owner };
    });
  }

  /** The copy of the first origin that has one. */
  async function find(
    owners: ReturnType<typeof ownersOf>,
    context: RenderContext,
  ): Promise<Held | undefined> {
    const found = await Promise.all(
      owners.map(async ({ name, owner }): Promise<Held | undefined> => {
        const record = await store.read(name, owner, context.signal);
        return record && { origin: owner.origin, name, record };
      }),
    );
    return found.find((held) => held !== undefined);
  }

  /** The copy that another machine is making at this moment. */
  async function findMade(
    owners: ReturnType<typeof ownersOf>,
    { asset, conditions, context }: Question,
  ): Promise<Held | undefined> {
    const isPlain = conditions.origin === undefined && !conditions.head;
    if (!isPlain || conditions.ifNoneMatch !== undefined || conditions.ifModifiedSince !== undefined)
      return undefined;
    const names = owners.map(({ name }) => name);
    const isMade = await leases.wait({ path: asset.path, names, since: purged() }, context);
    return isMade ? await find(owners, context) : undefined;
  }

  async function judge(held: Held, question: Question): Promise<{ outcome: string; answer: Answer }> {
    const due = isDue(held.record);
    const earlier = await askEarlier(held, due, question);
    if (earlier) return { outcome: "passed over", answer: earlier };
    if (due) return await confirm(held, question);
    const answer = await serve(held, question);
    return { outcome: answer ? "hit" : "miss", answer };
  }

  function isDue(record: CopyRecord): boolean {
    const age = Date.now() - record.checked;
    // A clock that was set back must not make it fresh for ever.
    return age < 0 || age >= revalidate || sharedControlOf(sourceFacts(record)).noCache;
  }

  /**
   * An origin before the one that the copy is of may have the file by now. The library, and what is cheap to ask (a
   * folder), is asked each time; the others when the copy's time is up.
   */
  async function askEarlier({ origin }: Held, due: boolean, question: Question): Promise<Source | undefined> {
    const { asset, conditions, context, endpoint } = question;
    if (conditions.origin !== undefined) return undefined;
    const order = orderOf(endpoint);
    for (const earlier of order.slice(0, order.indexOf(origin))) {
      const isCheap = earlier === endpoint.library || api.origins.storage(earlier).freshFor !== undefined;
      if (!due && !isCheap) continue;
      const asked = { origin: earlier, ...(conditions.head && { head: true }) };
      try {
        const found = await api.origins.ask(asset, asked, context);
        if (typeof found === "object") return found;
      } catch (error) {
        // The failure is in the log already, and here is a copy.
        if (context.signal.aborted) throw error;
      }
    }
    return undefined;
  }

  /** The time of a copy is up: its origin says whether it is still right. */
  async function confirm(held: Held, question: Question): Promise<{ outcome: string; answer: Answer }> {
    const { asset, conditions, context } = question;
    const { origin, name, record } = held;
    const { etag, lastModified } = record.facts;
    let answer: Answer;
    let said: EntryFacts = {};
    try {
      answer = await api.origins.ask(
        asset,
        {
          origin,
          onNotModified: (facts) => {
            said = facts;
          },
          ...(etag !== undefined && { ifNoneMatch: etag }),
          ...(lastModified !== undefined && { ifModifiedSince: lastModified }),
          held: sourceFacts(record),
          ...(conditions.head && { head: true }),
        },
        context,
      );
    } catch (error) {
      if (context.signal.aborted) throw error;
      // A copy that was confirmed in the future, before the clock was set back, is due since now.
      const overdue = Math.max(0, Date.now() - record.checked - revalidate);
      // Without a copy all origins are asked, and the most telling failure is the answer.
      if (FINAL.has(codeOf(error) ?? "") || overdue >= staleIfError) {
        return { outcome: "failed", answer: undefined };
      }
      // Nothing confirms what the asker holds: it knows best what that means.
      if (isHeld(record, conditions)) throw error;
      return { outcome: "stale", answer: await serve(held, question, { stale: true }) };
    }
    if (answer === undefined) {
      await store.forget(name, record);
      return { outcome: "gone", answer };
    }
    if (answer !== NOT_MODIFIED) return { outcome: "replaced", answer };
    const renewed = confirmedRecord(record, said);
    store.update(name, renewed);
    return { outcome: "confirmed", answer: await serve({ ...held, record: renewed }, question) };
  }

  /** The copy as a source. */
  async function serve(
    { name, record }: Held,
    { conditions, context }: Question,
    { stale = false } = {},
  ): Promise<Answer> {
    if (isHeld(record, conditions)) {
      conditions.onNotModified?.(entryFacts(record));
      return NOT_MODIFIED;
    }
    const { head = false } = conditions;
    const entry = await store.open(name, record, { signal: context.signal, ...(head && { head }) });
    if (!entry) return undefined;
    onUsed(name, record);
    const facts = {
      ...sourceFacts(record),
      copy: { by: plugin, ...(stale && { stale }) },
      // What is made of it is right for now, and soon the origin is asked again.
      ...(stale && { freshFor: context.limits.failureLifetime }),
    };
    return api.origins.source(entry, facts, (options) => store.open(name, record, options));
  }
}

/** The library first, then the origins as configured. */
function orderOf({ library, origins }: Endpoint): string[] {
  return [...new Set([...(library === undefined ? [] : [library]), ...origins])];
}

/** Whether the validators of a condition are those of a copy (RFC 9110 §13.2.2). */
function isHeld(record: CopyRecord, { ifNoneMatch, ifModifiedSince, held }: Conditions): boolean {
  const { facts } = record;
  if (held && isForFewer(sourceFacts(record), held)) return false;
  if (ifNoneMatch !== undefined) return ifNoneMatch === facts.etag;
  return (
    ifModifiedSince !== undefined && facts.lastModified !== undefined && facts.lastModified <= ifModifiedSince
  );
}
