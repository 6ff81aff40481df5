import { hash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { PluginApi } from "@mediatap/core";
import { withTimeout } from "@mediatap/core/cache";
import { BUS_NEWS, createAnnouncements, READ_NEWS } from "./announcements.ts";
import { createLink, type RedisOptions } from "./link.ts";
import { createRedisLocks, LOCK_NEWS, type LockParts } from "./locks.ts";
import { NOTE } from "./scripts.ts";

/** Milliseconds that the start of a server waits for what was said while it was away. */
const START = 1_000;

/** Milliseconds for which `mediatap doctor` waits for a connection, and for an answer. */
const PROBE = 2_000;

export interface ShareParts
  extends Pick<LockParts, "namespace" | "timeout" | "expiry" | "patience" | "rest"> {
  readonly name: string;
  readonly redis: RedisOptions;
  readonly member: string;
  readonly api: Pick<PluginApi, "cluster" | "logger">;
}

/** What this process has in common with other machines. */
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
  const ends: (() => void)[] = [];

  return {
    /** Connects, and reads what was said while this machine was away; a Redis that takes its time does not hold up the start. */
    async start(): Promise<void> {
      if (ends.length === 0) {
        const end = api.cluster.bus.connect({ name, send: announcements.send });
        ends.push(() => end.close(), api.cluster.locks.connect(name, locks));
        announcements.start(end);
        link.start();
      }
      let isWarned = false;
      const warn = () => {
        if (!isWarned) logger.warn(`${link.trouble()}; other machines are not heard until it is`);
        isWarned = true;
      };
      void link.connected.then((works) => works || warn());
      // A refusal that has arrived meanwhile is heard first: it has a reason.
      await withTimeout(START, ready.promise).catch(() => setImmediate(warn));
    },
    /** What `mediatap doctor` tries: milliseconds that it took to write and read a value. */
    async probe(): Promise<number> {
      link.start();
      const started = performance.now();
      for (;;) {
        try {
          const asked = performance.now();
          const text = await withTimeout(PROBE, link.run(NOTE, `${namespace}:doctor`, "was here", 10_000));
          if (text !== "was here") throw new Error("A written value was read with other content");
          return performance.now() - asked;
        } catch (error) {
          if (performance.now() - started > PROBE) throw error;
          await delay(100);
        }
      }
    },
    async close(): Promise<void> {
      for (const end of ends.splice(0)) end();
      locks.close();
      await announcements.close();
      await link.close();
    },
  };
}

export type Share = ReturnType<typeof createShare>;

/** A name may be long, and hold anything. */
function shortened(member: string): string {
  return hash("sha256", member, "base64url").slice(0, 22);
}
