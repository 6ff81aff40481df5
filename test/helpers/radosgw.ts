import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { inTurns, mendRanges } from "./dbstore.ts";
import { passOn } from "./front.ts";
import { answers, freePort, type Program, type Running, startProgram } from "./programs.ts";

/** Ceph's S3 server. It checks credentials, and knows path style and virtual hosts. */
export const RADOSGW: Program = { path: "/usr/bin/radosgw", packages: ["radosgw"] };

export interface S3Service {
  /** Address with path style. */
  readonly endpoint: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  close(): Promise<void>;
}

/** A service that a test may stop for a while; what is stored stays. */
export interface Radosgw extends S3Service {
  /** Ends it: connections are closed, new ones refused. */
  stop(): Promise<void>;
  /** Starts it again, at the same address. */
  start(): Promise<void>;
}

/** Where virtual hosts lie: `bucket.s3.localhost`. The name is not known to any resolver. */
export const RADOSGW_DOMAIN = "s3.localhost";

const ACCESS_KEY = "testkey";
const SECRET_KEY = "testsecret";

/**
 * Starts a radosgw with one user, in a folder and on a port of its own. It ignores `If-Modified-Since`, sends no
 * checksums, and gives back what was uploaded in parts in the wrong order. What its store does wrong beside that is mended
 * in front of it (`dbstore.ts`).
 */
export async function startRadosgw(): Promise<Radosgw> {
  const folder = await mkdtemp(join(tmpdir(), "mediatap-radosgw-"));
  const [port, inner] = await Promise.all([freePort(), freePort()]);
  const config = join(folder, "ceph.conf");
  const data = join(folder, "data");
  await mkdir(data);
  await writeFile(
    config,
    `[global]
fsid = 00000000-0000-0000-0000-000000000001
mon_host = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
[client]
rgw_backend_store = dbstore
rgw_config_store = dbstore
dbstore_db_dir = ${data}
dbstore_config_uri = file:${data}/config.db
rgw_frontends = beast endpoint=127.0.0.1:${inner}
rgw_dns_name = ${RADOSGW_DOMAIN}
run_dir = ${folder}
log_file = ${folder}/rgw.log
`,
  );
  const keys = { accessKey: ACCESS_KEY, secretKey: SECRET_KEY };
  const front = createServer(inTurns(RADOSGW_DOMAIN, passOn(inner, mendRanges(inner, RADOSGW_DOMAIN, keys))));
  let program: Running | undefined;

  async function start(): Promise<void> {
    const args = ["-c", config, "-n", "client.rgw", "--no-mon-config", "-f"];
    program = await startProgram(RADOSGW.path, args, () => answers(`http://127.0.0.1:${inner}`));
    await once(front.listen(port, "127.0.0.1"), "listening");
  }

  async function stop(): Promise<void> {
    const closed = front.listening ? once(front, "close") : undefined;
    front.close();
    front.closeAllConnections();
    await Promise.all([closed, program?.stop()]);
  }

  async function close(): Promise<void> {
    await stop();
    await rm(folder, { recursive: true, force: true });
  }

  try {
    await createUser(config);
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return { endpoint: `http://127.0.0.1:${port}`, port, ...keys, start, stop, close };
}

/** Users are made before the server starts. The program hangs now and then, before or after its work: then it is run again. */
async function createUser(config: string, triesLeft = 2): Promise<void> {
  const user = ["--uid=m", "--display-name=M", `--access-key=${ACCESS_KEY}`, `--secret-key=${SECRET_KEY}`];
  const args = ["-c", config, "--no-mon-config", "user", "create", ...user];
  try {
    await promisify(execFile)("/usr/bin/radosgw-admin", args, { timeout: 20_000, killSignal: "SIGKILL" });
  } catch (error) {
    if (/user: m exists/.test((error as { stderr?: string }).stderr ?? "")) return;
    if (triesLeft === 0) throw error;
    await createUser(config, triesLeft - 1);
  }
}
