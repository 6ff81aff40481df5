import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BIN } from "./mediatap.ts";
import type { Peer } from "./peer.ts";

const SERVER = fileURLToPath(new URL("fleet-server.ts", import.meta.url));
const PROGRAMS = ["redis-server", "moto_server", "nginx"];
const FOLDERS = (process.env.PATH ?? "").split(":");

/** Opens the management API of the machines. */
export const KEY = "private_key_of_the_benchmark";

/** So many machines behind nginx, with one Redis and one S3 emulator. */
export function fleet(name: string, machines: number): Peer {
  const absent = PROGRAMS.filter((program) => !FOLDERS.some((folder) => existsSync(`${folder}/${program}`)));
  const missing = `not installed: ${absent.join(", ")} (Debian: apt install redis-server nginx python3-moto python3-flask-cors)`;
  return {
    name,
    ...(absent.length > 0 && { missing }),
    formats: ["jpg", "webp", "avif"],
    conditions: true,
    command: (media, port, origin) => ({
      args: [
        process.execPath,
        "--disable-warning=ExperimentalWarning",
        SERVER,
        ...[BIN, media, String(port), origin, String(machines), KEY],
      ],
    }),
    path: (photograph, format, width = 512) => `/tr:w-${width},q-80,f-${format}/${photograph}`,
  };
}
