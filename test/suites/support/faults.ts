import type { Socket } from "node:net";
import { brotliCompressSync, constants, crc32, gzipSync } from "node:zlib";

/** What a hostile origin does with a request; `good`: bytes of a proper picture, a JPEG. */
export type Fault = (socket: Socket, good: Buffer, request: string) => void;

/** Addresses at which nobody answers properly, whatever is asked. */
export type Place =
  | "refused"
  | "nowhere"
  | "unknown"
  | "plain"
  | "silent"
  | "self-signed"
  | "other name"
  | "expired";

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
  socket.write(`HTTP/1.1 ${status} Whatever\r\n${lines.join("")}\r\n`, "latin1");
}

/** The picture, or what is made of it (once), under headers of our own. */
const picture = (
  headers: Headers = {},
  make: (good: Buffer) => Uint8Array = (good) => good,
  status = 200,
): Fault => {
  let made: Uint8Array | undefined;
  return (socket, good, request) => {
    made ??= make(good);
    answer(status, { "content-type": "image/jpeg", ...headers }, made)(socket, good, request);
  };
};

/** Bytes as they stand; then the connection ends. */
const bytes =
  (text: string): Fault =>
  (socket) =>
    void socket.end(Buffer.from(text, "latin1"));

/** A header as it stands, the picture, the end. */
const under =
  (header: (length: number) => string): Fault =>
  (socket, good) => {
    socket.write(Buffer.from(header(good.length), "latin1"));
    socket.end(good);
  };

/** Half of the picture, then `next`. */
const half =
  (next: (socket: Socket, rest: Buffer) => void): Fault =>
  (socket, good) => {
    send(socket, 200, { "content-type": "image/jpeg", "content-length": good.length });
    const middle = Math.floor(good.length / 2);
    socket.write(good.subarray(0, middle), () => next(socket, good.subarray(middle)));
  };

/** The head of a chunked answer, what is made of the picture, then `next`. */
const chunked =
  (make: (good: Buffer) => Uint8Array | string, next: (socket: Socket) => void): Fault =>
  (socket, good) => {
    send(socket, 200, { "content-type": "image/jpeg", "transfer-encoding": "chunked" });
    socket.write(make(good));
    next(socket);
  };

/** Something, and the same for ever. */
const endless =
  (begin: string, more: string): Fault =>
  (socket) => {
    socket.write(begin);
    pour(socket, Buffer.from(more.repeat(Math.ceil(10_000 / more.length))));
  };

/** A byte now and then, as long as the connection lasts. */
function drip(socket: Socket, data: Uint8Array): void {
  let at = 0;
  const timer = setInterval(() => socket.write(data.subarray(at, ++at)), 50);
  socket.once("close", () => clearInterval(timer));
}

/** Writes as long as the connection lasts, at some 50 MB a second: faster than anybody wants it, and no load for this process. */
function pour(socket: Socket, data: Uint8Array): void {
  const timer = setInterval(() => {
    if (!socket.writableNeedDrain) socket.write(data);
  }, 1);
  socket.once("close", () => clearInterval(timer));
}

function chunk(data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from("\r\n")]);
}

/** The beginning of a PNG of so many pixels (PNG §11.2.1). */
function pngHeader(width: number, height: number): Buffer {
  const header = Buffer.alloc(25);
  header.write("\0\0\0\rIHDR", "latin1");
  header.writeUInt32BE(width, 8);
  header.writeUInt32BE(height, 12);
  header.set([8, 2, 0, 0, 0], 16);
  header.writeUInt32BE(crc32(header.subarray(4, 21)), 21);
  const data = Buffer.from("\0\0\0\x10IDAT".padEnd(24, "\0"), "latin1");
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), header, data]);
}

/** The picture with other sides in its frame header (SOF0, T.81 §B.2.2). */
function enlarged(good: Buffer): Buffer {
  const copy = Buffer.from(good);
  const frame = copy.indexOf(Buffer.from([0xff, 0xc0]));
  copy.writeUInt16BE(60_000, frame + 5);
  copy.writeUInt16BE(60_000, frame + 7);
  return copy;
}

