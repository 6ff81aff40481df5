import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Program } from "./programs.ts";

export const PYTHON: Program = { path: "/usr/bin/python3", packages: ["python3"] };

/** Node cannot open a pseudo terminal by itself. Closes the terminal when its own input ends; then waits for the program. */
const PROGRAM = `
import fcntl, os, select, subprocess, sys, termios
streams, controlling, command = sys.argv[1].split(","), sys.argv[2] == "true", sys.argv[3:]
master, slave = os.openpty()
def begin():
    os.setsid()
    if controlling: fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
def on(name, other): return slave if name in streams else other
child = subprocess.Popen(command, stdin=on("stdin", subprocess.DEVNULL), stdout=on("stdout", 2), stderr=on("stderr", 2),
    preexec_fn=begin)
os.close(slave)
os.write(1, b"%d\\n" % child.pid)
while True:
    ready, _, _ = select.select([0, master], [], [])
    if 0 in ready: break
    try: os.write(1, os.read(master, 65536))
    except OSError: break
os.close(master)
code = child.wait()
sys.exit(code if code >= 0 else 128 - code)
`;

export interface TerminalOptions {
  /** Standard streams that are the terminal; standard output and error go elsewhere otherwise. */
  readonly streams: readonly ("stdin" | "stdout" | "stderr")[];
  /** Whether closing it sends SIGHUP to the program, as it does to what runs in the foreground. */
  readonly controlling: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

/** A program on a pseudo terminal. */
export interface InTerminal {
  readonly pid: number;
  /** All that it wrote, on the terminal and elsewhere. */
  readonly output: () => string;
  /** Resolves when the output matches. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
  /** Closes the terminal, as its window does. */
  close(): void;
  /** Its exit code; 128 and the number of the signal that ended it. */
  readonly ended: Promise<number>;
}

/** Starts a program on a pseudo terminal of its own. Needs {@link PYTHON}. */
export async function startInTerminal(
  command: readonly string[],
  options: TerminalOptions,
): Promise<InTerminal> {
  const { streams, controlling, env = process.env } = options;
  const args = ["-c", PROGRAM, streams.join(), String(controlling), ...command];
  const child = spawn(PYTHON.path, args, { env, stdio: "pipe" });
  const ended = once(child, "close").then(([code]) => code as number);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      child.emit("output");
    });
  }
  const shows = async (pattern: RegExp) => {
    for (;;) {
      const found = pattern.exec(output);
      if (found) return found;
      await Promise.race([
        once(child, "output"),
        ended.then(() => Promise.reject(new Error(`it ended: ${output}`))),
      ]);
    }
  };
  const pid = Number((await shows(/^(\d+)\r?\n/m))[1]);
  return { pid, output: () => output, shows, close: () => child.stdin.end(), ended };
}
