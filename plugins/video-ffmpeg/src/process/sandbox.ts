import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { shortageOf } from "@mediatap/core";
import { notStarted } from "./stderr.ts";
import { absolute } from "./tools.ts";

const GB = 1024 ** 3;

/** What a program may take of the system. */
export interface Confines {
  /** How far it stands back, 0–19. */
  readonly niceness: number;
  /** Seconds of processor time, all threads together. */
  readonly cpu: number;
  /** Bytes of a file that it writes. */
  readonly fileBytes: number;
}

/**
 * Bytes of address space. Each thread reserves some that it never uses, and encoders have a thread a core and more.
 */
const ADDRESSES = 2 * GB + availableParallelism() * 0.25 * GB;
const FILES = 64;

interface Found {
  readonly setpriv: readonly string[];
  readonly prlimit: string | undefined;
  readonly nice: string | undefined;
}

const SEARCH_TIMEOUT_MS = 30_000;

let found: Found | undefined;

/**
 * What stands before a program so that it runs within bounds: it ends with the server (`setpriv`), has limits of the system
 * (`prlimit`) and steps back (`nice`). What the system has not got, or does not allow, is left out. Throws `EBUSY`.
 */
export function confine({ niceness, cpu, fileBytes }: Confines): readonly string[] {
  found ??= findConfinement();
  const { setpriv, prlimit, nice } = found;
  return [
    ...setpriv,
    ...(prlimit ? [prlimit, ...limitsOf(Math.ceil(cpu), Math.ceil(fileBytes))] : []),
    ...(nice && niceness > 0 ? [nice, "-n", String(niceness)] : []),
  ];
}

/** Which of them are there, for the doctor. */
export function confinement(): { readonly there: readonly string[]; readonly missing: readonly string[] } {
  found ??= findConfinement();
  const all = [
    ["setpriv", found.setpriv.length > 0],
    ["prlimit", found.prlimit !== undefined],
    ["nice", found.nice !== undefined],
  ] as const;
  const names = (is: boolean) => all.filter(([, there]) => there === is).map(([name]) => name);
  return { there: names(true), missing: names(false) };
}

const limitsOf = (cpu: number, fileBytes: number): readonly string[] => [
  // At the first it is told, at the second killed.
  `--cpu=${cpu}:${cpu + 5}`,
  `--as=${ADDRESSES}`,
  `--fsize=${fileBytes}`,
  `--nofile=${FILES}`,
  "--core=0",
];

/** Throws `EBUSY` if that cannot be found out now: nothing may run without bounds that the system has. */
function findConfinement(): Found {
  const works = (path: string | undefined, ...args: readonly string[]): path is string => {
    if (path === undefined) return false;
    const options = { env: {}, timeout: SEARCH_TIMEOUT_MS };
    const { status, signal, error } = spawnSync(path, [...args, process.execPath, "--version"], options);
    const shortage = shortageOf(error);
    if (shortage) throw shortage;
    if (signal) throw notStarted(error ?? new Error(`${path} was ended by ${signal}`));
    return status === 0;
  };
  const [setpriv, prlimit, nice] = ["setpriv", "prlimit", "nice"].map((name) => absolute(name));
  const bound = ["--no-new-privs", "--pdeathsig", "KILL"];
  // Node's own address space is larger than a program for videos needs, so that one is not tried.
  const limits = limitsOf(60, GB).filter((limit) => !limit.startsWith("--as"));
  return {
    setpriv: works(setpriv, ...bound) ? [setpriv, ...bound] : [],
    prlimit: works(prlimit, ...limits) ? prlimit : undefined,
    nice: works(nice, "-n", "1") ? nice : undefined,
  };
}
