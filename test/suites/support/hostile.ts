import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from "node:tls";
import { type Certificate, makeCertificate } from "@mediatap/test";
import { FAULTS, type Place } from "./faults.ts";
import { photo } from "./photos.ts";

export interface HostileOrigin {
  /** Where faults are played that are asked for: the name of one, in base64url, stands in the request's path. */
  readonly port: number;
  /** Base URLs of the places. */
  readonly places: Readonly<Record<Place, string>>;
  /** Connections over which a fault was played and that are still open. */
  open(fault: string): number;
  close(): Promise<void>;
}

/** Path of a proper picture. */
export const GOOD = "good-photo.jpg";

/** The path that has the origin play a fault. */
export function pathOf(fault: string): string {
  return `fault-${Buffer.from(fault).toString("base64url")}/photo.jpg`;
}

export async function startHostile(): Promise<HostileOrigin> {
  const good = await photo(400, 200);
  const played = new Map<Socket, string>();
  const hostile = await listen((socket) => {
    let request = "";
    socket.on("close", () => played.delete(socket));
    socket.on("data", (data) => {
      request += data.toString("latin1");
      if (!request.includes("\r\n\r\n")) return;
      const name = Buffer.from(/fault-([\w-]+)/.exec(request)?.[1] ?? "", "base64url").toString();
      const fault = FAULTS[name];
      if (typeof fault === "function") {
        played.set(socket, name);
        fault(socket, good, request);
      } else if (request.includes(GOOD)) {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: ${good.length}\r\n\r\n`);
        socket.write(good);
      } else {
        socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
      }
      request = "";
    });
  });
  const plain = await listen((socket) =>
    socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
  );
  const silent = await listen((socket) => socket.on("data", () => {}));
  const gone = await listen(() => {});
  await gone.close();

  const authority = makeCertificate({ names: ["authority"] });
  const trusted = getCACertificates("default");
  setDefaultCACertificates([...trusted, authority.cert]);
  const expires = new Date(Date.now() - 60_000);
  const [selfSigned, otherName, expired] = await Promise.all([
    listenTls(makeCertificate({ names: ["127.0.0.1"] })),
    listenTls(makeCertificate({ names: ["other.example.com"], issuer: authority })),
    listenTls(makeCertificate({ names: ["127.0.0.1"], issuer: authority, expires })),
  ]);
  return {
    port: hostile.port,
    places: {
      refused: `http://127.0.0.1:${gone.port}`,
      // TEST-NET-1 (RFC 5737): nobody is there.
      nowhere: "http://192.0.2.1",
      unknown: "http://nobody.invalid",
      plain: `https://127.0.0.1:${plain.port}`,
      silent: `https://127.0.0.1:${silent.port}`,
      "self-signed": `https://127.0.0.1:${selfSigned.port}`,
      "other name": `https://127.0.0.1:${otherName.port}`,
      expired: `https://127.0.0.1:${expired.port}`,
    },
    open: (fault) => [...played.values()].filter((name) => name === fault).length,
    async close() {
      setDefaultCACertificates(trusted);
      const servers = [hostile, plain, silent, selfSigned, otherName, expired];
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

/** A TLS server that would serve anything, if anybody trusted it. */
function listenTls({ cert, key }: Certificate) {
  const server = createTlsServer({ cert, key }, (socket) =>
    socket.on("error", () => {}).end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
  );
  return listening(
    server.on("tlsClientError", () => {}),
    () => {},
  );
}

function listen(connected: (socket: Socket) => void) {
  return listening(createServer(), connected);
}

async function listening(server: Server, connected: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    connected(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
