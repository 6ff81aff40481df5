import { availableParallelism } from "node:os";
import type { LoadedConfig } from "../config/load.ts";
import { MIN_KEY_BYTES, weakKeys } from "../config/resolve.ts";
import type { Diagnosis } from "../hooks.ts";
import type { Runtime } from "../http/runtime.ts";
import { codeOf, isMediaError, type MediaError } from "../model/errors.ts";
import type { OriginEntry } from "../origin/sources.ts";
import { createRuntime } from "../server/runtime.ts";
import { createLogger, reasonOf } from "../util/log.ts";
import { withTimeout } from "../util/timeout.ts";
import { examineTempFolder } from "../work/temp-folder.ts";
import { ofThreads } from "./threads.ts";

export type Finding = Parameters<Diagnosis["add"]>[0];

/** A name that no origin has: "not here" is the answer of one that works. */
const NOBODY = "mediatap-doctor/no-such-file";
/** Milliseconds that a check or the start of a plugin may take, … */
const CHECK_TIMEOUT_MS = 5_000;
/** … and the start and the end of all plugins together. */
const START_TIMEOUT_MS = 15_000;

/** Tries what a server of this configuration needs: its settings, its plugins, each of its origins. */
export async function examine(config: LoadedConfig): Promise<Finding[]> {
  const log = createLogger({ level: "silent" });
  const runtime = await createRuntime(config, {
    log,
    startTimeout: CHECK_TIMEOUT_MS,
  });
  try {
    const late = await withTimeout(START_TIMEOUT_MS, runtime.start()).then(() => [], lateStart);
    const found = await Promise.all([ofPlugins(runtime, false), ofOrigins(runtime, () => true)]);
    return [
      ...ofProcess(),
      ...ofThreads(),
      await examineTempFolder(),
      ...ofConfig(config),
      ...late,
      ...found.flat(),
      ...ofEndpoints(runtime),
      ...ofKeys(config),
    ];
  } finally {
    await withTimeout(START_TIMEOUT_MS, runtime.stop()).catch(() => {});
  }
}

/** What is wrong with a server that has just started, as far as this machine can tell without asking others. */
export async function examineLocally(runtime: Runtime): Promise<Finding[]> {
  const found = await Promise.all([
    ofPlugins(runtime, true),
    ofOrigins(runtime, ({ storage }) => storage.isLocal === true),
  ]);
  return [...ofThreads(), ...ofConfig(runtime.config), ...found.flat()].filter(
    ({ state }) => state !== "good",
  );
}

/** The findings of a check; one about the check itself if it fails or takes too long. */
async function checked(what: string, work: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await withTimeout(CHECK_TIMEOUT_MS, work());
  } catch (error) {
    return [isLate(error) ? slow(what, CHECK_TIMEOUT_MS) : { what, state: "bad", text: reasons(error) }];
  }
}

/** Whether `withTimeout` gave up waiting. */
const isLate = (error: unknown) => codeOf(error) === "ETIMEDOUT" && !isMediaError(error);

/** The finding about a start that did not end in time, of one plugin or of all together. */
function lateStart(error: unknown): Finding[] {
  if (isLate(error)) return [slow("start", START_TIMEOUT_MS)];
  const { plugin } = error as Partial<MediaError>;
  let cause = error;
  while (cause instanceof Error && !isLate(cause)) cause = cause.cause;
  if (plugin === undefined || cause === undefined) throw error;
  return [slow(`start of ${plugin}`, CHECK_TIMEOUT_MS)];
}

const slow = (what: string, timeout: number): Finding => ({
  what,
  state: "bad",
  text: `no response within ${timeout / 1000} s`,
});

async function ofPlugins({ hooks }: Runtime, local: boolean): Promise<Finding[]> {
  const checks = hooks.diagnose.taps.map(({ name, fn }) =>
    checked(name, async () => {
      const findings: Finding[] = [];
      await fn({ local, add: (finding: Finding) => findings.push(finding) });
      return findings;
    }),
  );
  return (await Promise.all(checks)).flat();
}

