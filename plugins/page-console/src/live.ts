import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { PluginApi, RouteReply, RuntimeInfo, ServerState } from "@mediatap/core";
import type { Session } from "./session.ts";
import {
  addUp,
  createTally,
  type FailureGroup,
  failuresOf,
  historyOf,
  type Minute,
  type RecentRequest,
  recentOf,
  SLOT_MS,
  type Snapshot,
  summarize,
  type TallySnapshot,
} from "./tally.ts";

const TOPIC = "page-console";
/** Asked apart: minutes are many, and needed once a minute only. */
const MINUTES_TOPIC = `${TOPIC}-minutes`;

/** How long one stream of events lasts: a configuration that was replaced waits for it. Browsers connect again by themselves. */
const STREAM_MS = 30_000;
const RECONNECT_MS = 500;

/** The worst first: what one worker has found out holds for all. */
const BREAKER_STATES = ["open", "half-open", "closed"] as const;

/** What goes on in one process. */
interface ProcessStatus extends Pick<ServerState, "work" | "breakers" | "traffic"> {
  /** Seconds. */
  readonly uptime: number;
  /** Bytes. */
  readonly memory: { readonly rss: number; readonly heapUsed: number; readonly external: number };
  readonly tally: TallySnapshot;
}

export type LiveData = Awaited<ReturnType<ReturnType<typeof createLive>["data"]>>;

/** Counts what the pages Live and Failures show, in all workers. */
export function createLive({ hooks, shared, state, cluster: { bus } }: PluginApi) {
  const tally = shared(TOPIC, () => createTally());
  let current: RuntimeInfo | undefined;
  const ends: (() => void)[] = [];
  hooks.start.tap(TOPIC, (runtime) => {
    current = runtime;
    ends.push(
      bus.answer(TOPIC, own),
      bus.answer(MINUTES_TOPIC, () => tally.minutes()),
    );
  });
  hooks.stop.tap(TOPIC, () => {
    for (const end of ends.splice(0)) end();
  });
  hooks.report.tap(TOPIC, (report) => tally.count(report));

  function own(): ProcessStatus {
    const { work, breakers, traffic } = state();
    const { rss, heapUsed, external } = process.memoryUsage();
    const memory = { rss, heapUsed, external };
    return { uptime: process.uptime(), work, breakers, traffic, memory, tally: tally.snapshot() };
  }

  const processes = async () => [own(), ...((await bus.ask(TOPIC)) as ProcessStatus[])];

  /** Whether a session may see the server as a whole: its key is good for every endpoint. */
  const isOperator = ({ endpoints }: Session) =>
    (current?.endpoints ?? []).every(({ tenant, name }) =>
      endpoints.some((one) => one.tenant === tenant && one.name === name),
    );

  /** What was counted for the accounts of a session. */
  function ofAccounts<T>(all: readonly Readonly<Record<string, T>>[], session: Session): T[] {
    const names = new Set(session.endpoints.map(({ tenant }) => tenant));
    const isSeen = isOperator(session) ? () => true : (name: string) => names.has(name);
    return all.flatMap((tenants) =>
      Object.entries(tenants).flatMap(([name, counted]) => (isSeen(name) ? [counted] : [])),
    );
  }

  const snapshotsOf = (all: readonly ProcessStatus[], session: Session): Snapshot[] =>
    ofAccounts(
      all.map(({ tally: { tenants } }) => tenants),
      session,
    );

  function seenBy<T extends { readonly endpoint: string }>(session: Session, entries: readonly T[]): T[] {
    if (isOperator(session)) return [...entries];
    const names = new Set(session.endpoints.map(({ name }) => name));
    return entries.filter(({ endpoint }) => names.has(endpoint));
  }

  function originsOf(all: readonly ProcessStatus[], session: Session) {
    const used = new Set(
      session.endpoints.flatMap(({ origins, library }) => [...origins, ...(library ? [library] : [])]),
    );
    const isSeen = isOperator(session) ? () => true : (name: string) => used.has(name);
    return (current?.origins ?? [])
      .filter(({ name }) => isSeen(name))
      .map(({ name, type }) => {
        const counts = all.map(({ tally }) => tally.origins[name] ?? { asked: 0, failed: 0 });
        return {
          name,
          type,
          breaker:
            BREAKER_STATES.find((one) => all.some(({ breakers }) => breakers[name] === one)) ?? "closed",
          asked: counts.reduce((sum, { asked }) => sum + asked, 0),
          failed: counts.reduce((sum, { failed }) => sum + failed, 0),
        };
      });
  }

  /** What goes on in all workers together, as far as it is the session's business. */
  async function data(session: Session) {
    const all = await processes();
    return {
      slot: SLOT_MS,
      ...summarize(snapshotsOf(all, session)),
      origins: originsOf(all, session),
      ...(isOperator(session) && { server: serverOf(all) }),
    };
  }

  function serverOf(all: readonly ProcessStatus[]) {
    const { version, plugins } = state();
    return {
      version,
      node: process.version,
      workers: all.length,
      uptime: Math.max(...all.map(({ uptime }) => uptime)),
      configuration: current?.number ?? 0,
      plugins: plugins.length,
      work: sumOf(all.map(({ work }) => work)),
      traffic: sumOf(all.map(({ traffic }) => traffic)),
      memory: sumOf(all.map(({ memory }) => memory)),
    };
  }

  return {
    data,
    isOperator,
    /** The last hour, minute by minute, as far as it is the session's business. */
    async history(session: Session) {
      const others = (await bus.ask(MINUTES_TOPIC)) as Readonly<Record<string, readonly Minute[]>>[];
      return { by: "minute", series: historyOf(ofAccounts([tally.minutes(), ...others], session).flat()) };
    },
    async failures(session: Session): Promise<FailureGroup[]> {
      return seenBy(session, failuresOf(snapshotsOf(await processes(), session)));
    },
    async recent(session: Session): Promise<RecentRequest[]> {
      return seenBy(session, recentOf(snapshotsOf(await processes(), session)));
    },
    /** Server-sent events (WHATWG HTML §9.2), one each slot, until the server drains. `sessionOf`: asked before each of them. */
    stream(sessionOf: () => Promise<Session | undefined>): RouteReply {
      const end = new AbortController();
      const events = async function* () {
        const began = performance.now();
        yield `retry: ${RECONNECT_MS}\n\n`;
        while (performance.now() - began < STREAM_MS && !end.signal.aborted) {
          const session = await sessionOf();
          if (!session || state().isDraining) return;
          yield `data: ${JSON.stringify(await data(session))}\n\n`;
          for (let waited = 0; waited < SLOT_MS && !state().isDraining; waited += 100) {
            await pause(100, undefined, { signal: end.signal }).catch(() => {});
          }
        }
      };
      const body = Readable.from(events(), { objectMode: false });
      body.once("close", () => end.abort());
      return { headers: { "content-type": "text/event-stream", "cache-control": "no-store" }, body };
    },
  };
}

function sumOf<T extends { readonly [K in keyof T]: number }>(all: readonly T[]): T {
  return addUp(all as readonly Readonly<Record<string, number>>[]) as T;
}
