import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  answers,
  ask,
  freePort,
  makeFolder,
  type Program,
  type Redis,
  startMoto,
  startProgram,
  startRedis,
  type WebOrigin,
} from "@mediatap/test";
import { type Serving, serving } from "../../core/test/cli/mediatap.ts";

export const NGINX: Program = { path: "/usr/sbin/nginx", packages: ["nginx"] };
export const KEY = "private_key_of_the_cluster";

/** A server of the cluster: a process of its own. */
export interface Machine {
  readonly port: number;
  readonly serving: () => Serving;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** A counter of its metrics, summed up over all labels. */
  metric(name: string): Promise<number>;
}

export interface Cluster {
  readonly machines: readonly [Machine, Machine, Machine];
  /** Where clients ask. */
  readonly port: number;
  redis(): Redis;
  /** Ends Redis; `start` starts an empty one at the same address. */
  stopRedis(): Promise<void>;
  startRedis(): Promise<void>;
  /** Renditions that were made by all machines together since they started. */
  transforms(): Promise<number>;
  close(): Promise<void>;
}

/** The whole of `compose.yaml`, on this machine. */
export async function startCluster(origin: WebOrigin): Promise<Cluster> {
  const closing: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    const s3 = await startMoto();
    closing.push(s3.close);
    await fetch(`${s3.endpoint}/mediatap`, { method: "PUT" });
    let redis = await startRedis();
    closing.push(() => redis.close());
    const env = {
      ORIGIN_URL: origin.url,
      REDIS_URL: redis.url,
      S3_ENDPOINT: s3.endpoint,
      S3_ACCESS_KEY: s3.accessKey,
      S3_SECRET_KEY: s3.secretKey,
      MEDIATAP_PRIVATE_KEY: KEY,
    };
    const machines = await Promise.all([1, 2, 3].map(() => makeMachine(env)));
    for (const machine of machines) closing.push(machine.kill);
    await Promise.all(machines.map((machine) => machine.start()));
    const port = await startNginx(machines, closing);
    return {
      machines: machines as [Machine, Machine, Machine],
      port,
      redis: () => redis,
      stopRedis: () => redis.close(),
      async startRedis() {
        redis = await startRedis({ port: redis.port });
      },
      async transforms() {
        const counts = await Promise.all(machines.map(({ metric }) => metric("mediatap_renders_total")));
        return counts.reduce((sum, count) => sum + count, 0);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function makeMachine(env: Record<string, string>): Promise<Machine> {
  const port = await freePort();
  let current: Serving | undefined;
  return {
    port,
    serving: () => current as Serving,
    async start() {
      current = await serving(["--port", String(port)], { cwd: import.meta.dirname, env });
    },
    async kill() {
      current?.kill("SIGKILL");
      await current?.ended;
    },
    async metric(name) {
      const { text } = await ask(port, "/-/metrics");
      const lines = text
        .split("\n")
        .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    },
  };
}

/** nginx with the example's configuration, as an ordinary user could start it. */
async function startNginx(
  machines: readonly Machine[],
  closing: (() => Promise<unknown>)[],
): Promise<number> {
  const folder = await makeFolder();
  closing.push(folder.close);
  const port = await freePort();
  let conf = await readFile(join(import.meta.dirname, "nginx.conf"), "utf8");
  for (const [at, name] of ["one", "two", "three"].entries()) {
    conf = conf.replace(`${name}:3000`, `127.0.0.1:${machines[at]?.port}`);
  }
  const own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (use) => `${use}_temp_path ${folder.path}/${use};`,
  );
  conf = conf
    .replace(
      "worker_processes auto;",
      `worker_processes 1; daemon off; pid ${folder.path}/pid; error_log stderr;`,
    )
    .replace("access_log off;", `access_log off; ${own.join(" ")}`)
    .replace("listen 8080;", `listen 127.0.0.1:${port};`);
  await folder.write("nginx.conf", conf);
  const args = ["-p", folder.path, "-e", "stderr", "-c", join(folder.path, "nginx.conf")];
  const nginx = await startProgram(NGINX.path, args, () => answers(`http://127.0.0.1:${port}/-/live`));
  closing.push(nginx.stop);
  return port;
}
