import { type LineEnd, type PluginApi, within } from "@mediatap/core";
import type { Link } from "./link.ts";
import { ANNOUNCE, CATCH_UP, NOTE } from "./scripts.ts";

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
  const unsent: string[] = [];
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

  const run = (...args: Parameters<Link["run"]>) => within(PATIENCE, link.run(...args));

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
    for (const { text } of found) end?.receive(text);
    const isNew = from !== undefined && newest.number < from.number;
    // A list that was begun anew is read from its start: what was heard before is passed over.
    read = isNew ? { id: "0-0", number: 0 } : (found.at(-1) ?? from ?? newest);
    again ||= found.length === PAGE || (isNew && newest.number > 0);
    const missing = from && found[0] ? found[0].number - from.number - 1 : 0;
    if (isNew || missing < 0) sayAgain();
    else if (missing > 0) askForMissed();
  }

  /** Redis was emptied: others may have missed what this process said. */
  function sayAgain(): void {
    const since = performance.now() - SAID_FOR;
    unsent.unshift(...said.filter(({ at }) => at > since).map(({ text }) => text));
    send().catch((err: unknown) => logger.debug({ err }, "Redis could not be told again"));
  }

  /** This machine was away for longer than the list remembers. */
  function askForMissed(): void {
    if (performance.now() - asked < QUIET) return;
    asked = performance.now();
    logger.warn("announcements of other machines were missed; they are asked for");
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
    for (let text = unsent[0]; text !== undefined; text = unsent[0]) {
      await run(ANNOUNCE, list, text, channel, BUS_NEWS);
      unsent.splice(unsent.indexOf(text), 1);
    }
  }

  async function look(): Promise<void> {
    try {
      await note();
      await send();
      const before = read;
      await catchUp();
      unheard = before !== undefined && read?.id !== before.id ? unheard + 1 : 0;
      if (unheard < 2) return;
      // The connection that brings the news is dead, and does not say so.
      unheard = 0;
      link.check(true);
    } catch (err) {
      logger.debug({ err }, "Redis could not be asked for announcements");
      link.check();
    }
  }

  return {
    /** `line`: where announcements are to be told. */
    start(line: LineEnd): void {
      end = line;
      timer ??= setInterval(() => void look(), LOOK).unref();
    },
    send(text: string): void {
      said.push({ text, at: performance.now() });
      if (said.length > MOST_SAID) said.shift();
      unsent.push(text);
      if (unsent.length > MOST_UNSENT) {
        unsent.shift();
        logger.error("an announcement to other machines is lost: Redis has been away for too long");
      }
      send().catch((err: unknown) => logger.warn({ err }, "an announcement waits until Redis is back"));
    },
    /** There is news. */
    async hear(): Promise<void> {
      await catchUp().catch((err: unknown) => logger.debug({ err }, "announcements could not be read"));
    },
    /** There is a connection, perhaps again. */
    async ready(): Promise<void> {
      await Promise.allSettled([send(), catchUp()]);
    },
    async close(): Promise<void> {
      clearInterval(timer);
      await Promise.allSettled([send(), note()]);
    },
  };
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
