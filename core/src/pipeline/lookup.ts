import type { Lookup } from "../hooks.ts";
import type { Asset } from "../model/asset.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Body, Delivered, RenditionRecord } from "../model/rendition.ts";
import { isHeld } from "./conditions.ts";
import { overdueOf } from "./freshness.ts";
import { originalAgain, SMALL } from "./original.ts";
import type { Services } from "./services.ts";

type Fill = Parameters<Lookup["fill"]>[0];

/** What caches have, by key. */
export function createLookup(services: Services) {
  const { hooks, engines, bans, log } = services;

  /** For a request: the fresh entry, or one past its freshness. `again`: none is fresh. */
  async function lookup(exchange: Exchange, key: string, asset: Asset, bypassCache: boolean) {
    const question = questionOf(key, bypassCache);
    const first = hooks.lookup.isUsed() ? await question.ask(false) : undefined;
    const isBare = first !== undefined && lacksBody(first) && !holds(exchange, first.record);
    // A cache further down may still have the body.
    const whole = isBare ? await question.ask(true) : first;
    if (whole) question.fill(whole);
    const found = whole ?? first;
    const { stale } = question;
    return { found: found && withOriginal(found, asset), stale: stale && withOriginal(stale, asset) };
  }

  /** For no request: the fresh entry with its body, or a failure that is remembered, or one past its freshness. */
  async function lookupWhole(key: string): Promise<WholeLookup> {
    if (!hooks.lookup.isUsed()) return {};
    const question = questionOf(key, false);
    const found = await question.ask(true);
    if (found?.record.error) return { error: found.record.error };
    if (!found?.body) return { stale: question.stale };
    question.fill(found);
    return { found: { record: found.record, body: found.body } };
  }

  /** A question to the caches: it notes what is past its freshness, and those that want what another one has. */
  function questionOf(key: string, bypassCache: boolean) {
    const now = Date.now();
    const since = bans.now();
    let stale: Delivered | undefined;
    const fills: Fill[] = [];
    const isFresh = (record: RenditionRecord) => !bypassCache && isUsable(record, services, now);
    const offer = (entry: Delivered) => {
      if (entry.record.engines !== engines || entry.record.error || bans.isPending(entry.record)) return;
      if (!stale || (!stale.body && entry.body)) stale = entry;
    };
    return {
      get stale() {
        return stale;
      },
      ask: (needsBody: boolean) =>
        hooks.lookup.promise({ key, needsBody, isFresh, offer, fill: (store) => fills.push(store) }),
      fill(found: Delivered): void {
        if (!bans.isBanned(found.record, since)) for (const store of fills) void fill(store, found);
      },
    };
  }

  /** Hands what one cache has to another that has not; the answer does not wait. */
  async function fill(store: Fill, { record, body }: Delivered): Promise<void> {
    try {
      await store(body ? { record, body } : { record });
    } catch (err) {
      log.warn({ err, key: record.key }, "a cache was not filled");
    }
  }

  /** An original that no cache keeps the bytes of is read again, from a copy or where it lies. */
  function withOriginal<D extends Delivered>(delivered: D, asset: Asset): D {
    const facts = delivered.record.sources[0];
    if (delivered.body || !delivered.record.original || !facts) return delivered;
    const body = originalAgain(services, asset, facts);
    return body ? { ...delivered, body } : delivered;
  }

  return { lookup, lookupWhole, withOriginal };
}

/** Whether an entry can be served without asking anybody: made by these engines, not purged, and fresh. */
export function isUsable(
  record: RenditionRecord,
  { engines, bans }: Pick<Services, "engines" | "bans">,
  now = Date.now(),
): boolean {
  return record.engines === engines && overdueOf(record, now) < 0 && !bans.isPending(record);
}

/** At most one of these. */
interface WholeLookup {
  readonly found?: { readonly record: RenditionRecord; readonly body: Body };
  readonly error?: NonNullable<RenditionRecord["error"]>;
  readonly stale?: Delivered | undefined;
}

/** Whether the client has a rendition already. */
export function holds({ request }: Exchange, { etag, lastModified }: RenditionRecord): boolean {
  return isHeld(request, etag, lastModified);
}

/** Whether an entry has lost a body that caches keep: failures have none, and large originals are not kept. */
function lacksBody({ record, body }: Delivered): boolean {
  if (body || record.error) return false;
  return !record.original || (record.length ?? Number.POSITIVE_INFINITY) <= SMALL;
}
