import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import {
  codeOf,
  createSemaphore,
  isMediaError,
  MediaError,
  openTempFolder,
  type PluginApi,
  type RouteRequest,
  shortageOf,
} from "@mediatap/core";
import { clientOf } from "@mediatap/core/state";
import { FILE_TIMEOUT_MS } from "./library.ts";

/** Concurrent uploads of a process; more wait, and are refused after a while. */
const MAX_UPLOADS = 16;

/** Concurrent uploads of an account: slow ones leave slots for other accounts. */
const MAX_UPLOADS_OF_ACCOUNT = 12;

/** Concurrent uploads of a client without a key, and milliseconds that an upload waits for a slot. */
const MAX_UPLOADS_OF_CLIENT = 3;
const SLOT_TIMEOUT_MS = 10_000;

/** Fraction of the space for temporary files that forms without a key can use until their signatures are checked. */
const UNCHECKED_FRACTION = 1 / 4;

/** Bytes of a field other than the file, and fields of a form. */
const MAX_FIELD_BYTES = 64 * 1024;
const MAX_FIELDS = 50;

/** Milliseconds for which a refused body is still read: a client reads the response only after it has sent its request. */
const DISCARD_TIMEOUT_MS = 5_000;

/** Milliseconds for the response of the server from which a file is downloaded, as in the service. */
const FIRST_BYTE_TIMEOUT_MS = 8_000;

/** Seconds after which a refused upload should be retried. */
const RETRY_AFTER_SECONDS = 10;

/** Bytes of a URL. */
const MAX_URL_BYTES = 8_192;

/** A file in the folder for temporary files, complete. */
export interface ReceivedFile {
  readonly path: string;
  readonly bytes: number;
}

/** A form with its file, which is removed after the work with it. */
export interface ReceivedForm {
  readonly fields: Readonly<Record<string, string>>;
  readonly file?: ReceivedFile;
}

interface ReceiveOptions {
  /** Account whose limit applies. */
  readonly account: string;
  /** Of the file. */
  readonly maxBytes: number;
  /** Of a client without a key: called before anything is done with the form. Throws if it is refused. */
  readonly admit?: (fields: ReceivedForm["fields"]) => Promise<void>;
}

/** Space for the temporary files of one upload. */
interface TempSpace {
  /** The path of a new file. */
  newPath(): string;
  /** Reserves bytes before they are written. Throws `EBUSY` if all uploads together use too many. */
  use(bytes: number): void;
  /** The signature is valid: the reserved bytes do not count as unchecked any more. */
  check(): void;
}

interface UploadWork {
  /** Account of the upload. */
  readonly account: string;
  /** Client without a key. */
  readonly client: string | undefined;
  /** Of the temporary files of all uploads together. */
  readonly maxBytes: number;
}

