import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import {
  createSemaphore,
  MediaError,
  openTempFolder,
  type PluginApi,
  type RouteRequest,
  shortageOf,
} from "@mediatap/core";
import { FILE_TIMEOUT_MS } from "./library.ts";

/** Uploads of a process at one time; more wait, and are refused after a while. */
const MAX_UPLOADS = 16;
const WAIT_MS = 10_000;

/** Bytes of a field other than the file, and fields of a form. */
const MAX_FIELD_BYTES = 64 * 1024;
const MAX_FIELDS = 50;

/** Milliseconds for which a body that is refused is still read: a client sees the response only after it has sent its request. */
const LINGER_MS = 5_000;

/** Milliseconds until a server responds from which a file is downloaded, as of the service. */
const FIRST_BYTE_MS = 8_000;

/** Bytes of a URL. */
const MAX_URL_BYTES = 8_192;

/** A file in the folder for temporary files, complete. */
export interface ReceivedFile {
  readonly path: string;
  readonly bytes: number;
}

/** A form with its file, which is there until the work with it has ended. */
export interface ReceivedForm {
  readonly fields: Readonly<Record<string, string>>;
  readonly file?: ReceivedFile;
}

/** Temporary files of uploads, for all runtimes of a process. Nothing is made before the first one. */
function createTemp() {
  const slots = createSemaphore(MAX_UPLOADS);
  let folder: ReturnType<typeof openTempFolder> | undefined;
  return {
    /** Work with temporary files, which are removed after it. */
    run<T>(work: (newPath: () => string) => Promise<T>): Promise<T> {
      return slots.run(
        async () => {
          folder ??= openTempFolder("uploads");
          folder.restore();
          const { path } = folder;
          const paths: string[] = [];
          try {
            return await work(() => {
              const next = join(path, randomUUID());
              paths.push(next);
              return next;
            });
          } finally {
            await Promise.all(paths.map((path) => rm(path, { force: true })));
          }
        },
        { timeout: WAIT_MS },
      );
    },
    close: () => folder?.close(),
  };
}

/**
 * Receives forms with a file: as bytes, as base64 or by its URL (`file`). It is written to a temporary file as it arrives, since the
 * fields that decide where it belongs may come after it.
 */
export function createReceiver({ shared, fetcher }: Pick<PluginApi, "shared" | "fetcher">) {
  const temp = shared("manage-imagekit:uploads", createTemp);
  return <T>(request: RouteRequest, maxBytes: number, work: (form: ReceivedForm) => Promise<T>): Promise<T> =>
    temp.run(async (newPath) => {
      const { fields, sent } = await receive(request, maxBytes, newPath());
      if (!sent) return await work({ fields });
      const { path, bytes, isText } = sent;
      if (!isText) return await work({ fields, file: { path, bytes } });
      const url = await urlIn(path, bytes);
      const to = newPath();
      const decoded =
        url === undefined
          ? await decodeBase64(path, to, maxBytes)
          : await download(fetcher, url, to, maxBytes);
      return await work({ fields, file: { path: to, bytes: decoded } });
    });
}

interface SentFile extends ReceivedFile {
  /** The field has no file name: it contains base64 or a URL. */
  readonly isText: boolean;
}

async function receive(
  request: RouteRequest,
  maxBytes: number,
  path: string,
): Promise<{ fields: Record<string, string>; sent?: SentFile }> {
  // Base64 is a third longer.
  const fileSize = Math.ceil((maxBytes * 4) / 3) + MAX_URL_BYTES;
  const body = request.stream();
  const fields: Record<string, string> = Object.create(null);
  let sent: SentFile | undefined;
  let writing: Promise<void> | undefined;
  let refused: MediaError | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  /** Nothing more is kept, and not much more is read. */
  const refuse = (error: MediaError) => {
    refused ??= error;
    timer ??= setTimeout(() => body.destroy(), LINGER_MS);
  };
  const form = formParser(request.header("content-type") ?? "", fileSize);
  form.on("file", (name, stream, fileName) => {
    if (name !== "file") {
      stream.resume();
      return;
    }
    stop = () => stream.destroy();
    stream.once("limit", () => refuse(tooLong(maxBytes)));
    writing = pipeline(stream, createWriteStream(path, { flags: "wx", mode: 0o600 }))
      .then(() => {
        sent = { path, bytes: stream.bytesRead, isText: fileName === undefined };
      })
      .catch((error: unknown) => {
        stream.resume();
        refuse(shortageOf(error) ?? broken(error));
      });
  });
  form.on("field", (name, value, isNameCut, isCut) => {
    if (isNameCut || isCut)
      refuse(new MediaError("EINVAL", `Expected fields of at most ${MAX_FIELD_BYTES} bytes`));
    else fields[name] = value;
  });
  for (const event of ["fieldsLimit", "partsLimit", "filesLimit"] as const) {
    form.on(event, () =>
      refuse(new MediaError("EINVAL", `Expected one file and at most ${MAX_FIELDS} fields`)),
    );
  }
  try {
    await pipeline(body, form);
    await writing;
  } catch (error) {
    refused ??= broken(error);
    // Else it waits for the rest of the file.
    stop?.();
    await writing;
  } finally {
    clearTimeout(timer);
  }
  if (refused) throw refused;
  if (sent && !sent.isText && sent.bytes > maxBytes) throw tooLong(maxBytes);
  return { fields, ...(sent && { sent }) };
}

