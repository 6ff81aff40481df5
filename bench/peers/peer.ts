import { type ChildProcess, spawn } from "node:child_process";
import { connect, createServer } from "node:net";
import { sleep } from "../measure.ts";

export type Format = "jpg" | "webp" | "avif";

export const isFormat = (wanted: string): wanted is Format => ["jpg", "webp", "avif"].includes(wanted);

/** Work of several steps. */
export type Work = "product" | "thumb-webp" | "thumb-png";

/** Name of the picture, beside the photographs, that is laid on products. */
export const LOGO = "logo.png";

/** A server to be compared. */
export interface Peer {
  readonly name: string;
  /** Why it cannot take part on this machine. */
  readonly missing?: string;
  /** Formats that it writes; others are left out. */
  readonly formats: readonly Format[];
  /** Formats so slow that only every fifth photograph is asked for. */
  readonly slow?: readonly Format[];
  /** It answers conditional requests. */
  readonly conditions: boolean;
  /** Where it passes on what a web server has; left out: it does not. */
  readonly through?: string;
  /** The same server of another checkout of this repository; left out: it is of elsewhere. */
  of?(checkout: string): Peer;
  /** Command that serves the folder `media` on this port, and the web server `origin`. */
  command(media: string, port: number, origin: string): Command | Promise<Command>;
  /** Writes another configuration, which is taken at SIGHUP; left out: it takes none while it runs. */
  configure?(media: string, origin: string, changes: Readonly<Record<string, unknown>>): void;
  /** Names of the only scenarios that it takes part in; left out: all that it can do. */
  readonly only?: readonly string[];
  /** Path of a picture, `width` pixels wide (512). */
  path(photograph: string, format: Format, width?: number): string;
  /** Path of the same as WebP if the server need not look at the file again each second; left out: as `path`. */
  steady?(photograph: string, width: number): string;
  /** Path of a picture that the web server has, as WebP 256 pixels wide; left out: it does not ask web servers. */
  remote?(photograph: string): string;
  /** Path of work of several steps; left out: it does none. */
  work?(photograph: string, work: Work): string;
  /** Path of the video, made smaller; `request` is another one each time. Left out: it does none. */
  video?(request: number): string;
}

export interface Command {
  readonly args: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** Folder in which it is started; left out: that of the benchmark. */
  readonly cwd?: string;
}

/** A server that runs. */
export interface Running {
  readonly peer: Peer;
  readonly pid: number;
  readonly origin: string;
  stop(): Promise<void>;
}

/** Starts a server of its own on a free port and waits until it takes connections. */
export async function start(peer: Peer, media: string, origin: string): Promise<Running> {
  const port = await freePort();
  const { args, env, cwd } = await peer.command(media, port, origin);
  const [program, ...rest] = args;
  const child = spawn(program, rest, {
    env: { ...process.env, ...env },
    ...(cwd && { cwd }),
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await listening(peer.name, child, port);
  return {
    peer,
    pid: child.pid as number,
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill();
      await Promise.race([ended, sleep(5000).then(() => child.kill("SIGKILL"))]);
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

const START_TIMEOUT_MS = 120_000;

/** Waits until a process takes connections. */
export async function listening(name: string, child: ChildProcess, port: number): Promise<void> {
  const end = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < end) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    if (await connects(port)) return;
    await sleep(5);
  }
  child.kill();
  throw new Error(`${name} does not listen`);
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