/** Temporary files of uploads, for all runtimes of a process. The folder is created by the first one. */
function createTemp() {
  const slots = createSemaphore(MAX_UPLOADS);
  const accounts = new Map<string, Semaphore>();
  const clients = new Map<string, { readonly slots: Semaphore; count: number }>();
  let usedByAll = 0;
  let usedUnchecked = 0;
  let folder: ReturnType<typeof openTempFolder> | undefined;

  async function runInClientSlot<T>(client: string, work: () => Promise<T>): Promise<T> {
    const own = clients.get(client) ?? { slots: createSemaphore(MAX_UPLOADS_OF_CLIENT), count: 0 };
    clients.set(client, own);
    own.count++;
    try {
      return await own.slots.run(work, { timeout: SLOT_TIMEOUT_MS });
    } finally {
      if (--own.count === 0) clients.delete(client);
    }
  }

  return {
    /** Work with temporary files, which are removed after it. */
    run<T>({ account, client, maxBytes }: UploadWork, work: (space: TempSpace) => Promise<T>): Promise<T> {
      let own = accounts.get(account);
      if (!own) {
        own = createSemaphore(MAX_UPLOADS_OF_ACCOUNT);
        accounts.set(account, own);
      }
      const runInSlot = () =>
        slots.run(
          async () => {
            folder ??= openTempFolder("uploads");
            folder.restore();
            const { path } = folder;
            const paths: string[] = [];
            let used = 0;
            let isChecked = client === undefined;
            const space: TempSpace = {
              newPath() {
                const next = join(path, randomUUID());
                paths.push(next);
                return next;
              },
              use(bytes) {
                used += bytes;
                usedByAll += bytes;
                if (!isChecked) usedUnchecked += bytes;
                const isWithinShare = isChecked || usedUnchecked <= maxBytes * UNCHECKED_FRACTION;
                if (usedByAll <= maxBytes && isWithinShare) return;
                const text = "The server has no space for temporary files";
                throw new MediaError("EBUSY", text, { retryAfterSeconds: RETRY_AFTER_SECONDS });
              },
              check() {
                if (!isChecked) usedUnchecked -= used;
                isChecked = true;
              },
            };
            try {
              return await work(space);
            } finally {
              space.check();
              usedByAll -= used;
              await Promise.all(paths.map((path) => rm(path, { force: true })));
            }
          },
          { timeout: SLOT_TIMEOUT_MS },
        );
      const runQueued = () => own.run(runInSlot, { timeout: SLOT_TIMEOUT_MS });
      return client === undefined ? runQueued() : runInClientSlot(client, runQueued);
    },
    close: () => folder?.close(),
  };
}

/**
 * Receives forms with a file: as bytes, as base64 or by its URL (`file`). It is written to a temporary file as it arrives, since the
 * fields that decide where it belongs may come after it.
 */
export function createReceiver({
  shared,
  fetcher,
  limitsOf,
}: Pick<PluginApi, "shared" | "fetcher" | "limitsOf">) {
  const temp = shared("manage-imagekit:uploads", createTemp);
  return <T>(
    request: RouteRequest,
    { account, maxBytes, admit }: ReceiveOptions,
    work: (form: ReceivedForm) => Promise<T>,
  ): Promise<T> => {
    const client = admit && clientOf(request.ip);
    return temp.run({ account, client, maxBytes: limitsOf().tempBytes }, async (space) => {
      const { fields, sent } = await receive(request, maxBytes, space);
      await admit?.(fields);
      space.check();
      if (!sent) return await work({ fields });
      const { path, bytes, isText } = sent;
      if (!isText) return await work({ fields, file: { path, bytes } });
      const url = await urlIn(path, bytes);
      const file =
        url === undefined
          ? await decodeBase64(path, maxBytes, space)
          : await download(fetcher, url, maxBytes, space);
      return await work({ fields, file });
    });
  };
}

type Semaphore = ReturnType<typeof createSemaphore>;

interface SentFile extends ReceivedFile {
  /** The field has no file name: it contains base64 or a URL. */
  readonly isText: boolean;
}

