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
  /** What this machine is called: under it Redis remembers what the machine has heard. */
  readonly member: string;
  readonly logger: PluginApi["logger"];
}

/** News that there is an announcement. */
export const BUS_NEWS = "bus";

/** News that a process has read on. */
export const READ_NEWS = "read";

/** Milliseconds after its last sign of life from which a process counts as away. */
const AWAY_MS = 5_000;

/** Milliseconds that others have to read an announcement; who takes longer counts as away. */
const CONFIRM_TIMEOUT_MS = 5_000;

/** Milliseconds between two looks at how far others have read, where no news come of it. */
const CONFIRM_LOOK_MS = 100;

/** Milliseconds after which it is looked whether something was said that nobody brought the news of. */
const LOOK = 2_000;

/** Milliseconds for what an answer may take; no request waits for it. */
const PATIENCE = 2_000;

/** How far back a machine that nobody knows looks, in milliseconds. */
const FIRST_LOOK = 60 * 60_000;

/** Milliseconds for which a machine is remembered. */
const MEMBER_LIFETIME = 30 * 24 * 60 * 60_000;

/** Announcements that are read at once. */
const PAGE = 200;

/** Announcements that wait until Redis is back. */
const MOST_UNSENT = 1_000;

/** What this process said itself, and for how long it can say it again where Redis has lost it: milliseconds. */
const MOST_SAID = 1_000;
const SAID_FOR = 60 * 60_000;

/** Milliseconds between two times that all others are asked for what was missed. */
const QUIET = 60_000;

/** What is still to be sent. */
interface Unsent {
  readonly text: string;
  /** Called with its id when it is on the list. */
  readonly sent: (id: string) => void;
}

/** A place in the list. */
interface Place {
  readonly id: string;
  /** Number of the announcement there; 0: there was none. */
  readonly number: number;
}

/**
 * Announcements by a list in Redis that each machine reads in its own time: who was away for a while reads on where it was.
 * News on a channel say when there is something to read; if they are lost, a look every two seconds finds it.
 */
