import { hash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { codeOf } from "../model/errors.ts";

/** A process, so that others can tell whether it is still there. */
export interface Owner {
  readonly pid: number;
  /** When it began, as the system counts: another process may get the same number. */
  readonly began: string;
  /** Which process numbers are meant: those of one container, since one start of a machine. */
  readonly space: string;
}

/** This process. */
export function thisOwner(): Owner {
  return { pid: process.pid, began: beganAt(process.pid), space: space() };
}

/** Whether a process has ended. `undefined`: it cannot be seen from here. */
export function isGone(owner: Owner): boolean | undefined {
  if (owner.space !== space()) return undefined;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return true;
  }
  return beganAt(owner.pid) !== owner.began;
}

/** An owner as part of a file's name: lower-case letters, digits and hyphens. */
export function ownerText({ pid, began, space }: Owner): string {
  return `${pid}-${began}-${space}`;
}

/** The owner in a file's name; `undefined`: it is none. */
export function parseOwner(text: string): Owner | undefined {
  const [, pid, began = "", space = ""] = /^(\d{1,10})-(\d*)-([0-9a-f]{12})$/.exec(text) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), began, space };
}

/** Field 22 of `/proc/<pid>/stat` (proc(5)); what stands before may hold spaces and brackets. */
function beganAt(pid: number): string {
  const text = textOf(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

let known: string | undefined;

function space(): string {
  known ??= hash(
    "sha256",
    textOf(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1")) +
      textOf(() => readlinkSync("/proc/self/ns/pid")),
    "hex",
  ).slice(0, 12);
  return known;
}

/** Other systems have no `/proc`. */
function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
