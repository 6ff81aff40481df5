import { readFileSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { type Command, InvalidArgumentError } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import { codeOf, MediaError } from "../model/errors.ts";
import type { Difference } from "../plugin/account.ts";
import type { Revision, StateStore } from "../plugin/state-store.ts";
import { createRuntime } from "../server/runtime.ts";
import { exportRevision, importRevision } from "../state/exported.ts";
import { contentOf, differences, maskSealed, stateOf } from "../state/managed.ts";
import { openStore } from "../state/open.ts";
import { createSecrets, newStateKey, STATE_KEY } from "../state/secrets.ts";
import { createLogger } from "../util/log.ts";

interface Flags {
  readonly config?: string;
  readonly json?: boolean;
  readonly limit?: number;
  readonly revision?: number;
  readonly comment?: string;
}

type Load = (flags: { readonly config?: string }) => Promise<LoadedConfig>;

const MAX_LISTED = 20;

/** Adds `mediatap state`: revisions of what lies on top of the configuration. A server that runs takes over what is changed here. */
export function addStateCommands(
  program: Command,
  load: Load,
  config: readonly [flags: string, description: string],
): void {
  const state = program
    .command("state")
    .description(
      "show and change what was configured while the server ran: revisions, rollback, export, import",
    );
  const command = (name: string, description: string) =>
    state
      .command(name)
      .description(description)
      .option(...config);

  command("list", "list revisions, newest first")
    .option("--limit <number>", "how many at most", number, MAX_LISTED)
    .option("--json", "for programs")
    .action((flags: Flags) =>
      using(load, flags, async (store) => {
        const infos = await store.list({ limit: flags.limit ?? MAX_LISTED });
        if (flags.json) return JSON.stringify(infos, null, 2);
        const lines = infos.map(
          ({ number, time, author, comment }) =>
            `${number}  ${new Date(time).toISOString()}  ${author}  ${onOneLine(comment)}`,
        );
        return lines.join("\n") || "there are no revisions";
      }),
    );
  command("show", "print a revision with secrets masked; default: the newest one")
    .argument("[revision]", "its number", number)
    .action((wanted: number | undefined, flags: Flags) =>
      using(load, flags, async (store) => {
        const revision = await revisionOf(store, wanted);
        return JSON.stringify({ ...revision, content: maskSealed(stateOf(revision)) }, null, 2);
      }),
    );
  command("diff", "print what differs between two revisions; default: the newest one and the one before it")
    .argument("[from]", "number of a revision; 0: nothing", number)
    .argument("[to]", "number of a revision; default: the newest one", number)
    .option("--json", "for programs")
    .action((from: number | undefined, to: number | undefined, flags: Flags) =>
      using(load, flags, async (store) => {
        const after = await revisionOf(store, to);
        const first = from ?? after.number - 1;
        const before = first === 0 ? undefined : await revisionOf(store, first);
        const found = differences(stateOf(before), stateOf(after));
        return flags.json ? JSON.stringify(found, null, 2) : found.map(lineOf).join("\n") || "no differences";
      }),
    );
  command("rollback", "make an older revision the newest one again, as a new revision")
    .argument("<revision>", "its number; 0: nothing", number)
    .option("--comment <text>", "why")
    .action((wanted: number, flags: Flags) =>
      using(load, flags, async (store, loaded) => {
        const content = wanted === 0 ? '{"accounts":{}}' : (await revisionOf(store, wanted)).content;
        return await add(store, loaded, content, flags.comment ?? `roll back to revision ${wanted}`);
      }),
    );
  command("export", "write a revision to a file, or to the standard output; its secrets stay encrypted")
    .argument("[file]", "the file")
    .option("--revision <number>", "default: the newest one", number)
    .action((file: string | undefined, flags: Flags) =>
      using(load, flags, async (store) => {
        const revision = await revisionOf(store, flags.revision);
        const text = exportRevision(revision);
        if (file === undefined) return text.trimEnd();
        writeFileSync(file, text, { mode: 0o600 });
        return `revision ${revision.number} was written to ${file}`;
      }),
    );
  command("import", "make what a file contains the newest revision")
    .argument("<file>", "a file that was exported")
    .option("--comment <text>", "why")
    .action((file: string, flags: Flags) =>
      using(load, flags, async (store, loaded) => {
        const { content } = importRevision(readFileSync(file, "utf8"), file);
        return await add(store, loaded, content, flags.comment ?? `import ${file}`);
      }),
    );
  command("restore", "replace a damaged store by a new one, with the revision of a file")
    .argument(
      "[file]",
      "a file that was exported; default: the copy that the store has made of its newest revision",
    )
    .action(async (file: string | undefined, flags: Flags) =>
      console.log(await restore(await load(flags), file)),
    );
  state
    .command("key")
    .description(`print a new key for ${STATE_KEY}, with which secrets are encrypted`)
    .action(() => console.log(newStateKey()));
}

async function using(
  load: Load,
  flags: Flags,
  work: (store: StateStore, config: LoadedConfig) => Promise<string>,
): Promise<void> {
  const config = await load(flags);
  const store = storeOf(config);
  try {
    console.log(await work(store, config));
  } finally {
    await store.close();
  }
}

function storeOf(config: LoadedConfig): StateStore {
  const store = openStore(config, createLogger({ level: "warn" }), (_, create) => create());
  if (store) return store;
  throw new MediaError(
    "ECONFIG",
    `${config.source}: no plugin keeps state; add one, for instance state-sqlite, to plugins`,
  );
}

async function revisionOf(store: StateStore, number: number | undefined): Promise<Revision> {
  const revision = await store.read(number);
  if (revision) return revision;
  const text = number === undefined ? "there are no revisions" : `there is no revision ${number}`;
  throw new MediaError("ECONFIG", text);
}

/** Adds a revision, if a server could be started with it; returns what to print. */
async function add(
  store: StateStore,
  config: LoadedConfig,
  content: string,
  comment: string,
): Promise<string> {
  const before = (await store.read())?.number ?? 0;
  const number = before + 1;
  const next = { time: Date.now(), author: authorOf(), comment, content: sealed({ number, content }) };
  const revision = { ...next, number };
  await (await createRuntime(config, { revision })).stop();
  if (await store.write(next, before)) return `revision ${revision.number} was written`;
  throw new MediaError("ECONFIG", "somebody else has changed the state: try again");
}

/** The content of a revision, which may come from a file that was edited, as a store keeps it. */
function sealed(revision: Pick<Revision, "number" | "content">): string {
  return contentOf(stateOf(revision), createSecrets());
}

async function restore(config: LoadedConfig, file: string | undefined): Promise<string> {
  try {
    await storeOf(config).close();
  } catch (error) {
    const owner = config.plugins.find(({ stateStore }) => stateStore !== undefined)?.stateStore;
    if (codeOf(error) !== "ECONFIG" || !owner) throw error;
    if (!owner.setAside)
      throw new MediaError("ECONFIG", "this store cannot be restored here", { cause: error });
    const place = { base: config.base, logger: createLogger({ level: "warn" }) };
    const from = file ?? owner.copy?.(place);
    if (from === undefined) throw new MediaError("ECONFIG", "the store has no copy: name an exported file");
    const revision = importRevision(readFileSync(from, "utf8"), from);
    const content = sealed(revision);
    const moved = await owner.setAside(place);
    const store = storeOf(config);
    try {
      const comment = `restore revision ${revision.number} from ${from}`;
      await store.write({ time: Date.now(), author: authorOf(), comment, content }, 0);
    } finally {
      await store.close();
    }
    return `revision ${revision.number} was restored from ${from}; the damaged store is ${moved}`;
  }
  throw new MediaError("ECONFIG", 'the store is not damaged: "mediatap state import" adds a revision');
}

/** A comment comes from whoever has a key: it writes no further line, and controls no terminal. */
function onOneLine(comment: string): string {
  return comment.replace(/[\p{Cc}\u2028\u2029]/gu, "?");
}

function authorOf(): string {
  return `${userInfo().username} on ${hostname()}`;
}

function lineOf({ path, before, after }: Difference): string {
  if (before === undefined) return `+ ${path}: ${JSON.stringify(after)}`;
  if (after === undefined) return `- ${path}: ${JSON.stringify(before)}`;
  return `~ ${path}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`;
}

function number(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a number.");
}
