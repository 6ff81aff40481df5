import { connect, type Socket } from "node:net";

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Lower-case names; repeated ones joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface RawOptions {
  /** How many answers to wait for. @default 1 */
  readonly answers?: number;
  /** The answers are to HEAD: they have no body. */
  readonly head?: boolean;
  /** Longest wait for a server that neither answers nor closes, in milliseconds. @default 30000 */
  readonly timeout?: number;
}

/**
 * Writes bytes to the server and reads what comes back, until the answers are complete or the connection is closed.
 * Resolves with fewer answers than asked for when the server closed.
 */
export function raw(
  port: number,
  bytes: string | Uint8Array,
  { answers = 1, head = false, timeout = 30_000 }: RawOptions = {},
): Promise<RawAnswer[]> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const socket: Socket = connect(port, "127.0.0.1", () => {
      socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new Error(
          `no answer and no end of the connection; so far ${JSON.stringify(received.toString("latin1"))}`,
        ),
      );
    }, timeout);
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(readAnswers(received, head));
    };
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (readAnswers(received, head).length >= answers) finish();
    });
    socket.on("error", () => {});
    socket.on("close", finish);
  });
}

/** The first answer to one request; throws when the connection was closed without one. */
export async function rawOne(
  port: number,
  bytes: string | Uint8Array,
  options?: RawOptions,
): Promise<RawAnswer> {
  const [first] = await raw(port, bytes, options);
  if (!first) throw new Error("the connection was closed without an answer");
  return first;
}

/** The complete answers at the start of what was received. */
function readAnswers(received: Buffer, head: boolean): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let at = 0;
  while (at < received.length) {
    const end = received.indexOf("\r\n\r\n", at);
    if (end < 0) break;
    const [line = "", ...fields] = received.toString("latin1", at, end).split("\r\n");
    const headers: Record<string, string> = {};
    for (const field of fields) {
      const colon = field.indexOf(":");
      const name = field.slice(0, colon).toLowerCase();
      const value = field.slice(colon + 1).trim();
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
    }
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1] ?? 0);
    const body = bodyAt(received, end + 4, headers, head || status === 304 || status === 204 || status < 200);
    if (!body) break;
    answers.push({ status, headers, body: body.bytes });
    at = body.end;
  }
  return answers;
}

/** The body that begins at `start`, and where it ends; `undefined` while it is not complete. */
function bodyAt(
  received: Buffer,
  start: number,
  headers: Readonly<Record<string, string>>,
  bodiless: boolean,
): { bytes: Buffer; end: number } | undefined {
  if (bodiless) return { bytes: Buffer.alloc(0), end: start };
  if (headers["transfer-encoding"] !== "chunked") {
    const end = start + Number(headers["content-length"] ?? 0);
    return received.length < end ? undefined : { bytes: received.subarray(start, end), end };
  }
  const chunks: Buffer[] = [];
  for (let at = start; ; ) {
    const line = received.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = Number.parseInt(received.toString("latin1", at, line), 16);
    const end = line + 2 + size + 2;
    if (received.length < end) return undefined;
    if (size === 0) return { bytes: Buffer.concat(chunks), end };
    chunks.push(received.subarray(line + 2, line + 2 + size));
    at = end;
  }
}
