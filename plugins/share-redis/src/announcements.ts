import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { LineEnd, PluginApi } from "@mediatap/core";
import { withTimeout } from "@mediatap/core/cache";
import type { Link } from "./link.ts";
import { ABSENT, ANNOUNCE, CATCH_UP, NOTE, OTHERS, PRESENT } from "./scripts.ts";

export interface AnnouncementParts {
  readonly link: Pick<Link, "run" | "check">;
  readonly namespace: string;
  readonly channel: string;
  /** Name of this machine: Redis stores the position up to which it has read under this name. */
  readonly member: string;
  readonly logger: PluginApi["logger"];
}

/** News that there is an announcement. */
export const BUS_NEWS = "bus";

/** News that a process has read on. */
export const READ_NEWS = "read";

/** Milliseconds after its last sign of life from which a process counts as absent. */
const ABSENT_TIMEOUT_MS = 5_000;

/** Milliseconds that others have to read an announcement; a process that takes longer counts as absent. */
const CONFIRM_TIMEOUT_MS = 5_000;

/** Milliseconds between two polls of how far others have read, if no news arrives. */
const CONFIRM_INTERVAL_MS = 100;

/** Milliseconds between two polls of the list: news may be lost. */
const POLL_INTERVAL_MS = 2_000;

/** Timeout of a command in milliseconds; no request waits for it. */
const COMMAND_TIMEOUT_MS = 2_000;

/** Age of the oldest announcement that a new machine reads, in milliseconds. */
const FIRST_READ_AGE_MS = 60 * 60_000;

/** Milliseconds for which the position of a machine is stored. */
const MEMBER_LIFETIME_MS = 30 * 24 * 60 * 60_000;

/** Announcements that are read at once. */
const PAGE_ANNOUNCEMENTS = 200;

/** Own announcements that wait until Redis is back, or can be repeated, and for how long the latter: milliseconds. */
const MAX_PENDING = 1_000;
const REPEAT_AGE_MS = 60 * 60_000;

/** Milliseconds between two requests to all others for what was missed. */
const RECOVER_INTERVAL_MS = 60_000;

/** An announcement of this process. */
interface Own {
  readonly text: string;
  readonly at: number;
  /** Its id on the list; left out: it is still to be sent. */
  id?: string | undefined;
}

/** A position in the list. */
interface Position {
  readonly id: string;
  /** Number of the announcement there; 0: there was none. */
  readonly number: number;
}

/**
 * Announcements by a list in Redis that each machine reads at its own pace: one that was stopped for a while continues where it was.
 * News on a channel reports that there is something to read; if it is lost, a poll every two seconds finds it.
 */
