import { inspect, styleText } from "node:util";

const LEVELS: Readonly<Record<number, readonly [word: string, style: Parameters<typeof styleText>[0]]>> = {
  10: ["trace", "dim"],
  20: ["debug", "dim"],
  30: ["info", "green"],
  40: ["warn", "yellow"],
  50: ["error", "red"],
  60: ["fatal", "red"],
};

interface LoggedError {
  readonly message?: string;
  readonly stack?: string;
}

/**
 * A line of the log, as JSON, in the form that people read: time, level, message, further fields, stack. Not `pino-pretty`: a dozen
 * packages for these lines, in each installation.
 */
export function formatLine(line: string, colors: boolean): string {
  const { level, time, msg = "", pid: _, hostname: __, err, cause, ...fields } = JSON.parse(line);
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colors ? styleText(style, text, { validateStream: false }) : text;
  const [word, style] = LEVELS[level as number] ?? ["log", "dim"];
  const clock = new Date(time as number).toTimeString().slice(0, 8);
  const more = Object.entries(fields).map(
    ([name, value]) =>
      `${name}=${typeof value === "string" ? value : inspect(value, { breakLength: Number.POSITIVE_INFINITY })}`,
  );
  const text = [paint("dim", clock), paint(style, word.padEnd(5)), msg, paint("dim", more.join(" "))];
  return `${[text.join(" ").trimEnd(), ...stackOf(err), ...stackOf(cause)].join("\n")}\n`;
}

function stackOf(error: LoggedError | undefined): string[] {
  const text = error?.stack ?? error?.message;
  return text === undefined ? [] : [text.replace(/^/gm, "    ")];
}
