import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { VIDEO } from "../video.ts";
import type { Peer } from "./peer.ts";

const SERVER = fileURLToPath(new URL("bare-server.ts", import.meta.url));
const NAMES = /^(?:LD_PRELOAD|MALLOC_\w+|UV_THREADPOOL_SIZE)$/;

/** sharp behind `node:http`, with the allocator and the thread pool that `mediatap serve` (process `like`) gave itself. */
export function bare(like: number): Peer {
  const env = memoryEnvironment(like);
  return {
    name: "bare sharp",
    formats: ["jpg", "webp", "avif"],
    conditions: false,
    through: "/through",
    command: (media, port, origin) => ({
      args: [process.execPath, "--disable-warning=ExperimentalWarning", SERVER, media, String(port), origin],
      env,
    }),
    path: (photograph, format, width = 512) => `/${format}/${width}/${photograph}`,
    remote: (photograph) => `/remote/256/${photograph}`,
    work: (photograph, work) => `/${work}/-/${photograph}`,
    video: () => `/video/640/${VIDEO}`,
  };
}

/** `node:http` alone: renders a URL once, however many ask, and sends it from a map with the headers that any server sends. */
export const kept = (like: number): Peer => {
  const { command } = bare(like);
  return {
    name: "node:http",
    only: ["cold-1", "cold-16", "hot", "304-warm", "many"],
    formats: ["webp"],
    conditions: true,
    command,
    path: (photograph, _, width = 512) => `/kept/${width}/${photograph}`,
  };
};

/** Bare servers on one core and, as two processes, on two: what a second process gains without this server. */
export const barePair = (like: number): readonly Peer[] =>
  [[0], [0, 1]].map((cores): Peer => {
    const { command } = bare(like);
    return {
      name: cores.length === 1 ? "bare, one core" : "bare, two workers",
      formats: ["jpg", "webp"],
      conditions: true,
      async command(media, port, origin) {
        const { args, env } = await command(media, port, origin);
        return {
          args: ["taskset", "-c", cores.join(","), ...args, String(cores.length)],
          ...(env && { env }),
        };
      },
      path: (photograph, format, width = 512) =>
        `/${format === "webp" ? "kept" : format}/${width}/${photograph}`,
    };
  });

function memoryEnvironment(pid: number): Record<string, string> {
  const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  return Object.fromEntries(
    variables
      .map((text) => /^(\w+)=(.*)$/s.exec(text)?.slice(1) ?? [])
      .filter(([name = ""]) => NAMES.test(name)),
  );
}