export function createAnnouncements({ link, namespace, channel, member, logger }: AnnouncementParts) {
  const list = `${namespace}:bus-1`;
  const positionKey = `${namespace}:seen-1:${member}`;
  const members = `${namespace}:members-1`;
  const self = randomUUID();
  const own: Own[] = [];
  let lineEnd: LineEnd | undefined;
  /** The last announcement that was read. */
  let read: Position | undefined;
  let savedPosition: Position | undefined;
  let lastRecovery = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  let isReadAgain = false;
  let sending: Promise<void> | undefined;
  /** Polls in a row that found announcements without news of them. */
  let missedNews = 0;
  let timer: NodeJS.Timeout | undefined;
  /** Resolved when another process has read on. */
  let othersRead = Promise.withResolvers<void>();

  const run = (...args: Parameters<Link["run"]>) => withTimeout(COMMAND_TIMEOUT_MS, link.run(...args));

  /** Reads all announcements. Calls while it reads make it check the list again before it ends. */
  function catchUp(): Promise<void> {
    isReadAgain = true;
    reading ??= readAll().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  async function readAll(): Promise<void> {
    while (isReadAgain) {
      isReadAgain = false;
      await readOn();
    }
  }

  async function readOn(): Promise<void> {
    const from = read ?? (await positionBefore());
    const { newest, announcements } = parseAnnouncements(
      await run(CATCH_UP, list, from?.id ?? FIRST_READ_AGE_MS, PAGE_ANNOUNCEMENTS),
    );
    for (const { text } of announcements) void lineEnd?.receive(text);
    const isNew = from !== undefined && newest.number < from.number;
    // A list that was created again is read from its start.
    read = isNew ? { id: "0-0", number: 0 } : (announcements.at(-1) ?? from ?? newest);
    isReadAgain ||= announcements.length === PAGE_ANNOUNCEMENTS || (isNew && newest.number > 0);
    const missing = from && announcements[0] ? announcements[0].number - from.number - 1 : 0;
    if (isNew || missing < 0) repeat();
    else if (missing > 0) recover();
    if (announcements.length > 0 || from === undefined) await announcePresence(READ_NEWS);
  }

  /** Redis was emptied: others may have missed what this process announced. */
  function repeat(): void {
    const since = performance.now() - REPEAT_AGE_MS;
    for (const one of own) if (one.at > since) one.id = undefined;
    send().catch((err: unknown) => logger.debug({ err }, "repeating messages to Redis failed"));
  }

  /** This machine was away for longer than the list remembers. */
  function recover(): void {
    if (performance.now() - lastRecovery < RECOVER_INTERVAL_MS) return;
    lastRecovery = performance.now();
    logger.warn("messages of other machines were missed and are requested");
    lineEnd?.recovered();
  }

  /** Where this machine was when it ended. */
  async function positionBefore(): Promise<Position | undefined> {
    const [, id, number] =
      /^(\d{1,15}-\d{1,15}) (\d{1,15})$/.exec(String(await run(NOTE, positionKey, "", 0))) ?? [];
    return id === undefined ? undefined : { id, number: Number(number) };
  }

  async function savePosition(): Promise<void> {
    const position = read;
    if (position === undefined || position === savedPosition) return;
    await run(NOTE, positionKey, `${position.id} ${position.number}`, MEMBER_LIFETIME_MS);
    savedPosition = position;
  }

  function send(): Promise<void> {
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
    return sending;
  }

  async function sendAll(): Promise<void> {
    const next = () => own.find(({ id }) => id === undefined);
    for (let one = next(); one; one = next()) {
      one.id = String(await run(ANNOUNCE, list, one.text, channel, BUS_NEWS));
    }
  }

  /** Others see that this process is active, and how far it has read. */
  async function announcePresence(news = ""): Promise<void> {
    await run(PRESENT, members, self, read?.id ?? "0-0", MEMBER_LIFETIME_MS, channel, news);
  }

  /** Resolves when all active processes have read an announcement. */
  async function waitForReaders(id: string): Promise<void> {
    const until = performance.now() + CONFIRM_TIMEOUT_MS;
    for (;;) {
      const news = othersRead.promise;
      const others = (await run(OTHERS, members, self, ABSENT_TIMEOUT_MS)) as unknown[];
      const pending = others.filter((other) => isBefore(String(other), id));
      if (pending.length === 0) return;
      if (performance.now() > until) {
        logger.warn({ processes: pending.length }, "not all machines confirmed a message in time");
        return;
      }
      await Promise.race([news, delay(CONFIRM_INTERVAL_MS, undefined, { ref: false })]);
    }
  }

  async function poll(): Promise<void> {
    try {
      await savePosition();
      await announcePresence();
      await send();
      const before = read;
      await catchUp();
      missedNews = before !== undefined && read?.id !== before.id ? missedNews + 1 : 0;
      if (missedNews < 2) return;
      // The connection of the subscription is dead without an error.
      missedNews = 0;
      link.check(true);
    } catch (err) {
      logger.debug({ err }, "reading messages from Redis failed");
      link.check();
    }
  }

  return {
    /** `line`: receives the announcements. */
    start(line: LineEnd): void {
      lineEnd = line;
      timer ??= setInterval(() => void poll(), POLL_INTERVAL_MS).unref();
    },
    /** Resolves when all active machines have read it; without Redis immediately. */
    async send(text: string): Promise<void> {
      const one: Own = { text, at: performance.now() };
      own.push(one);
      if (own.length > MAX_PENDING && own.shift()?.id === undefined) {
        logger.error("a message to other machines is lost: Redis was unavailable for too long");
      }
      try {
        // The running loop may have sent its last one already.
        while (one.id === undefined && own.includes(one)) await send();
        if (one.id !== undefined) await waitForReaders(one.id);
      } catch (err) {
        logger.warn({ err }, "a message waits until Redis is available again");
      }
    },
    /** Another process has read on. */
    onRead(): void {
      othersRead.resolve();
      othersRead = Promise.withResolvers<void>();
    },
    /** There is something to read. */
    async onNews(): Promise<void> {
      await catchUp().catch((err: unknown) => logger.debug({ err }, "reading messages failed"));
    },
    /** There is a connection, perhaps again. */
    async onReady(): Promise<void> {
      await Promise.allSettled([send(), catchUp()]);
    },
    async close(): Promise<void> {
      clearInterval(timer);
      await Promise.allSettled([send(), savePosition(), run(ABSENT, members, self)]);
    },
  };
}

/** Whether an id of the list, such as `1764500000000-0`, is before another one. */
function isBefore(a: string, b: string): boolean {
  return a.localeCompare(b, "en", { numeric: true }) < 0;
}

interface Announcement extends Position {
  readonly text: string;
}

function parseAnnouncements(reply: unknown): {
  readonly newest: Position;
  readonly announcements: readonly Announcement[];
} {
  const [number, id, entries] = reply as [unknown, unknown, unknown[][]];
  const position = (id: unknown, number: unknown) => ({ id: String(id), number: Number(number) || 0 });
  return {
    newest: position(id, number),
    announcements: entries.map(([id, number, text]) => ({ ...position(id, number), text: String(text) })),
  };
}