export function createAnnouncements({ link, namespace, channel, member, logger }: AnnouncementParts) {
  const list = `${namespace}:bus-1`;
  const seen = `${namespace}:seen-1:${member}`;
  const members = `${namespace}:members-1`;
  const own = randomUUID();
  const unsent: Unsent[] = [];
  const said: { readonly text: string; readonly at: number }[] = [];
  let end: LineEnd | undefined;
  /** The last announcement that was read. */
  let read: Place | undefined;
  let noted: Place | undefined;
  let asked = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  let again = false;
  let sending: Promise<void> | undefined;
  /** How often in a row there was something that no news had come of. */
  let unheard = 0;
  let timer: NodeJS.Timeout | undefined;
  /** Those who wait for others to read on. */
  const waiting = new Set<() => void>();

  const run = (...args: Parameters<Link["run"]>) => withTimeout(PATIENCE, link.run(...args));

  /** Reads what was said; however often it is called meanwhile, it ends when all is read. */
  function catchUp(): Promise<void> {
    again = true;
    reading ??= readAll().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  async function readAll(): Promise<void> {
    while (again) {
      again = false;
      await readOn();
    }
  }

  async function readOn(): Promise<void> {
    const from = read ?? (await placeBefore());
    const { newest, found } = parseFound(await run(CATCH_UP, list, from?.id ?? FIRST_LOOK, PAGE));
    for (const { text } of found) void end?.receive(text);
    const isNew = from !== undefined && newest.number < from.number;
    // A list that was begun again is read from its start: what was heard before is passed over.
    read = isNew ? { id: "0-0", number: 0 } : (found.at(-1) ?? from ?? newest);
    again ||= found.length === PAGE || (isNew && newest.number > 0);
    const missing = from && found[0] ? found[0].number - from.number - 1 : 0;
    if (isNew || missing < 0) sayAgain();
    else if (missing > 0) askForMissed();
    if (found.length > 0 || from === undefined) await present(READ_NEWS);
  }

  /** Redis was emptied: others may have missed what this process said. */
  function sayAgain(): void {
    const since = performance.now() - SAID_FOR;
    const again = said.filter(({ at }) => at > since).map(({ text }) => ({ text, sent: () => {} }));
    unsent.unshift(...again);
    send().catch((err: unknown) => logger.debug({ err }, "repeating messages to Redis failed"));
  }

  /** This machine was away for longer than the list remembers. */
  function askForMissed(): void {
    if (performance.now() - asked < QUIET) return;
    asked = performance.now();
    logger.warn("messages of other machines were missed and are requested");
    end?.recovered();
  }

  /** Where this machine was when it ended. */
  async function placeBefore(): Promise<Place | undefined> {
    const [, id, number] =
      /^(\d{1,15}-\d{1,15}) (\d{1,15})$/.exec(String(await run(NOTE, seen, "", 0))) ?? [];
    return id === undefined ? undefined : { id, number: Number(number) };
  }

  async function note(): Promise<void> {
    const place = read;
    if (place === undefined || place === noted) return;
    await run(NOTE, seen, `${place.id} ${place.number}`, MEMBER_LIFETIME);
    noted = place;
  }

  function send(): Promise<void> {
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
    return sending;
  }

  async function sendAll(): Promise<void> {
    for (let next = unsent[0]; next !== undefined; next = unsent[0]) {
      const id = await run(ANNOUNCE, list, next.text, channel, BUS_NEWS);
      unsent.splice(unsent.indexOf(next), 1);
      next.sent(String(id));
    }
  }

  /** Others see that this process is there, and how far it has read. */
  async function present(news = ""): Promise<void> {
    await run(PRESENT, members, own, read?.id ?? "0-0", MEMBER_LIFETIME, channel, news);
  }

  /** Resolves when all processes that are there have read an announcement. */
  async function confirmed(id: string): Promise<void> {
    const until = performance.now() + CONFIRM_TIMEOUT_MS;
    for (;;) {
      const { promise: news, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      try {
        const others = (await run(OTHERS, members, own, AWAY_MS)) as unknown[];
        const behind = others.filter((other) => isBefore(String(other), id));
        if (behind.length === 0) return;
        if (performance.now() > until) {
          logger.warn({ processes: behind.length }, "not all machines confirmed a message in time");
          return;
        }
        await Promise.race([news, delay(CONFIRM_LOOK_MS, undefined, { ref: false })]);
      } finally {
        waiting.delete(resolve);
      }
    }
  }

  async function look(): Promise<void> {
    try {
      await note();
      await present();
      await send();
      const before = read;
      await catchUp();
      unheard = before !== undefined && read?.id !== before.id ? unheard + 1 : 0;
      if (unheard < 2) return;
      // The connection that brings the news is dead, and does not say so.
      unheard = 0;
      link.check(true);
    } catch (err) {
      logger.debug({ err }, "reading messages from Redis failed");
      link.check();
    }
  }

  return {
    /** `line`: where announcements are to be told. */
    start(line: LineEnd): void {
      end = line;
      timer ??= setInterval(() => void look(), LOOK).unref();
    },
    /** Resolves when all machines that are there have read it; without Redis none is. */
    async send(text: string): Promise<void> {
      said.push({ text, at: performance.now() });
      if (said.length > MOST_SAID) said.shift();
      const { promise: sent, resolve } = Promise.withResolvers<string>();
      unsent.push({ text, sent: resolve });
      if (unsent.length > MOST_UNSENT) {
        unsent.shift();
        logger.error("a message to other machines is lost: Redis was unavailable for too long");
      }
      try {
        await send();
        await confirmed(await withTimeout(PATIENCE, sent));
      } catch (err) {
        logger.warn({ err }, "a message waits until Redis is available again");
      }
    },
    /** Somebody has read on. */
    hearRead(): void {
      for (const resolve of waiting) resolve();
    },
    /** There is news. */
    async hear(): Promise<void> {
      await catchUp().catch((err: unknown) => logger.debug({ err }, "reading messages failed"));
    },
    /** There is a connection, perhaps again. */
    async ready(): Promise<void> {
      await Promise.allSettled([send(), catchUp()]);
    },
    async close(): Promise<void> {
      clearInterval(timer);
      await Promise.allSettled([send(), note(), run(ABSENT, members, own)]);
    },
  };
}

/** Whether an id of the list is before another one. */
function isBefore(a: string, b: string): boolean {
  const [first, second] = [a, b].map((id) => id.split("-").map(Number)) as [number[], number[]];
  const [time = 0, number = 0] = first;
  const [otherTime = 0, otherNumber = 0] = second;
  return time < otherTime || (time === otherTime && number < otherNumber);
}

interface Found extends Place {
  readonly text: string;
}

function parseFound(answer: unknown): { readonly newest: Place; readonly found: readonly Found[] } {
  const [number, id, lines] = answer as [unknown, unknown, unknown[][]];
  const place = (id: unknown, number: unknown) => ({ id: String(id), number: Number(number) || 0 });
  return {
    newest: place(id, number),
    found: lines.map(([id, number, text]) => ({ ...place(id, number), text: String(text) })),
  };
}
