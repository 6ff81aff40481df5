import { execFile } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeFolder } from "./folder.ts";
import { freePort, type Program, type Running, startProgram } from "./programs.ts";
import { until } from "./until.ts";

export const REDIS: Program = { path: "/usr/bin/redis-server", packages: ["redis-server"] };
const CLI = "/usr/bin/redis-cli";

export interface RedisStart {
  /** @default any that is free */
  readonly port?: number;
  /** Further settings, as on the command line: `["--maxmemory", "2mb"]`. */
  readonly settings?: readonly string[];
}

/** A Redis of a test's own, which keeps everything in memory. */
export interface Redis {
  readonly port: number;
  readonly url: string;
  /** Has it hang, or go on. */
  signal: Running["signal"];
  /** Carries out one command; resolves with what `redis-cli` prints. */
  command(...words: string[]): Promise<string>;
  close(): Promise<void>;
}

export async function startRedis({ port: wanted, settings = [] }: RedisStart = {}): Promise<Redis> {
  const folder = await makeFolder();
  const port = wanted ?? (await freePort());
  const args = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    folder.path,
    "--save",
    "",
    ...settings,
  ];
  const program = await startProgram(REDIS.path, args, () => accepts(port)).catch(async (error: unknown) => {
    await folder.close();
    throw error;
  });
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    signal: program.signal,
    command: (...words) => command(port, words),
    async close() {
      await program.stop();
      await folder.close();
    },
  };
}

/** A cluster of three. */
export async function startRedisCluster(): Promise<{ readonly nodes: Redis[]; close(): Promise<void> }> {
  const settings = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"];
  const nodes = await Promise.all(
    [1, 2, 3].map(async () =>
      // By itself the second port is the first one and 10,000, which may be in use.
      startRedis({ settings: [...settings, "--cluster-port", String(await freePort())] }),
    ),
  );
  const close = async () => {
    await Promise.all(nodes.map((node) => node.close()));
  };
  try {
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
    const all = ["--cluster", "create", ...addresses, "--cluster-replicas", "0", "--cluster-yes"];
    await promisify(execFile)(CLI, all);
    // Each node learns of the others in its own time.
    for (const node of nodes) {
      await until(
        async () => (await node.command("cluster", "info")).includes("cluster_state:ok"),
        "it is ready",
      );
    }
    return { nodes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A master and its replica, watched by a sentinel. */
export interface Sentinels {
  readonly master: Redis;
  /** Options of a client. */
  readonly redis: {
    readonly name: string;
    readonly sentinelRootNodes: { readonly host: string; readonly port: number }[];
  };
  /** Resolves once the replica has what was written. */
  caughtUp(): Promise<void>;
  /** Kills the master; resolves once the replica has taken its place. */
  failOver(): Promise<void>;
  close(): Promise<void>;
}

export async function startSentinels(): Promise<Sentinels> {
  const closing: (() => Promise<unknown>)[] = [];
  async function close() {
    for (const one of closing.splice(0).reverse()) await one();
  }
  try {
    const master = await startRedis();
    closing.push(master.close);
    const replica = await startRedis({ settings: ["--replicaof", "127.0.0.1", String(master.port)] });
    closing.push(replica.close);
    const isUp = async () => /master_link_status:up/.test(await replica.command("info", "replication"));
    await until(isUp, "the replica follows");
    const folder = await makeFolder({
      "sentinel.conf": [
        `sentinel monitor main 127.0.0.1 ${master.port} 1`,
        // It fails over when it is asked to, and not because the machine is slow.
        "sentinel down-after-milliseconds main 600000\n",
      ].join("\n"),
    });
    closing.push(folder.close);
    const port = await freePort();
    const args = [
      join(folder.path, "sentinel.conf"),
      "--sentinel",
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
    ];
    const sentinel = await startProgram(REDIS.path, args, async () => true);
    closing.push(sentinel.stop);
    await until(() => /\+slave/.test(sentinel.output()), "the sentinel knows the replica");
    return {
      master,
      redis: { name: "main", sentinelRootNodes: [{ host: "127.0.0.1", port }] },
      async caughtUp() {
        const offset = async (redis: Redis) =>
          /(?:slave|master)_repl_offset:(\d+)/.exec(await redis.command("info", "replication"))?.[1];
        const isEqual = async () => (await offset(replica)) === (await offset(master));
        await until(isEqual, "the replica has what the master has");
      },
      async failOver() {
        master.signal("SIGKILL");
        await until(
          async () => (await command(port, ["sentinel", "failover", "main"])) === "OK",
          "the sentinel begins",
        );
        await until(() => /\+switch-master/.test(sentinel.output()), "the replica is the master");
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function command(port: number, words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(CLI, ["-p", String(port), ...words]);
  return stdout.trim();
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
    socket.on("close", () => resolve(false));
  });
}
