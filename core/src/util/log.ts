import { type DestinationStream, type Logger, pino } from "pino";
import { codeOf } from "../model/errors.ts";
import { formatLine } from "./log-format.ts";
import { maskText } from "./redact.ts";

interface LogOptions {
  /** Least level that is logged. @default "info" */
  readonly level?: string | undefined;
  /** For people instead of for programs. @default whether the output is a terminal */
  readonly pretty?: boolean | undefined;
}

/** The server's log: JSON lines, or for people on a terminal. Secrets in known fields are masked. */
export function createLogger({
  level = "info",
  pretty = process.stdout.isTTY === true,
}: LogOptions = {}): Logger {
  const options = {
    level,
    redact: {
      paths: [
        "*.privateKey",
        "*.secretKey",
        "*.sasToken",
        "*.password",
        "*.authorization",
        "headers.authorization",
      ],
      censor: "***",
    },
  };
  return pino(options, pretty ? forPeople() : forPrograms());
}

/** Bytes that are buffered for an output that cannot be written to for the moment, such as a file on a full disk. */
const MAX_PENDING_BYTES = 1024 * 1024;

/** How often lines are written again that nobody reads, in milliseconds. */
const RETRY_INTERVAL_MS = 100;

/** JSON lines on the standard output. A line that cannot be written is dropped: logging never fails, and never waits. */
function forPrograms(): DestinationStream {
  const output = pino.destination({
    dest: process.stdout.fd ?? 1,
    sync: true,
    maxLength: MAX_PENDING_BYTES,
    // Otherwise the whole process sleeps until a reader that has stalled goes on.
    retryEAGAIN: () => false,
  });
  let retry: NodeJS.Timeout | undefined;
  return output.on("error", (error) => {
    if (codeOf(error) !== "EAGAIN" || retry) return;
    retry = setTimeout(() => {
      retry = undefined;
      output.write("");
    }, RETRY_INTERVAL_MS).unref();
  });
}

let areErrorsIgnored = false;

/**
 * From now on what cannot be written to the standard output or error is dropped. Without it a closed terminal (EIO) is an
 * uncaught exception, and so is the attempt to log that.
 */
export function ignoreOutputErrors(): void {
  if (areErrorsIgnored) return;
  areErrorsIgnored = true;
  for (const output of [process.stdout, process.stderr]) output.on("error", () => {});
}

function forPeople(): DestinationStream {
  ignoreOutputErrors();
  const colors = process.stdout.isTTY === true && !process.env.NO_COLOR;
  return { write: (line) => process.stdout.write(formatLine(line, colors)) };
}

/** Calls `write` at once, then at most once per interval (milliseconds), with the number of calls since and the last value. */
export function throttled<T>(interval: number, write: (calls: number, last: T) => void): (value: T) => void {
  let calls = 0;
  let last: T;
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    timer = undefined;
    if (calls === 0) return;
    const before = calls;
    calls = 0;
    timer = setTimeout(flush, interval).unref();
    write(before, last);
  };
  return (value) => {
    calls++;
    last = value;
    if (timer === undefined) flush();
  };
}

/** A URL without its signature. */
export function maskUrl(url: string): string {
  return maskText(url).slice(0, 2000);
}

/** The messages of an error and of its causes on one line, without secrets, for the operator: not for clients. */
export function reasonOf(error: unknown): string {
  const messages: string[] = [];
  for (let at = error; at instanceof Error && messages.length < 4; at = at.cause) {
    const text = at.message || codeOf(at) || at.name;
    if (!messages.includes(text)) messages.push(text);
    // Node gives an error for each address it tried.
    if (at instanceof AggregateError && !at.message)
      messages.push(...at.errors.map((one: Error) => one.message));
  }
  return maskText(messages.join(": ")).slice(0, 1000);
}
