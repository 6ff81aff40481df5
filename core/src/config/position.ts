import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where in a configuration something is wrong; lines and columns begin at 1. */
export interface Position {
  /** Absolute path, links followed. */
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

/** Milliseconds that Node may take to check the syntax of a file. */
const CHECK_TIMEOUT_MS = 5_000;

/**
 * Where in one of `files` an error comes from that Node threw while it imported them; `undefined` if that is not known. Node
 * prints the place of a syntax error in front of the stack, and leaves it out for ES modules in JavaScript.
 */
export function positionOf(error: unknown, files: readonly string[]): Position | undefined {
  const own = new Set(files.map(real));
  const stack = (error as { stack?: unknown } | undefined)?.stack;
  if (typeof stack !== "string") return undefined;
  const position = inExcerpt(stack) ?? inFrames(stack, own);
  if (position && own.has(position.file)) return position;
  return error instanceof SyntaxError && position === undefined ? bySyntaxCheck([...own]) : undefined;
}

/** `FILE:LINE`, the line itself, and a mark below its column. */
function inExcerpt(text: string): Position | undefined {
  const [, place = "", line = "", excerpt = ""] =
    /^(\S[^\n]*):(\d+)\n([\s\S]*?)\n\s*(?:\w*Error\b|$)/.exec(text) ?? [];
  const file = pathOf(place);
  if (file === undefined) return undefined;
  const mark = excerpt.split("\n").find((text) => /^\s*\^+\s*$/.test(text));
  return { file, line: Number(line), ...(mark !== undefined && { column: mark.indexOf("^") + 1 }) };
}

/** The innermost frame of a file of the configuration. */
function inFrames(stack: string, own: ReadonlySet<string>): Position | undefined {
  for (const [, place = "", line, column] of stack.matchAll(/^ +at (?:.*\()?(.+?):(\d+):(\d+)\)?$/gm)) {
    const file = pathOf(place.replace(/^async /, ""));
    if (file !== undefined && own.has(file)) return { file, line: Number(line), column: Number(column) };
  }
  return undefined;
}

/** Asks Node about each file: there is no other way to the line of a syntax error in an ES module. */
function bySyntaxCheck(files: readonly string[]): Position | undefined {
  for (const file of files.filter((file) => /\.[cm]?js$/.test(file))) {
    const { status, stderr } = spawnSync(process.execPath, ["--check", file], {
      encoding: "utf8",
      timeout: CHECK_TIMEOUT_MS,
    });
    if (status !== 0) return inExcerpt(stderr);
  }
  return undefined;
}

/** Path behind an absolute path or a file URL, without the query that has a file read again. */
function pathOf(place: string): string | undefined {
  if (!place.startsWith("file:"))
    return place.startsWith("/") || /^[A-Za-z]:\\/.test(place) ? real(place) : undefined;
  const url = URL.parse(place);
  return url ? real(fileURLToPath(url)) : undefined;
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
