import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { photo } from "./photos.ts";

/** What a hostile origin does with a request; `good`: bytes of a proper picture. */
export type Fault = (socket: Socket, good: Buffer, request: string) => void;

/** Addresses at which nobody answers properly, whatever is asked. */
export type Place = "refused" | "unknown" | "plain" | "silent";

type Headers = Readonly<Record<string, string | number>>;

/** A whole answer, well formed. */
function answer(status: number, headers: Headers = {}, body: Uint8Array | string = ""): Fault {
  return (socket) => {
    send(socket, status, { "content-length": Buffer.byteLength(body), ...headers });
    socket.end(body);
  };
}

function send(socket: Socket, status: number, headers: Headers): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} Whatever\r\n${lines.join("")}\r\n`);
}

/** The picture under headers of our own. */
const picture =
  (status: number, headers: Headers): Fault =>
  (socket, good) =>
    answer(status, { "content-type": "image/jpeg", ...headers }, good)(socket, good, "");

/** Bytes as they stand. */
const bytes =
  (text: string): Fault =>
  (socket) =>
    void socket.end(Buffer.from(text, "latin1"));

/** Half of the picture, then `next`. */
const half =
  (next: (socket: Socket, rest: Buffer) => void): Fault =>
  (socket, good) => {
    send(socket, 200, { "content-type": "image/jpeg", "content-length": good.length });
    const middle = Math.floor(good.length / 2);
    socket.write(good.subarray(0, middle), () => next(socket, good.subarray(middle)));
  };

/** Calls `work` now and then, as long as the connection lasts. */
function again(socket: Socket, milliseconds: number, work: () => void): void {
  const timer = setInterval(work, milliseconds);
  socket.once("close", () => clearInterval(timer));
}

/** Writes for ever, as fast as the other side reads. */
function pour(socket: Socket, data: Uint8Array): void {
  const more = () => {
    while (!socket.destroyed && socket.write(data)) {}
  };
  socket.on("drain", more);
  more();
}

function chunk(data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from("\r\n")]);
}

const MIB = 1024 * 1024;

/** Every fault, by its name in core/ERRORS.md: a place, or what happens to a request. */
export const FAULTS: Readonly<Record<string, Place | Fault>> = {
  "connection refused": "refused",
  "name not found": "unknown",
  "no TLS at that port": "plain",
  "TLS handshake stalls": "silent",
  "no answer in time": () => {},
  "header stalls": (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-type: im"),
  "closed without an answer": (socket) => void socket.end(),
  "reset without an answer": (socket) => void socket.resetAndDestroy(),

  "status 404": answer(404, { "content-type": "text/plain" }, "not here"),
  "status 410": answer(410),
  "bucket or container does not exist": answer(
    404,
    { "x-ms-error-code": "ContainerNotFound", "content-type": "application/xml" },
    "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist.</Message></Error>",
  ),
  "status 401": answer(401, { "www-authenticate": "Basic" }),
  "status 403": answer(403),
  "status 400": answer(400),
  "status 405": answer(405),
  "status 418": answer(418),
  "status 429": answer(429, { "retry-after": 60 }),
  "status 500": answer(500),
  "status 502": answer(502),
  "status 503": answer(503),
  "status 503 with Retry-After": answer(503, { "retry-after": 60 }),
  "status 504": answer(504),
  "status 304 not asked for": answer(304),
  "status 206 not asked for": picture(206, { "content-range": "bytes 0-9/1000" }),
  "status 204 in place of a file": (socket) => {
    send(socket, 204, {});
    socket.end();
  },

  "redirect loop": (socket, good, request) =>
    answer(302, { location: /^GET (\S+)/.exec(request)?.[1] ?? "/" })(socket, good, request),
  "too many redirects": (socket, good, request) =>
    answer(302, { location: `${/^GET ([^\s?]+)/.exec(request)?.[1]}?${Math.random()}` })(
      socket,
      good,
      request,
    ),
  "redirect without Location": answer(302),
  "redirect to no URL": answer(302, { location: "http://[" }),
  "redirect to a private address": answer(302, { location: "http://169.254.169.254/latest/meta-data/" }),
  "redirect to another scheme": answer(302, { location: "file:///etc/passwd" }),

  "HTML in place of a picture": answer(
    200,
    { "content-type": "text/html" },
    "<html><h1>Please log in</h1></html>",
  ),
  "JSON in place of a picture": answer(200, { "content-type": "application/json" }, '{"error":"no"}'),
  "HTML that calls itself a picture": answer(200, { "content-type": "image/jpeg" }, "<html>no</html>"),
  "nothing in place of a picture": answer(200, { "content-type": "image/jpeg" }),
  "a picture that is cut": (socket, good) =>
    answer(200, { "content-type": "image/jpeg" }, good.subarray(0, 40))(socket, good, ""),

  "body breaks off": half((socket) => void socket.end()),
  "body is reset": half((socket) => void socket.resetAndDestroy()),
  "body stalls": half(() => {}),
  "body drips": half((socket, rest) => {
    let at = 0;
    again(socket, 50, () => socket.write(rest.subarray(at, ++at)));
  }),
  "bad chunk": bytes(
    "HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
  ),
  "body never ends": (socket, good) => {
    send(socket, 200, { "content-type": "image/jpeg", "transfer-encoding": "chunked" });
    socket.write(chunk(good));
    pour(socket, chunk(Buffer.alloc(MIB)));
  },
  "length over the limit": (socket, good) => {
    send(socket, 200, { "content-type": "image/jpeg", "content-length": 1e12 });
    socket.write(good);
    pour(socket, Buffer.alloc(MIB));
  },
  "gzip bomb": (socket, good) => {
    const bomb = gzipSync(Buffer.concat([good, Buffer.alloc(32 * MIB)]));
    answer(200, { "content-type": "image/jpeg", "content-encoding": "gzip" }, bomb)(socket, good, "");
  },
  "gzip that is none": picture(200, { "content-encoding": "gzip" }),
  "unknown content coding": picture(200, { "content-encoding": "rot13" }),

  "header over the limit": picture(200, { "x-large": "x".repeat(20_000) }),
  "too many headers": picture(
    200,
    Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`x-${at}`, "x"])),
  ),
  "conflicting lengths": bytes("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd"),
  "length of no number": bytes("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\nabcd"),
  "bad bytes in a header": bytes("HTTP/1.1 200 OK\r\nx-bad: a\0b\r\ncontent-length: 0\r\n\r\n"),
  "no HTTP": bytes("SSH-2.0-OpenSSH_9.2\r\n"),
};

export interface HostileOrigin {
  /** Where faults are played that are asked for: the name of one, in base64url, stands in the request's path. */
  readonly port: number;
  /** Base URLs of the places. */
  readonly places: Readonly<Record<Place, string>>;
  close(): Promise<void>;
}

/** The path that has the origin play a fault. */
export function pathOf(fault: string): string {
  return `fault-${Buffer.from(fault).toString("base64url")}/photo.jpg`;
}

export async function startHostile(): Promise<HostileOrigin> {
  const good = await photo(400, 200);
  const hostile = await listen((socket) => {
    let request = "";
    socket.on("data", (data) => {
      request += data.toString("latin1");
      if (!request.includes("\r\n\r\n")) return;
      const name = /fault-([\w-]+)/.exec(request)?.[1];
      const fault = FAULTS[Buffer.from(name ?? "", "base64url").toString()];
      if (typeof fault === "function") fault(socket, good, request);
      else socket.destroy();
      request = "";
    });
  });
  const plain = await listen((socket) =>
    socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
  );
  const silent = await listen((socket) => socket.on("data", () => {}));
  const gone = await listen(() => {});
  await gone.close();
  return {
    port: hostile.port,
    places: {
      refused: `http://127.0.0.1:${gone.port}`,
      unknown: "http://nobody.invalid",
      plain: `https://127.0.0.1:${plain.port}`,
      silent: `https://127.0.0.1:${silent.port}`,
    },
    async close() {
      await Promise.all([hostile, plain, silent].map((server) => server.close()));
    },
  };
}

async function listen(connected: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
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
