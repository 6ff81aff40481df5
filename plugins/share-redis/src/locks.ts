import { hash, randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Lock, Locks, PluginApi } from "@mediatap/core";
import { createCacheBreaker, monotonicNow, withTimeout } from "@mediatap/core/cache";
import type { Link } from "./link.ts";
import { ACQUIRE, RELEASE, RENEW } from "./scripts.ts";

export interface LockParts {
  readonly link: Pick<Link, "run">;
  readonly namespace: string;
  readonly channel: string;
  readonly logger: PluginApi["logger"];
  /** Milliseconds that a request waits for Redis. */
  readonly timeout: number;
  /** Milliseconds after which a lock that is not renewed expires. */
  readonly expiry: number;
  /** Milliseconds after which an owner is overtaken, though it still renews its lock. */
  readonly patience: number;
  /** Milliseconds for which a Redis that failed is left alone. */
  readonly rest: number;
}

/** Milliseconds for which an outcome is kept. */
const OUTCOME_LIFETIME_MS = 2_000;

/** Milliseconds between two looks at a lock that another machine has: the news of its end may be lost. */
const LOOK_INTERVAL_MS = 500;

/** Prefix of the news that a lock was released. */
export const LOCK_NEWS = "lock ";

export interface RedisLocks extends Locks {
  /** A lock was released. */
  onReleased(id: string): void;
  /** No news will come for a while: those that wait look for themselves. */
  onLost(): void;
  close(): void;
}

/** Locks in Redis: one key each, which expires if its owner does not renew it. */
export function createRedisLocks(parts: LockParts): RedisLocks {
  const { link, namespace, channel, logger, timeout, expiry, patience, rest } = parts;
  /** Emits the id of a lock that was released. */
  const released = new EventEmitter().setMaxListeners(0);
  const renewals = new Set<NodeJS.Timeout>();
  const breaker = createCacheBreaker({
    rest,
    onFailure: (err) => logger.warn({ err }, "Redis does not respond: each machine works alone"),
    onRecovery: () => logger.info("Redis responds again: machines share their work"),
  });

  const nameOf = (id: string) => `${namespace}:lock-1:${id}`;

  const acquire: Locks["acquire"] = async (key, { signal, since = 0 }) => {
    const id = hash("sha256", key, "base64url");
    const token = randomUUID();
    for (;;) {
      signal.throwIfAborted();
      const left = new AbortController();
      // Before Redis is asked, so that news that come meanwhile are not missed.
      const news = once(released, id, { signal: AbortSignal.any([signal, left.signal]) }).catch(() => {});
      try {
        const reply = await breaker.run(() => request(id, token, since));
        if (reply?.state === "mine") {
          const lock = keep(id, token);
          if (!signal.aborted) return lock;
          lock.release();
        }
        signal.throwIfAborted();
        if (reply === undefined || reply.state === "mine") return undefined;
        if (reply.state === "done") return { outcome: reply.outcome };
        const milliseconds = Math.min(reply.expiresIn, LOOK_INTERVAL_MS) * (0.8 + Math.random() * 0.4) + 5;
        const timer = delay(milliseconds, undefined, { signal: left.signal }).catch(() => {});
        await Promise.race([news, timer]);
      } finally {
        left.abort();
      }
    }
  };

  async function request(id: string, token: string, since: number): Promise<Reply> {
    // How long ago, and not when: no two machines have the same time.
    const age = since > 0 ? Math.max(0, monotonicNow() - since) : Number.MAX_SAFE_INTEGER;
    const reply = link.run(ACQUIRE, nameOf(id), token, expiry, patience, age).then(parseReply);
    try {
      return await withTimeout(timeout, reply);
    } catch (error) {
      // Nobody waits for it any longer: a lock that is granted after all is released.
      reply.then(({ state }) => state === "mine" && giveBack(id, token, "")).catch(() => {});
      throw error;
    }
  }

  /** A lock that is renewed until it is released, or lost. */
  function keep(id: string, token: string): Lock {
    const renewal = setInterval(async () => {
      const kept = await link.run(RENEW, nameOf(id), token, expiry).catch(() => undefined);
      if (kept === 0) stop();
    }, expiry / 3).unref();
    renewals.add(renewal);
    const stop = () => {
      clearInterval(renewal);
      renewals.delete(renewal);
    };
    let isReleased = false;
    return {
      release(outcome = "") {
        if (isReleased) return;
        isReleased = true;
        stop();
        giveBack(id, token, outcome);
      },
    };
  }

  /** If that fails, the lock expires. */
  function giveBack(id: string, token: string, outcome: string): void {
    const news = LOCK_NEWS + id;
    link
      .run(RELEASE, nameOf(id), token, outcome, OUTCOME_LIFETIME_MS, channel, news)
      .catch((err: unknown) => logger.debug({ err }, "a lock was not released and will expire"));
  }

  return {
    acquire,
    onReleased: (id) => released.emit(id),
    onLost() {
      // `once` also listens to "error", which must not be emitted.
      for (const id of released.eventNames()) if (id !== "error") released.emit(id);
    },
    close() {
      for (const renewal of renewals) clearInterval(renewal);
    },
  };
}

type Reply =
  | { readonly state: "mine" }
  | { readonly state: "done"; readonly outcome: string }
  | { readonly state: "held"; readonly expiresIn: number };

function parseReply(reply: unknown): Reply {
  const [state, more = ""] = Array.isArray(reply) ? reply.map(String) : [];
  if (state === "mine") return { state };
  if (state === "done") return { state, outcome: more };
  if (state === "held") return { state, expiresIn: Number(more) || 0 };
  throw new Error("Redis sent an unexpected reply");
}