async function ofOrigins({ origins }: Runtime, isMeant: (origin: OriginEntry) => boolean) {
  const meant = [...origins.values()].filter(isMeant);
  const checks = meant.map((origin) =>
    checked(`origin ${origin.name}`, async () => [await ofOrigin(origin)]),
  );
  return (await Promise.all(checks)).flat();
}

function ofConfig({ unset }: LoadedConfig): Finding[] {
  return unset.map((field) => ({
    what: field,
    state: "poor",
    text: "undefined; is an environment variable not set?",
  }));
}

function ofProcess(): Finding[] {
  const pool = Number(process.env.UV_THREADPOOL_SIZE ?? 4);
  const cores = availableParallelism();
  const preload = process.env.LD_PRELOAD ?? "";
  const arranged = preload.includes("jemalloc") || process.env.MALLOC_ARENA_MAX !== undefined;
  return [
    { what: "Node", state: "good", text: `${process.version}, ${cores} cores` },
    pool >= cores
      ? { what: "thread pool", state: "good", text: `${pool} threads` }
      : {
          what: "thread pool",
          state: "poor",
          text: `${pool} threads for ${cores} cores`,
          advice: "start through the command mediatap, or set UV_THREADPOOL_SIZE before Node starts",
        },
    arranged || process.platform !== "linux"
      ? {
          what: "allocator",
          state: "good",
          text: preload.includes("jemalloc") ? "jemalloc" : "system default, with few arenas",
        }
      : {
          what: "allocator",
          state: "poor",
          text: "system default: memory is returned late after a burst",
          advice: "start through the command mediatap; install libjemalloc2",
        },
  ];
}

/** What to do about an origin that fails, by the code of its failure. */
const ADVICE: Readonly<Record<string, string>> = {
  EACCES: "check the credentials and their permission to read this location",
  ECONNREFUSED: "check the address, the network connection and the certificate",
  UNIDENTIFIED: "check the logs of the origin for this request",
};

async function ofOrigin({ name, type, storage }: OriginEntry): Promise<Finding> {
  const what = `origin ${name}`;
  if (storage.urls && !storage.check)
    return { what, state: "good", text: `${type}, hosts are named in URLs` };
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const started = performance.now();
  try {
    if (storage.check) await storage.check(signal);
    else {
      const entry = await storage.open(NOBODY, { signal, head: true });
      if (typeof entry === "object") await entry.close?.();
    }
    return {
      what,
      state: "good",
      text: `${type}, responded in ${Math.round(performance.now() - started)} ms`,
    };
  } catch (error) {
    const code = codeOf(error);
    const advice = code === undefined ? undefined : ADVICE[code];
    return {
      what,
      state: "bad",
      text: `${type}: ${reasons(error)}`,
      ...(advice === undefined ? {} : { advice }),
    };
  }
}

/** The messages of an error and its causes, for the operator. */
function reasons(error: unknown): string {
  const code = isMediaError(error) ? `${error.code}: ` : "";
  return code + reasonOf(error);
}

function ofEndpoints({ endpoints }: Runtime): Finding[] {
  return endpoints.map(({ tenant, name, origins }) => {
    const what = `endpoint ${tenant === "" ? "" : `${tenant}/`}${name}`;
    return { what, state: "good", text: `tries ${origins.join(", then ")}` };
  });
}

function ofKeys({ config }: LoadedConfig): Finding[] {
  return weakKeys(config).map((field) => ({
    what: field,
    state: "poor",
    text: `is shorter than ${MIN_KEY_BYTES} bytes and can be guessed`,
    advice: "create a key with: openssl rand -hex 32",
  }));
}

const SIGN = { good: "ok  ", poor: "poor", bad: "BAD " };

/** For people: a line a finding, and what to do below those that are not good. */
export function findingsText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length));
  return findings
    .flatMap(({ what, state, text, advice }) => [
      `${SIGN[state]}  ${what.padEnd(width)}  ${text}`,
      ...(advice === undefined ? [] : [`${" ".repeat(width + 8)}→ ${advice}`]),
    ])
    .join("\n");
}
