import { availableParallelism } from "node:os";
import type { LoadedConfig } from "../config/load.ts";
import { MIN_KEY_BYTES, weakKeys } from "../config/resolve.ts";
import type { Finding } from "../hooks.ts";
import type { Runtime } from "../http/runtime.ts";
import { codeOf, isMediaError, type MediaError } from "../model/errors.ts";
import type { OriginEntry } from "../origin/entry.ts";
import { CHECK_TIMEOUT_MS, examineOrigin, reasons } from "../origin/examine.ts";
import { createRuntime } from "../server/runtime.ts";
import { withTimeout } from "../util/timeout.ts";
import { examineTempFolder } from "../work/temp-folder.ts";
import { ofThreads } from "./threads.ts";

/** Milliseconds that the start and the end of all plugins together may take; that of one plugin: `CHECK_TIMEOUT_MS`. */
const START_TIMEOUT_MS = 15_000;

/** Tries what a server of this configuration needs: its settings, its plugins, each of its origins. */
export async function examine(config: LoadedConfig): Promise<Finding[]> {
  const runtime = await createRuntime(config, { startTimeout: CHECK_TIMEOUT_MS });
  try {
    const startFindings = await withTimeout(START_TIMEOUT_MS, runtime.start()).then(
      () => [],
      findingsOfStart,
    );
    const origins = [...runtime.origins.values()];
    const found = await Promise.all([...ofPlugins(runtime, false), ...ofOrigins(origins)]);
    return [
      ...ofProcess(),
      ...ofThreads(),
      await examineTempFolder(),
      ...ofConfig(config),
      ...startFindings,
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
  const origins = [...runtime.origins.values()].filter(({ storage }) => storage.isLocal === true);
  const found = await Promise.all([...ofPlugins(runtime, true), ...ofOrigins(origins)]);
  return [...ofThreads(), ...ofConfig(runtime.config), ...found.flat()].filter(
    ({ state }) => state !== "good",
  );
}

/** The findings of a check; one about the check itself if it fails or takes too long. */
async function checked(what: string, work: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await withTimeout(CHECK_TIMEOUT_MS, work());
  } catch (error) {
    return [isTimeout(error) ? slow(what, CHECK_TIMEOUT_MS) : { what, state: "bad", text: reasons(error) }];
  }
}

/** Whether `withTimeout` gave up waiting. */
const isTimeout = (error: unknown) => codeOf(error) === "ETIMEDOUT" && !isMediaError(error);

/** The finding about a start that did not end in time, of one plugin or of all together. */
function findingsOfStart(error: unknown): Finding[] {
  if (isTimeout(error)) return [slow("start", START_TIMEOUT_MS)];
  const { plugin } = error as Partial<MediaError>;
  let cause = error;
  while (cause instanceof Error && !isTimeout(cause)) cause = cause.cause;
  if (plugin === undefined || cause === undefined) throw error;
  return [slow(`start of ${plugin}`, CHECK_TIMEOUT_MS)];
}

const slow = (what: string, timeout: number): Finding => ({
  what,
  state: "bad",
  text: `no response within ${timeout / 1000} s`,
});

function ofPlugins({ hooks }: Runtime, local: boolean): Promise<Finding[]>[] {
  return hooks.diagnose.taps.map(({ name, fn }) =>
    checked(name, async () => {
      const findings: Finding[] = [];
      await fn({ local, add: (finding: Finding) => findings.push(finding) });
      return findings;
    }),
  );
}

function ofOrigins(origins: readonly OriginEntry[]): Promise<Finding[]>[] {
  return origins.map((origin) => {
    const what = `origin ${origin.name}`;
    return checked(what, async () => [{ what, ...(await examineOrigin(origin)) }]);
  });
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
