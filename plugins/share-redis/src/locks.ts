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
  /** Milliseconds after which another machine takes the lock, although its owner still renews it. */
  readonly patience: number;
  /** Milliseconds without commands after Redis has failed. */
  readonly cooldown: number;
}

/** Milliseconds for which an outcome is stored. */
const OUTCOME_LIFETIME_MS = 2_000;

/** Milliseconds between two polls of a lock that another machine owns: the message about its release may be lost. */
const POLL_INTERVAL_MS = 500;

/** Prefix of the message that a lock was released. */
export const LOCK_NEWS = "lock ";

export interface RedisLocks extends Locks {
  /** A lock was released. */
  onReleased(id: string): void;
  /** No messages arrive for a while: all that wait poll the lock. */
  onLost(): void;
  close(): void;
}

/** Locks in Redis: one key each, which expires if its owner does not renew it. */
export function createRedisLocks(parts: LockParts): RedisLocks {
  const { link, namespace, channel, logger, timeout, expiry, patience, cooldown } = parts;
  /** Emits the id of a lock that was released. */
  const released = new EventEmitter().setMaxListeners(0);
  const renewals = new Set<NodeJS.Timeout>();
  const breaker = createCacheBreaker({
    rest: cooldown,
    onFailure: (err) => logger.warn({ err }, "Redis does not respond: each machine works alone"),
    onRecovery: () => logger.info("Redis responds again: machines share their work"),
  });

  const nameOf = (id: string) => `${namespace}:lock-1:${id}`;

  const acquire: Locks["acquire"] = async (key, { signal, since = 0 }) => {
    const id = hash("sha256", key, "base64url");
    const token = randomUUID();
    for (;;) {
      signal.throwIfAborted();
      const waiting = new AbortController();
      // Before the command, so that a message that arrives meanwhile is not missed.
      const news = once(released, id, { signal: AbortSignal.any([signal, waiting.signal]) }).catch(() => {});
      try {
        const reply = await breaker.run(() => request(id, token, since));
        if (reply?.state === "mine") {
          const lock = renewing(id, token);
          if (!signal.aborted) return lock;
          lock.release();
        }
        signal.throwIfAborted();
        if (reply === undefined || reply.state === "mine") return undefined;
        if (reply.state === "done") return { outcome: reply.outcome };
        const milliseconds = Math.min(reply.expiresIn, POLL_INTERVAL_MS) * (0.8 + Math.random() * 0.4) + 5;
        const timer = delay(milliseconds, undefined, { signal: waiting.signal }).catch(() => {});
        await Promise.race([news, timer]);
      } finally {
        waiting.abort();
      }
    }
  };

  async function request(id: string, token: string, since: number): Promise<Reply> {
    // An age instead of a time: the clocks of machines differ.
    const age = since > 0 ? Math.max(0, monotonicNow() - since) : Number.MAX_SAFE_INTEGER;
    const reply = link.run(ACQUIRE, nameOf(id), token, expiry, patience, age).then(parseReply);
    try {
      return await withTimeout(timeout, reply);
    } catch (error) {
      // Nothing waits for the reply any more: a lock that is granted late is released.
      reply.then(({ state }) => state === "mine" && release(id, token, "")).catch(() => {});
      throw error;
    }
  }

  /** A lock that is renewed until it is released, or lost. */
  function renewing(id: string, token: string): Lock {
    const renewal = setInterval(async () => {
      const isRenewed = await link.run(RENEW, nameOf(id), token, expiry).catch(() => undefined);
      if (isRenewed === 0) stop();
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
        release(id, token, outcome);
      },
    };
  }

  /** If that fails, the lock expires. */
  function release(id: string, token: string, outcome: string): void {
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