function formParser(type: string, fileSize: number): BusboyInstance {
  if (!/^multipart\/form-data\s*;/i.test(type)) {
    throw new MediaError("EINVAL", "Expected a form (multipart/form-data) as the body of the request");
  }
  const limits = {
    fieldSize: MAX_FIELD_BYTES,
    fields: MAX_FIELDS,
    files: 1,
    parts: MAX_FIELDS + 1,
    fileSize,
  };
  try {
    return new Busboy({
      headers: { "content-type": type },
      // Base64 and URLs, too, are written to the file as they arrive.
      isPartAFile: (name, _, fileName) => name === "file" || fileName !== undefined,
      limits: { ...limits, headerPairs: MAX_FIELDS, headerSize: 8_192 },
    });
  } catch (cause) {
    throw new MediaError("EINVAL", "Expected a form with a boundary as the body of the request", { cause });
  }
}

const tooLong = (maxBytes: number) =>
  new MediaError("ELIMIT", `file: Expected a file of at most ${maxBytes} bytes`);

const broken = (cause: unknown) => new MediaError("EINVAL", "The form is not complete", { cause });

/** The URL that a field consists of; `undefined`: it is something else. */
async function urlIn(path: string, bytes: number): Promise<string | undefined> {
  if (bytes > MAX_URL_BYTES) return undefined;
  let text = "";
  for await (const chunk of createReadStream(path, { encoding: "utf8" })) text += chunk;
  return /^\s*https?:\/\/\S+\s*$/i.test(text) ? text.trim() : undefined;
}

async function decodeBase64(from: string, to: string, maxBytes: number): Promise<number> {
  const meter = createMeter(maxBytes);
  await pipeline(
    createReadStream(from, { encoding: "latin1" }),
    decoded,
    meter.stream,
    createWriteStream(to, { mode: 0o600 }),
  );
  if (meter.bytes() === 0) throw notEncoded();
  return meter.bytes();
}

const notEncoded = () =>
  new MediaError("EINVAL", "file: Expected the bytes of a file, its base64 or its URL");

/** The bytes of base64, with or without the beginning of a data URL. */
async function* decoded(texts: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let rest = "";
  let isFirst = true;
  for await (const text of texts) {
    const own = isFirst ? text.replace(/^\s*data:[^,]{0,200};base64,/i, "") : text;
    isFirst = false;
    const clean = rest + own.replace(/\s+/g, "");
    if (!/^[\w+/-]*={0,2}$/.test(clean)) throw notEncoded();
    const end = clean.length - (clean.length % 4);
    rest = clean.slice(end);
    yield Buffer.from(clean.slice(0, end), "base64");
  }
  if (rest.length === 1) throw notEncoded();
  yield Buffer.from(rest, "base64");
}

async function download(
  fetcher: PluginApi["fetcher"],
  url: string,
  to: string,
  maxBytes: number,
): Promise<number> {
  const meter = createMeter(maxBytes);
  const signal = AbortSignal.timeout(FILE_TIMEOUT_MS);
  try {
    const response = await fetcher.fetch(url, { signal, firstByte: FIRST_BYTE_MS, total: FILE_TIMEOUT_MS });
    if (response.status !== 200) {
      response.cancel();
      throw new MediaError("EINVAL", `Expected status 200 but received ${response.status}`);
    }
    await pipeline(response.body, meter.stream, createWriteStream(to, { mode: 0o600 }));
    return meter.bytes();
  } catch (cause) {
    const known = (cause as MediaError).code === "ELIMIT" ? (cause as MediaError) : shortageOf(cause);
    throw known ?? new MediaError("EINVAL", "file: The file could not be downloaded from its URL", { cause });
  }
}

/** Counts bytes. The stream fails with `ELIMIT` as soon as they are too many. */
function createMeter(maxBytes: number): { readonly stream: Transform; bytes(): number } {
  let bytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(tooLong(maxBytes));
      else done(null, chunk);
    },
  });
  return { stream, bytes: () => bytes };
}