const MIB = 1024 * 1024;
/** Bytes that are written at a time where there is no end. */
const PIECE = 64 * 1024;
/** Compression that costs little. */
const FAST = { level: 1, params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const HTML = "<html><h1>Please log in</h1></html>";

/** Every fault, by its name in core/ERRORS.md: a place, or what happens to a request. */
export const FAULTS: Readonly<Record<string, Place | Fault>> = {
  "connection refused": "refused",
  "host does not respond": "nowhere",
  "name not found": "unknown",
  "no TLS on the port": "plain",
  "TLS handshake stalls": "silent",
  "self-signed certificate": "self-signed",
  "certificate of another host name": "other name",
  "expired certificate": "expired",
  "no response in time": () => {},
  "header stalls": (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-type: im"),
  "header arrives byte by byte": (socket) =>
    drip(socket, Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\nx-long: ${"x".repeat(900)}`)),
  "closed without a response": (socket) => void socket.end(),
  "reset without a response": (socket) => void socket.resetAndDestroy(),

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
  "status 407": answer(407, { "proxy-authenticate": "Basic" }),
  "unexpected status 416": answer(416, { "content-range": "bytes */10" }),
  "status 418": answer(418),
  "status 429": answer(429),
  "status 429 with Retry-After": answer(429, { "retry-after": 60 }),
  "status 500": answer(500),
  "status 502": answer(502),
  "status 503": answer(503),
  "status 503 with Retry-After": answer(503, { "retry-after": 60 }),
  "status 504": answer(504),
  "status 999": answer(999),
  "unexpected status 101": (socket) => {
    send(socket, 101, { connection: "upgrade", upgrade: "websocket" });
    socket.end();
  },
  "status 204 instead of a file": (socket) => {
    send(socket, 204, {});
    socket.end();
  },
  "status 205 instead of a file": answer(205),
  "unexpected status 206": picture({ "content-range": "bytes 0-9/1000" }, undefined, 206),
  "unexpected multipart response": (socket, good) => {
    const part = "--x\r\ncontent-type: image/jpeg\r\ncontent-range: bytes 0-9/1000\r\n\r\n";
    const body = Buffer.concat([Buffer.from(part), good.subarray(0, 10), Buffer.from("\r\n--x--\r\n")]);
    answer(206, { "content-type": "multipart/byteranges; boundary=x" }, body)(socket, good, "");
  },
  "unexpected status 304": answer(304),

  "redirect loop": (socket, good, request) =>
    answer(302, { location: /^GET (\S+)/.exec(request)?.[1] ?? "/" })(socket, good, request),
  "too many redirects": (socket, good, request) =>
    answer(302, { location: `${/^GET ([^\s?]+)/.exec(request)?.[1]}?${Math.random()}` })(
      socket,
      good,
      request,
    ),
  "redirect without Location": answer(302),
  "redirect to an invalid URL": answer(302, { location: "http://[" }),
  "redirect to bytes that are not UTF-8": answer(302, { location: "/\xff\xfe" }),
  "redirect to a private address": answer(302, { location: "http://169.254.169.254/latest/meta-data/" }),
  "redirect to another port": answer(302, { location: "http://127.0.0.1:1/" }),
  "redirect to an internal host name": answer(302, { location: "http://intranet/" }),
  "redirect with a password": answer(302, { location: "http://me:hunter2@example.com/" }),
  "redirect to another scheme": answer(302, { location: "file:///etc/passwd" }),

  "HTML instead of an image": answer(200, { "content-type": "text/html" }, HTML),
  "JSON instead of an image": answer(200, { "content-type": "application/json" }, '{"error":"no"}'),
  "HTML with an image content type": answer(200, { "content-type": "image/jpeg" }, HTML),
  "empty body instead of an image": answer(200, { "content-type": "image/jpeg" }),
  "image truncated in its header": picture({}, (good) => good.subarray(0, 40)),
  "image truncated in the middle": picture({}, (good) => good.subarray(0, good.length / 2)),
  "image with too many pixels": picture({}, () => pngHeader(60_000, 60_000)),
  "image with a false size": picture({}, enlarged),
  "image with a video content type": picture({ "content-type": "video/mp4" }),

  "truncated body": half((socket) => void socket.end()),
  "connection reset in the body": half((socket) => void socket.resetAndDestroy()),
  "body stalls": half(() => {}),
  "body arrives byte by byte": half(drip),
  "body never begins": (socket, good) => send(socket, 200, { "content-length": good.length }),
  "body never ends": chunked(chunk, (socket) => pour(socket, chunk(Buffer.alloc(PIECE)))),
  "body longer than Content-Length": (socket, good) => {
    send(socket, 200, { "content-type": "image/jpeg", "content-length": good.length });
    socket.write(Buffer.concat([good, Buffer.alloc(1000, "more")]));
  },
  "unsolicited second response": (socket, good) => {
    send(socket, 200, { "content-type": "image/jpeg", "content-length": good.length });
    socket.write(good);
    socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: ${HTML.length}\r\n\r\n${HTML}`,
    );
  },
  "Content-Length over the limit": (socket, good) => {
    send(socket, 200, { "content-type": "image/jpeg", "content-length": 1e12 });
    socket.write(good);
    pour(socket, Buffer.alloc(PIECE));
  },
  "no Content-Length, ended by close": under(() => "HTTP/1.0 200 OK\r\ncontent-type: image/jpeg\r\n\r\n"),
  "invalid chunk": chunked(
    () => "xyz\r\n",
    (socket) => socket.end(),
  ),
  "chunk size out of range": chunked(
    () => `${"f".repeat(20)}\r\n`,
    (socket) => socket.end(),
  ),
  "truncated chunks": chunked(chunk, (socket) => void socket.end()),
  "endless chunk extension": chunked(
    () => "5;",
    (socket) => pour(socket, Buffer.alloc(10_000, "x")),
  ),
  "endless trailers": chunked(
    (good) => Buffer.concat([chunk(good), Buffer.from("0\r\n")]),
    (socket) => pour(socket, Buffer.from("x-trailer: x\r\n".repeat(1000))),
  ),
  "gzip bomb": picture({ "content-encoding": "gzip" }, (good) =>
    gzipSync(Buffer.concat([good, Buffer.alloc(8 * MIB)]), FAST),
  ),
  "brotli bomb": picture({ "content-encoding": "br" }, (good) =>
    brotliCompressSync(Buffer.concat([good, Buffer.alloc(8 * MIB)]), FAST),
  ),
  "invalid gzip": picture({ "content-encoding": "gzip" }),
  "truncated gzip": picture({ "content-encoding": "gzip" }, (good) => gzipSync(good).subarray(0, -20)),
  "gzip of gzip": picture({ "content-encoding": "gzip, gzip" }, (good) => gzipSync(gzipSync(good))),
  "unknown content coding": picture({ "content-encoding": "rot13" }),

  "header section over the limit": picture({ "x-large": "x".repeat(20_000) }),
  "endless header section": endless("HTTP/1.1 200 OK\r\n", "x-endless: x\r\n"),
  "endless status line": endless("HTTP/1.1 200 ", "x"),
  "endless interim responses": endless("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
  "interim response": (socket, good, request) => {
    socket.write("HTTP/1.1 103 Early Hints\r\nlink: </x.css>; rel=preload\r\n\r\n");
    picture()(socket, good, request);
  },
  "too many headers": picture(Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`x-${at}`, "x"]))),
  "header values in another charset": picture({
    "content-type": "image/jpeg; charset=utf-16",
    etag: '"\xc3\xa4\xff"',
    "x-note": "\xff\xfe",
  }),
  "headers that are not for clients": picture({
    "set-cookie": "secret=1",
    "strict-transport-security": "max-age=1",
    "content-security-policy": "default-src 'none'",
    "access-control-allow-origin": "https://secret.example",
    "x-accel-redirect": "/secret",
    "server-timing": "secret",
    location: "/secret",
    "x-secret": "secret",
  }),
  "Content-Length and chunks": under(
    (length) =>
      `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\ntransfer-encoding: chunked\r\n\r\n${length.toString(16)}\r\n`,
  ),
  "conflicting Content-Length": bytes(
    "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
  ),
  "Content-Length that is not a number": bytes("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\nabcd"),
  "negative Content-Length": bytes("HTTP/1.1 200 OK\r\ncontent-length: -4\r\n\r\nabcd"),
  "invalid bytes in a header": bytes("HTTP/1.1 200 OK\r\nx-bad: a\0b\r\ncontent-length: 0\r\n\r\n"),
  "space before a colon": under((length) => `HTTP/1.1 200 OK\r\ncontent-length : ${length}\r\n\r\n`),
  "invalid line endings": under((length) => `HTTP/1.1 200 OK\ncontent-length: ${length}\n\n`),
  "status that is not a number": bytes("HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n"),
  "unknown HTTP version": bytes("HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n"),
  "no header section": bytes(HTML),
  "not HTTP": bytes("SSH-2.0-OpenSSH_9.2\r\n"),
};
