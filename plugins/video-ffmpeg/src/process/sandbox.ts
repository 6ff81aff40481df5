import { availableParallelism } from "node:os";
import { absolute, notStarted, runSync } from "./spawn.ts";

const GB = 1024 ** 3;

/** Limits of a process. */
export interface ProcessLimits {
  /** Nice value, 0–19. */
  readonly niceness: number;
  /** Seconds of processor time, all threads together. */
  readonly cpu: number;
  /** Bytes of a file that it writes. */
  readonly fileBytes: number;
}

/** Bytes of address space. Each thread reserves some that it never uses, and encoders have a thread per core and more. */
const ADDRESS_SPACE_BYTES = 2 * GB + availableParallelism() * 0.25 * GB;
const MAX_OPEN_FILES = 64;

const END_WITH_SERVER = ["--no-new-privs", "--pdeathsig", "KILL"];
const WRAPPERS = ["setpriv", "prlimit", "nice"] as const;

/** The paths of the wrappers that work here. */
type WrapperPaths = Readonly<Partial<Record<(typeof WRAPPERS)[number], string>>>;

let wrappers: WrapperPaths | undefined;

/**
 * What stands before a program so that it ends with the server (`setpriv`), has limits of the system (`prlimit`) and a lower priority
 * (`nice`). What the system does not have, or does not allow, is left out. Throws `EBUSY`.
 */
export function sandbox({ niceness, cpu, fileBytes }: ProcessLimits): readonly string[] {
  wrappers ??= findWrappers();
  const { setpriv, prlimit, nice } = wrappers;
  return [
    ...(setpriv ? [setpriv, ...END_WITH_SERVER] : []),
    ...(prlimit ? [prlimit, `--as=${ADDRESS_SPACE_BYTES}`, ...limitArgs(cpu, fileBytes)] : []),
    ...(nice && niceness > 0 ? [nice, "-n", String(niceness)] : []),
  ];
}

/** Which wrappers work here, for the doctor. */
export function examineSandbox(): {
  readonly available: readonly string[];
  readonly missing: readonly string[];
} {
  wrappers ??= findWrappers();
  const { available = [], missing = [] } = Object.groupBy(WRAPPERS, (name) =>
    wrappers?.[name] ? "available" : "missing",
  );
  return { available, missing };
}

const limitArgs = (cpu: number, fileBytes: number): readonly string[] => [
  // SIGXCPU at the first limit, SIGKILL at the second.
  `--cpu=${Math.ceil(cpu)}:${Math.ceil(cpu) + 5}`,
  `--fsize=${Math.ceil(fileBytes)}`,
  `--nofile=${MAX_OPEN_FILES}`,
  "--core=0",
];

/** Throws `EBUSY` if that cannot be found out now: nothing may run without limits that the system has. */
function findWrappers(): WrapperPaths {
  const trialArgs = {
    setpriv: END_WITH_SERVER,
    // Node's own address space is larger than a video program needs, so that limit is not tried.
    prlimit: limitArgs(60, GB),
    nice: ["-n", "1"],
  };
  const idle = absolute("true");
  const end = idle ? [idle] : [process.execPath, "--version"];
  const works = (wrappers: readonly (readonly string[])[]): boolean => {
    const [program = "", ...args] = [...wrappers.flat(), ...end];
    const { status, signal, error } = runSync(program, args);
    if (signal) throw notStarted(error ?? new Error(`${program} was ended by ${signal}`));
    return status === 0;
  };
  const available = WRAPPERS.flatMap((name) => {
    const path = absolute(name);
    return path === undefined ? [] : [{ name, path, command: [path, ...trialArgs[name]] }];
  });
  const working = works(available.map(({ command }) => command))
    ? available
    : available.filter(({ command }) => works([command]));
  return Object.fromEntries(working.map(({ name, path }) => [name, path]));
}
