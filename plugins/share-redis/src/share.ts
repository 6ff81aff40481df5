import { hash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { PluginApi } from "@mediatap/core";
import { withTimeout } from "@mediatap/core/cache";
import { BUS_NEWS, createAnnouncements, READ_NEWS } from "./announcements.ts";
import { createLink, type RedisOptions } from "./link.ts";
import { createRedisLocks, LOCK_NEWS, type LockParts } from "./locks.ts";
import { NOTE } from "./scripts.ts";

/** Milliseconds that the start of a server waits for the messages that it missed while it was stopped. */
const START_TIMEOUT_MS = 1_000;

/** Milliseconds for which `mediatap doctor` waits for a connection and for a reply. */
const PROBE_TIMEOUT_MS = 2_000;

export interface ShareParts
  extends Pick<LockParts, "namespace" | "timeout" | "expiry" | "patience" | "cooldown"> {
  readonly name: string;
  readonly redis: RedisOptions;
  readonly member: string;
  readonly api: Pick<PluginApi, "cluster" | "logger">;
}

/** The locks and the message bus that this process shares with other machines. */
export function createShare({ name, redis, member, api, ...settings }: ShareParts) {
  const { logger } = api;
  const { namespace } = settings;
  const channel = `${namespace}:news-1`;
  const link = createLink({
    options: redis,
    channel,
    onReady: () => {
      void announcements.onReady().then(() => ready.resolve());
    },
    onLost: () => locks.onLost(),
    onNews(text) {
      if (text === BUS_NEWS) void announcements.onNews();
      else if (text === READ_NEWS) announcements.onRead();
      else if (text.startsWith(LOCK_NEWS)) locks.onReleased(text.slice(LOCK_NEWS.length));
    },
  });
  const locks = createRedisLocks({ link, channel, logger, ...settings });
  const announcements = createAnnouncements({ link, namespace, channel, logger, member: shortened(member) });
  const ready = Promise.withResolvers<void>();
  const closers: (() => void)[] = [];

  return {
    /** Connects, and reads the messages that this machine has missed. A slow Redis does not delay the start for long. */
    async start(): Promise<void> {
      if (closers.length === 0) {
        const end = api.cluster.bus.connect({ name, send: announcements.send });
        closers.push(() => end.close(), api.cluster.locks.connect(name, locks));
        announcements.start(end);
        link.start();
      }
      let isWarned = false;
      const warn = () => {
        if (!isWarned) logger.warn(`${link.failureText()}; other machines are not heard until it is`);
        isWarned = true;
      };
      void link.connected.then((works) => works || warn());
      // An error that has arrived meanwhile is handled first: it contains the reason.
      await withTimeout(START_TIMEOUT_MS, ready.promise).catch(() => setImmediate(warn));
    },
    /** The check of `mediatap doctor`: milliseconds that it took to write and read a value. */
    async probe(): Promise<number> {
      link.start();
      const started = performance.now();
      for (;;) {
        try {
          const attemptStart = performance.now();
          const text = await withTimeout(
            PROBE_TIMEOUT_MS,
            link.run(NOTE, `${namespace}:doctor`, "was here", 10_000),
          );
          if (text !== "was here") throw new Error("A written value was read with other content");
          return performance.now() - attemptStart;
        } catch (error) {
          if (performance.now() - started > PROBE_TIMEOUT_MS) throw error;
          await delay(100);
        }
      }
    },
    async close(): Promise<void> {
      for (const close of closers.splice(0)) close();
      locks.close();
      await announcements.close();
      await link.close();
    },
  };
}

export type Share = ReturnType<typeof createShare>;

/** A name can be long and contain any characters. */
function shortened(member: string): string {
  return hash("sha256", member, "base64url").slice(0, 22);
}
