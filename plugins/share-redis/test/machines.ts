import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { cacheKeyv } from "@mediatap/cache-keyv";
import { cacheMemory } from "@mediatap/cache-memory";
import type { Plugin } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import {
  type Answer,
  makePng,
  type StartOptions,
  startServer,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import sharp from "sharp";
import { type ShareRedisOptions, shareRedis } from "../src/index.ts";

/** Milliseconds for which a Redis that failed is left alone. */
const REST = 50;
/** Milliseconds in which Redis answers on any machine. */
const TIMEOUT_MS = 30_000;

const KEY = "a key that is long enough";

/** A picture of one colour. */
export const plain = (red: number): Buffer => makePng(60, 40, () => [red, 30, 30, 255]);

/** Red of the middle of a picture. */
export async function redOf(bytes: Uint8Array): Promise<number> {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  return data[
    (Math.floor(info.height / 2) * info.width + Math.floor(info.width / 2)) * info.channels
  ] as number;
}

/** A server as on a machine of its own: nothing but Redis and the origin are in common. */
export interface Machine extends TestServer {
  /** Renders that ended here. */
  readonly renders: () => number;
  /** Resolves when it is purged here. */
  purge(path: string): Promise<void>;
  /** Purges as a client does. */
  askToPurge(path: string): Promise<Answer>;
  /** Red of the picture under a path. */
  red(path: string): Promise<number>;
}

export interface Setting extends StartOptions {
  readonly share: ShareRedisOptions;
  /** URL of the Redis that keeps renditions. Left out: none does. */
  readonly cache?: string;
  readonly plugins?: readonly Plugin[];
}

/** Machines that are closed together. */
export function makeMachines() {
  const machines: Machine[] = [];
  return {
    async start(origin: Pick<WebOrigin, "url">, setting: Setting): Promise<Machine> {
      const { cache, plugins = [], ...options } = setting;
      const share = { timeout: TIMEOUT_MS, ...setting.share };
      let renders = 0;
      const counter: Plugin = {
        name: "counter",
        version: "1",
        apiVersion: 1,
        apply({ hooks }) {
          hooks.report.tap("counter", ({ kind }) => {
            if (kind === "render") renders++;
          });
        },
      };
      const server = await startServer(
        {
          plugins: [
            urlImagekit(),
            storageWeb({ retries: 0 }),
            imageSharp(),
            cacheMemory(),
            cache === undefined ? undefined : cacheKeyv({ redis: cache, timeout: share.timeout }),
            shareRedis(share),
            counter,
            ...plugins,
          ],
          origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
          endpoints: { default: { origins: ["site"] } },
          privateKey: KEY,
          limits: { failureLifetime: REST },
        },
        options,
      );
      const machine: Machine = {
        ...server,
        renders: () => renders,
        purge: (path) => server.server.runtime.purges.begin([{ kind: "source", value: path }]).done,
        askToPurge: (path) =>
          server.ask("/-/api/v1/purges", {
            method: "POST",
            headers: { authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}` },
            body: JSON.stringify({ source: path }),
          }),
        async red(path) {
          const { status, body, text } = await server.ask(path);
          if (status !== 200) throw new Error(`${status} ${text.slice(0, 200)}`);
          return redOf(body);
        },
      };
      machines.push(machine);
      return machine;
    },
    async close(): Promise<void> {
      await Promise.all(machines.splice(0).map((machine) => machine.close()));
    },
  };
}

/** A wire to a port that can be cut: nobody hears of it, or both ends do. */
export async function makeWire(port: number) {
  let isCut = false;
  const sockets = new Set<Socket>();
  const pairs = new Set<[Socket, Socket]>();
  const server = createServer((socket) => {
    if (isCut) return socket.destroy();
    const onward = connect(port, "127.0.0.1");
    pairs.add([socket, onward]);
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.on("error", () => undefined).on("close", () => sockets.delete(end));
    }
    socket.on("close", () => onward.destroy());
    onward.on("close", () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `redis://127.0.0.1:${(server.address() as { port: number }).port}`,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    /** What is sent gets nowhere; new connections work. */
    silence() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    mend() {
      isCut = false;
    },
    /** What is sent to the machine waits until it is let go. */
    hold() {
      for (const [socket, onward] of pairs) onward.unpipe(socket);
    },
    release() {
      for (const [socket, onward] of pairs) onward.pipe(socket);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
