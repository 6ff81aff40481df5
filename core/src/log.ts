import { type DestinationStream, type Logger, pino } from "pino";
import { maskText } from "./mask.ts";
import { prettyLine } from "./pretty.ts";

export interface LogOptions {
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
  return pretty ? pino(options, forPeople()) : pino(options);
}

function forPeople(): DestinationStream {
  const colors = process.stdout.isTTY === true && !process.env.NO_COLOR;
  return { write: (line) => process.stdout.write(prettyLine(line, colors)) };
}

/** A URL without its signature. */
export function maskUrl(url: string): string {
  return maskText(url).slice(0, 2000);
}
