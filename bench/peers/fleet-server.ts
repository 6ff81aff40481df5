import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { freePort, listening } from "./peer.ts";

// Several machines behind nginx, with one Redis and one S3 emulator, as examples/cluster has them. They end with this process.
const [bin = "", media = ".", port = "0", origin = "", machines = "1", key = ""] = process.argv.slice(2);
const folder = join(dirname(media), `fleet-${machines}`);
const children: ChildProcess[] = [];
process.once("SIGTERM", () => process.exit());
process.once("exit", () => {
  // The processes of nginx end with their first one only if that has the time to end them.
  for (const child of children) child.kill(child.spawnfile === "nginx" ? "SIGTERM" : "SIGKILL");
});

mkdirSync(folder, { recursive: true });
const redis = await freePort();
await run(
  "redis-server",
  ["--port", `${redis}`, "--bind", "127.0.0.1", "--dir", folder, "--save", ""],
  redis,
);
const s3 = await freePort();
await run("moto_server", ["-H", "127.0.0.1", "-p", `${s3}`], s3);
await fetch(`http://127.0.0.1:${s3}/bench`, { method: "PUT" });
const config = join(folder, "mediatap.config.json");
writeFileSync(config, JSON.stringify(machineConfig()));
const ports = await Promise.all(
  Array.from({ length: Number(machines) }, async () => {
    const own = await freePort();
    const address = ["--port", `${own}`, "--host", "127.0.0.1"];
    await run(process.execPath, [bin, "serve", "--config", config, ...address], own);
    return own;
  }),
);
const nginx = join(folder, "nginx.conf");
writeFileSync(nginx, nginxConfig());
await run("nginx", ["-c", nginx, "-e", join(folder, "error.log"), "-g", "daemon off;"], Number(port));

async function run(program: string, args: readonly string[], listensOn: number): Promise<void> {
  // moto logs each request.
  const errors = program === "moto_server" ? "ignore" : "inherit";
  const child = spawn(program, args, { stdio: ["ignore", "ignore", errors] });
  children.push(child);
  await listening(program, child, listensOn);
}

function machineConfig() {
  const bucket = (prefix: string) => ({
    type: "S3_COMPATIBLE",
    endpoint: `http://127.0.0.1:${s3}`,
    bucket: "bench",
    prefix,
    s3ForcePathStyle: true,
    accessKey: "any",
    secretKey: "any",
  });
  // All of it shares the cores of one machine: who waits for them must not be taken for one who has failed.
  const patient = { timeout: 5000 };
  const address = { redis: `redis://127.0.0.1:${redis}`, ...patient };
  return {
    presets: ["mediatap"],
    plugins: [
      ["share-redis", address],
      ["cache-keyv", address],
      ["cache-storage", { origin: "renditions", ...patient }],
      ["cache-source", { storage: "copies" }],
      "metrics",
    ],
    origins: {
      site: { type: "WEB_FOLDER", baseUrl: origin },
      copies: bucket("copies"),
      renditions: bucket("made"),
    },
    endpoints: { default: { origins: ["site"] } },
    privateKey: key,
    log: { level: "warn" },
  };
}

/** Machines take turns; `/machine/N/…` reaches the n-th of them. */
function nginxConfig(): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const keepAlive = 'proxy_http_version 1.1; proxy_set_header Connection "";';
  return `
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes ${Math.min(2, availableParallelism())};
pid ${folder}/nginx.pid;
events {}
http {
  access_log off;
  ${temporary.map((use) => `${use}_temp_path ${folder}/${use};`).join("\n  ")}
  upstream machines {
    ${ports.map((own) => `server 127.0.0.1:${own};`).join("\n    ")}
    keepalive 64;
  }
  server {
    listen 127.0.0.1:${port};
    ${keepAlive}
    location / { proxy_pass http://machines; }
    ${ports.map((own, at) => `location /machine/${at}/ { proxy_pass http://127.0.0.1:${own}/; }`).join("\n    ")}
  }
}
`;
}
