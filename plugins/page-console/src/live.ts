import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { PluginApi, RouteReply, RuntimeInfo } from "@mediatap/core";
import { createMachines, type OtherStatus, type Status } from "./machines.ts";
import type { Session } from "./session.ts";
import {
  addUp,
  createTally,
  type FailureGroup,
  failuresOf,
  figuresOf,
  historyOf,
  lastMinuteOf,
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

/** Milliseconds after which other machines have written the minute that ended last. */
const SETTLED_MS = 3_000;
/** Milliseconds without a word from a machine, which writes every ten seconds, after which it is silent. */
const SILENT_MS = 25_000;

/** What goes on in one process. */
interface ProcessStatus extends Status {
  readonly writer: string;
  readonly tally: TallySnapshot;
}

interface ProcessMinutes {
  readonly writer: string;
  readonly minutes: Readonly<Record<string, readonly Minute[]>>;
}

export type LiveData = Awaited<ReturnType<ReturnType<typeof createLive>["data"]>>;

/** Counts what the pages Live and Failures show, in all workers. */
export function createLive({ hooks, shared, state, logger, cluster: { bus, workers, records } }: PluginApi) {
  const tally = shared(TOPIC, () => createTally());
  const machines = shared(`${TOPIC}-machines`, () => createMachines({ tally, workers, logger }));
  let current: RuntimeInfo | undefined;
  const ends: (() => void)[] = [];
  hooks.start.tap(TOPIC, (runtime) => {
    current = runtime;
    machines.use({ records, status });
    ends.push(bus.answer(TOPIC, own), bus.answer(MINUTES_TOPIC, ownMinutes));
  });
  hooks.stop.tap(TOPIC, () => {
    for (const end of ends.splice(0)) end();
  });
  hooks.report.tap(TOPIC, (report) => tally.count(report));

  function status({ tenants } = tally.snapshot()): Status {
    const { version, work, breakers, traffic } = state();
    const { rss, heapUsed, external } = process.memoryUsage();
    const memory = { rss, heapUsed, external };
    const lastMinute = lastMinuteOf(Object.values(tenants));
    return { version, uptime: process.uptime(), work, breakers, traffic, memory, lastMinute };
  }

  function own(): ProcessStatus {
    const counted = tally.snapshot();
    return { ...status(counted), writer: machines.writer, tally: counted };
  }

  const ownMinutes = (): ProcessMinutes => ({ writer: machines.writer, minutes: tally.minutes() });

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
      ...(isOperator(session) && { server: serverOf(all), machines: machinesOf(all) }),
    };
  }

  /** This machine, and those that keep their state in the same store. */
  function machinesOf(all: readonly ProcessStatus[]) {
    const others = machines.statuses(new Set(all.map(({ writer }) => writer)));
    const now = Date.now();
    const rows = [...Map.groupBy(others, ({ machine: { id } }) => id)].map(([id, same]) => ({
      ...rowOf(same),
      id,
      name: (same[0] as OtherStatus).machine.name,
      isThis: false,
      isSilent: same.every(({ time }) => now - time > SILENT_MS),
    }));
    const { id, name } = machines.machine;
    rows.sort((a, b) => (a.name < b.name ? -1 : 1));
    return [{ ...rowOf(all), id, name, isThis: true, isSilent: false }, ...rows];
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
    /** The last hour of all machines, minute by minute, as far as it is the session's business. */
    async history(session: Session) {
      const here = [ownMinutes(), ...((await bus.ask(MINUTES_TOPIC)) as ProcessMinutes[])];
      const others = await machines.minutes(new Set(here.map(({ writer }) => writer)));
      const all = ofAccounts<Minute | readonly Minute[]>(
        [...here.map(({ minutes }) => minutes), ...others],
        session,
      );
      return { by: "minute", series: historyOf(all.flat(), Date.now() - SETTLED_MS) };
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

/** The processes of a machine as one. */
function rowOf(all: readonly Status[]) {
  const { p99, ...counts } = figuresOf(all.map(({ lastMinute }) => lastMinute));
  const uptime = Math.max(...all.map((one) => one.uptime));
  const { requests, hits, errors } = counts;
  return {
    version: (all[0] as Status).version,
    uptime,
    workers: all.length,
    work: sumOf(all.map(({ work }) => work)),
    memory: all.reduce((sum, { memory }) => sum + memory.rss, 0),
    requests,
    perSecond: requests / Math.min(60, Math.max(1, uptime)),
    hitRatio: requests === 0 ? null : hits / requests,
    errors,
    p99,
    /** Origins that are skipped. */
    open: [
      ...new Set(
        all.flatMap(({ breakers }) => Object.keys(breakers).filter((name) => breakers[name] === "open")),
      ),
    ],
  };
}
