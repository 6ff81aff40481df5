import type { Logger } from "pino";
import type { LoadedConfig } from "../config/load.ts";
import type { Runtime } from "../http/runtime.ts";
import { codeOf, MediaError } from "../model/errors.ts";
import { examineFile, examineOrigin } from "../origin/examine.ts";
import type { Revision, StateStore } from "../plugin/state-store.ts";
import type { ChangeState, ExamineState, RuntimeState } from "../state/account.ts";
import { contentOf, sourceWith, stateOf } from "../state/managed.ts";
import { stored } from "../state/open.ts";
import { createSecrets } from "../state/secrets.ts";

const TOPIC = "core:state";

/** How often a change is made again because another process was faster. */
const MAX_ATTEMPTS = 10;

/** Messages about what is managed begin with the path of a field; others are about the rest of the server. */
const MANAGED = /^(?:tenants|origins|endpoints|namedTransformations)\b/;

interface KeeperParts {
  readonly current: () => Runtime;
  /** Builds a runtime with a revision of the managed state, and starts it. */
  readonly prepare: (file: LoadedConfig, revision: Revision) => Promise<Runtime>;
  /** Builds a runtime that nothing starts. */
  readonly build: (file: LoadedConfig, revision: Revision) => Promise<Runtime>;
  /** Sends new requests to it from now on. */
  readonly activate: (runtime: Runtime) => void;
  readonly enqueue: <T>(work: () => Promise<T>) => Promise<T>;
  readonly log: Logger;
}

/** Changes the managed state of a server, and follows what other processes change. */
export function createStateKeeper({ current, prepare, build, activate, enqueue, log }: KeeperParts) {
  const { bus } = current();
  let watched: { readonly store: StateStore; readonly end: () => void } | undefined;
  // Workers of this machine are waited for; other machines look at once.
  bus.answer(TOPIC, catchUp);
  bus.subscribe(TOPIC, () => void catchUp());

  /** Takes over the newest revision, unless it is served already. */
  function catchUp(): Promise<void> {
    return enqueue(async () => {
      const { state } = current();
      if (!state) return;
      const { store, file, revision } = state;
      try {
        const newest = await store.read();
        if (!newest || (newest.number === revision?.number && newest.time === revision.time)) return;
        activate(await prepare(file, newest));
        const { number, author } = newest;
        log.info({ revision: number, author }, "the managed state changed");
      } catch (err) {
        log.error({ err }, "the managed state was not taken over, the old one stays active");
      }
    });
  }

  async function attempt(state: RuntimeState, { author, comment, edit }: Parameters<ChangeState>[0]) {
    const { store, file } = state;
    const before = await stored(() => store.read());
    // A change of nothing would drop what all accounts have, which this process still serves.
    if (!before && state.revision) {
      log.error(
        { revision: state.revision.number },
        "the store has lost the managed state: import an export",
      );
      throw new MediaError("EBUSY", "The store has lost the managed state", { retryAfterSeconds: 60 });
    }
    const next = stateOf(before);
    edit(next);
    const content = contentOf(next, createSecrets());
    const number = (before?.number ?? 0) + 1;
    if (content === before?.content && before.number === state.revision?.number) return state;
    const revision = { number, time: Date.now(), author, comment, content };
    const runtime = await prepare(file, revision).catch((error: unknown) => {
      throw refusal(error, sourceWith(file, number), log);
    });
    try {
      const written = await stored(() => store.write(revision, number - 1));
      if (written) {
        activate(runtime);
        log.info({ revision: number, author, comment }, "the managed state was changed");
        return runtime.state;
      }
    } catch (error) {
      await runtime.stop();
      throw error;
    }
    await runtime.stop();
    return undefined;
  }

  const change: ChangeState = async (change) => {
    const changed = await enqueue(async () => {
      const state = stateIn(current());
      for (let count = 0; count < MAX_ATTEMPTS; count++) {
        const changed = await attempt(state, change);
        if (changed) return changed;
      }
      throw new MediaError("EBUSY", "Others change the state all the time", { retryAfterSeconds: 1 });
    });
    // Outside of the turn: two workers that both have changed something would wait for each other.
    await Promise.all([bus.publish(TOPIC, changed.revision?.number), bus.ask(TOPIC)]);
    return changed;
  };

  const examine: ExamineState = async (edit) => {
    const { runtime, origins, path } = await enqueue(async () => {
      const { store, file } = stateIn(current());
      const before = await stored(() => store.read());
      const next = stateOf(before);
      const edited = edit(next);
      const number = (before?.number ?? 0) + 1;
      const content = contentOf(next, createSecrets());
      const revision = { number, time: Date.now(), author: "", comment: "", content };
      const runtime = await build(file, revision).catch((error: unknown) => {
        throw refusal(error, sourceWith(file, number), log);
      });
      return { runtime, ...edited };
    });
    try {
      const entries = origins.flatMap((name) => runtime.origins.get(name) ?? []);
      const [first] = entries;
      const [file, ...findings] = await Promise.all([
        path !== undefined && first ? examineFile(first, path) : undefined,
        ...entries.map(async (origin) => [origin.name, await examineOrigin(origin)] as const),
      ]);
      return { findings: Object.fromEntries(findings), ...(file && { file }) };
    } finally {
      await runtime.stop();
    }
  };

  return {
    change,
    examine,
    /** Watches the store of the current runtime. */
    subscribe(): void {
      const store = current().state?.store;
      if (store === watched?.store) return;
      watched?.end();
      watched = store && { store, end: store.watch(() => void catchUp()) };
      // What was written since the runtime was made.
      void catchUp();
    },
  };
}

/** Throws `EUNSUPPORTED` if there is none. */
function stateIn({ state }: Runtime): RuntimeState {
  if (!state) throw new MediaError("EUNSUPPORTED", "No plugin keeps state any more");
  return state;
}

/** Why a change would make no server, for the client. */
function refusal(error: unknown, source: string, log: Logger): unknown {
  if (codeOf(error) !== "ECONFIG") return error;
  const lines = (error as Error).message.split("\n").map((line) => {
    const text = line.replace(`${source}: `, "");
    const [, ofPlugin = text] = /^plugins: [\w@/-]+: (.+)$/.exec(text) ?? [];
    return MANAGED.test(ofPlugin) ? ofPlugin : text;
  });
  const message = lines.join("; ");
  if (lines.every((line) => MANAGED.test(line))) return new MediaError("EINVAL", message, { cause: error });
  log.error({ err: error }, "a change of the managed state could not be applied");
  const text = "The server cannot apply changes at the moment";
  return new MediaError("EBUSY", text, { cause: error, retryAfterSeconds: 5 });
}
