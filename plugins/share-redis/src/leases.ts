import { hash, randomUUID } from "node:crypto";
import type { Lease, LeaseEnd, LeaseOptions, PluginApi } from "@mediatap/core";
import { createCacheBreaker, monotonicNow } from "@mediatap/core/cache";
import type { Link } from "./link.ts";
import { CLAIM, RELEASE, RENEW } from "./scripts.ts";

export interface LeaseParts {
  readonly link: Pick<Link, "run">;
  readonly namespace: string;
  readonly channel: string;
  readonly logger: PluginApi["logger"];
  /** Milliseconds that a request waits for an answer of Redis. */
  readonly timeout: number;
  /** Milliseconds after which a lease that is not renewed ends. */
  readonly expiry: number;
  /** Milliseconds after which a holder is overtaken, though it still renews its lease. */
  readonly patience: number;
  /** Milliseconds for which a Redis that failed is left alone. */
  readonly rest: number;
}

/** Milliseconds for which it can still be heard what work came to. */
const KEPT = 2_000;

/** Milliseconds between two looks at a lease that others have: news of its end may be lost. */
const LOOK = 500;

/** What news of the end of a lease begin with. */
export const LEASE_NEWS = "lease ";

/** Leases in Redis: one key each, which ends by itself where its holder does not renew it. */
export function createLeaseLine(parts: LeaseParts) {
  const { link, namespace, channel, logger, timeout, expiry, patience, rest } = parts;
  /** Those who wait for the end of a lease, by its id. */
  const waiting = new Map<string, Set<() => void>>();
  const renewals = new Set<NodeJS.Timeout>();
  const breaker = createCacheBreaker({
    rest,
    onFailure: (err) => logger.warn({ err }, "Redis does not respond: each machine works alone"),
    onRecovery: () => logger.info("Redis responds again: machines share their work"),
  });

  const nameOf = (id: string) => `${namespace}:lease-1:${id}`;

  async function claim(name: string, { signal, since }: LeaseOptions): Promise<Lease | LeaseEnd | undefined> {
    const id = hash("sha256", name, "base64url");
    const token = randomUUID();
    for (;;) {
      signal.throwIfAborted();
      const wait = waitFor(id, signal);
      try {
        const answer = await breaker.run(() => ask(id, token, since));
        if (answer?.state === "mine") {
          const lease = keep(id, token);
          if (!signal.aborted) return lease;
          lease.release();
        }
        signal.throwIfAborted();
        if (answer === undefined || answer.state === "mine") return undefined;
        if (answer.state === "done") return { end: answer.end };
        await wait.until(Math.min(answer.left, LOOK) * (0.8 + Math.random() * 0.4) + 5);
      } finally {
        wait.end();
      }
    }
  }

  async function ask(id: string, token: string, since: number): Promise<Answer> {
    // How long ago, and not when: no two machines have the same time.
    const old = since > 0 ? Math.max(0, monotonicNow() - since) : Number.MAX_SAFE_INTEGER;
    const asked = link.run(CLAIM, nameOf(id), token, expiry, patience, old);
    try {
      return parseAnswer(await inTime(timeout, asked));
    } catch (error) {
      // Nobody waits for it any more: who is handed the lease after all, gives it back.
      asked.then((late) => parseAnswer(late).state === "mine" && giveBack(id, token, "")).catch(() => {});
      throw error;
    }
  }

  /** A lease that is renewed until it is given back, or lost. */
  function keep(id: string, token: string): Lease {
    const renewal = setInterval(async () => {
      const kept = await link.run(RENEW, nameOf(id), token, expiry).catch(() => undefined);
      if (kept === 0) stop();
    }, expiry / 3).unref();
    renewals.add(renewal);
    const stop = () => {
      clearInterval(renewal);
      renewals.delete(renewal);
    };
    let isBack = false;
    return {
      release(end = "") {
        if (isBack) return;
        isBack = true;
        stop();
        giveBack(id, token, end);
      },
    };
  }

  /** Where that fails, it ends by itself. */
  function giveBack(id: string, token: string, end: string): void {
    link.run(RELEASE, nameOf(id), token, end, KEPT, channel, LEASE_NEWS + id).catch((err: unknown) => {
      logger.debug({ err }, "a lock was not released and will expire");
    });
  }

  /** To be made before Redis is asked, so that what is said meanwhile is not missed. */
  function waitFor(id: string, signal: AbortSignal) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const others = waiting.get(id) ?? new Set();
    waiting.set(id, others);
    others.add(resolve);
    const leave = () => resolve();
    signal.addEventListener("abort", leave);
    return {
      async until(milliseconds: number): Promise<void> {
        const timer = setTimeout(resolve, milliseconds);
        await promise;
        clearTimeout(timer);
      },
      end(): void {
        signal.removeEventListener("abort", leave);
        others.delete(resolve);
        if (others.size === 0 && waiting.get(id) === others) waiting.delete(id);
      },
    };
  }

  return {
    claim,
    /** A lease has ended. */
    hear(id: string): void {
      for (const wake of waiting.get(id) ?? []) wake();
    },
    /** Nothing will be heard for a while: those who wait look for themselves. */
    lost(): void {
      for (const wakers of waiting.values()) for (const wake of wakers) wake();
    },
    close(): void {
      for (const renewal of renewals) clearInterval(renewal);
      renewals.clear();
    },
  };
}

/** Rejects when an answer takes too long; one that came while this process was busy is in time. */
function inTime<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(Object.assign(new Error("it took too long"), { code: "ETIMEDOUT" }));
    // What has come is read before that.
    const timer = setTimeout(() => setImmediate(() => setImmediate(late)), milliseconds);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

type Answer =
  | { readonly state: "mine" }
  | { readonly state: "done"; readonly end: string }
  | { readonly state: "held"; readonly left: number };

function parseAnswer(answer: unknown): Answer {
  const [state, more] = Array.isArray(answer) ? answer.map(String) : [];
  if (state === "mine") return { state };
  if (state === "done") return { state, end: more ?? "" };
  if (state === "held") return { state, left: Number(more) || 0 };
  throw new Error("Redis gave an answer that is none");
}