async function receive(
  request: RouteRequest,
  maxBytes: number,
  space: TempSpace,
): Promise<{ fields: Record<string, string>; sent?: SentFile }> {
  // Base64 is a third longer.
  const maxSent = Math.ceil((maxBytes * 4) / 3) + MAX_URL_BYTES;
  const body = request.stream();
  const fields: Record<string, string> = Object.create(null);
  let sent: SentFile | undefined;
  let writing: Promise<void> | undefined;
  let refused: MediaError | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  /** Discards the rest of the body. */
  const refuse = (error: MediaError) => {
    refused ??= error;
    timer ??= setTimeout(() => form.destroy(), DISCARD_TIMEOUT_MS);
  };
  const form = formParser(request.header("content-type") ?? "");
  form.on("file", (name, stream, fileName) => {
    if (name !== "file") {
      stream.resume();
      return;
    }
    stop = () => stream.destroy();
    // A refused file is still read, so that the form ends.
    writing = store(stream.iterator({ destroyOnReturn: false }), maxSent, space)
      .then((file) => {
        sent = { ...file, isText: fileName === undefined };
      })
      .catch((error: unknown) => {
        stream.resume();
        refuse(codeOf(error) === "ELIMIT" ? tooLong(maxBytes) : (error as MediaError));
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
    refused ??= isMediaError(error) ? error : broken(error);
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

function formParser(type: string): BusboyInstance {
  if (!/^multipart\/form-data\s*;/i.test(type)) {
    throw new MediaError("EINVAL", "Expected a form (multipart/form-data) as the body of the request");
  }
  const limits = {
    fieldSize: MAX_FIELD_BYTES,
    fields: MAX_FIELDS,
    files: 1,
    parts: MAX_FIELDS + 1,
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

export const tooLong = (maxBytes: number) =>
  new MediaError("ELIMIT", `file: Expected a file of at most ${maxBytes} bytes`);

const broken = (cause: unknown) => new MediaError("EINVAL", "The form is not complete", { cause });

/** The URL that a field consists of; `undefined`: it is something else. */
async function urlIn(path: string, bytes: number): Promise<string | undefined> {
  if (bytes > MAX_URL_BYTES) return undefined;
  let text = "";
  for await (const chunk of createReadStream(path, { encoding: "utf8" })) text += chunk;
  return /^\s*https?:\/\/\S+\s*$/i.test(text) ? text.trim() : undefined;
}

async function decodeBase64(from: string, maxBytes: number, space: TempSpace): Promise<ReceivedFile> {
  const file = await store(decoded(createReadStream(from, { encoding: "latin1" })), maxBytes, space);
  if (file.bytes === 0) throw notEncoded();
  return file;
}

const notEncoded = () =>
  new MediaError("EINVAL", "file: Expected the bytes of a file, its base64 or its URL");

/** The bytes of base64, with or without the beginning of a data URL. */
async function* decoded(chunks: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let remainder = "";
  let isFirst = true;
  for await (const text of chunks) {
    const own = isFirst ? text.replace(/^\s*data:[^,]{0,200};base64,/i, "") : text;
    isFirst = false;
    const clean = remainder + own.replace(/\s+/g, "");
    if (!/^[\w+/-]*={0,2}$/.test(clean)) throw notEncoded();
    const end = clean.length - (clean.length % 4);
    remainder = clean.slice(end);
    yield Buffer.from(clean.slice(0, end), "base64");
  }
  if (remainder.length === 1) throw notEncoded();
  yield Buffer.from(remainder, "base64");
}

async function download(
  fetcher: PluginApi["fetcher"],
  url: string,
  maxBytes: number,
  space: TempSpace,
): Promise<ReceivedFile> {
  const signal = AbortSignal.timeout(FILE_TIMEOUT_MS);
  try {
    const response = await fetcher.fetch(url, {
      signal,
      firstByte: FIRST_BYTE_TIMEOUT_MS,
      total: FILE_TIMEOUT_MS,
    });
    if (response.status === 200) return await store(response.body, maxBytes, space);
    response.cancel();
    throw new MediaError("EINVAL", `Expected status 200 but received ${response.status}`);
  } catch (cause) {
    if (["ELIMIT", "EBUSY"].includes(codeOf(cause) ?? "")) throw cause;
    throw new MediaError("EINVAL", "file: The file could not be downloaded from its URL", { cause });
  }
}

/** Writes bytes to a temporary file. Throws `ELIMIT` if they are too many, `EBUSY` if there is no space, and `EINVAL` if they break off. */
async function store(
  bytes: AsyncIterable<Buffer>,
  maxBytes: number,
  { newPath, use }: TempSpace,
): Promise<ReceivedFile> {
  const path = newPath();
  let count = 0;
  async function* counted(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      count += chunk.length;
      if (count > maxBytes) throw tooLong(maxBytes);
      use(chunk.length);
      yield chunk;
    }
  }
  try {
    await pipeline(bytes, counted, createWriteStream(path, { flags: "wx", mode: 0o600 }));
  } catch (error) {
    throw isMediaError(error) ? error : (shortageOf(error) ?? broken(error));
  }
  return { path, bytes: count };
}
