import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { MediaError, type PluginApi, type RunningServer, type ServerFlags } from "@mediatap/core";
import type { Preview, Progress } from "./batch.ts";
import { PATH } from "./calls.ts";

interface WarmFlags extends ServerFlags {
  readonly file?: string;
  readonly segments?: string;
  readonly accept?: readonly string[];
  readonly wait: boolean;
  readonly dryRun?: boolean;
}

/** URLs of one call, and milliseconds between two polls of the progress. */
const CALL_URLS = 500;
const POLL_INTERVAL_MS = 300;

/** Adds `mediatap warm`. */
export function addWarm({ command }: Pick<PluginApi, "command">): void {
  command((program, running) => {
    program
      .command("warm")
      .description("pre-render URLs on a running server before they are requested")
      .argument("[urls...]", "absolute URLs, or their paths and queries")
      .option("--file <file>", "file with one URL per line; -: standard input")
      .option(
        "--segments <number>",
        "for streams: number of segments from the start; default: the option of the server",
      )
      .option(
        "--accept <header>",
        "Accept header of the clients; can be repeated",
        (value: string, list: readonly string[] = []) => [...list, value],
      )
      .option("--server <url>", "the server; default: that of the configuration, on this machine")
      .option("--key <key>", "a private key; default: MEDIATAP_PRIVATE_KEY, else that of the configuration")
      .option(
        "--dry-run",
        "only print how many URLs would be rendered, which ones are cached, and which ones are invalid",
      )
      .option("--no-wait", "do not wait for completion")
      .action((urls: readonly string[], flags: WarmFlags) => warm(urls, flags, running));
  });
}

async function warm(
  named: readonly string[],
  flags: WarmFlags,
  running: (flags: ServerFlags) => RunningServer,
): Promise<void> {
  const urls = [...named, ...(flags.file === undefined ? [] : await urlsOf(flags.file))];
  if (urls.length === 0) throw new MediaError("ECONFIG", "Expected URLs, or a file of them with --file");
  const server = running(flags);
  const body = {
    ...(flags.segments !== undefined && { segments: Number(flags.segments) }),
    ...(flags.accept && { clients: flags.accept.map((accept) => ({ accept })) }),
  };
  const responses: Record<string, unknown>[] = [];
  for (let at = 0; at < urls.length; at += CALL_URLS) {
    const request = { ...body, urls: urls.slice(at, at + CALL_URLS) };
    responses.push(
      await server.call(flags.dryRun ? `${PATH}/preview` : PATH, { method: "POST", body: request }),
    );
  }
  if (flags.dryRun) return printPreview(responses as unknown as Preview[]);
  const ids = responses.map(({ id }) => String(id));
  if (!flags.wait) return console.log(ids.join("\n"));

  for (let shown = ""; ; await pause(POLL_INTERVAL_MS)) {
    const parts: Progress[] = [];
    for (const id of ids) parts.push((await server.call(`${PATH}/${id}`)) as unknown as Progress);
    const sum = (field: "total" | "done" | "failed") => parts.reduce((all, part) => all + part[field], 0);
    const [total, done, failed] = [sum("total"), sum("done"), sum("failed")];
    const line = `${done} of ${total} warm${failed > 0 ? `, ${failed} failed` : ""}`;
    const isOver = done + failed >= total;
    if (line !== shown || isOver) (isOver ? console.log : console.error)(line);
    shown = line;
    if (!isOver) continue;
    printErrors(parts);
    if (failed === 0) return;
    throw new MediaError("ECONFIG", `${failed} of ${total} URLs could not be rendered`);
  }
}

function printPreview(parts: readonly Preview[]): void {
  const sum = (field: "total" | "cached" | "stale" | "pending" | "failed") =>
    parts.reduce((all, part) => all + part[field], 0);
  const [total, failed] = [sum("total"), sum("failed")];
  const stale = sum("stale") > 0 ? ` (${sum("stale")} to be revalidated)` : "";
  const failures = failed > 0 ? `, ${failed} failed` : "";
  console.log(`${sum("pending")} of ${total} would be rendered, ${sum("cached")} cached${stale}${failures}`);
  printErrors(parts);
  if (failed > 0) throw new MediaError("ECONFIG", `${failed} of ${total} URLs cannot be rendered`);
}

function printErrors(parts: readonly Pick<Progress, "errors">[]): void {
  for (const { url, code, message } of parts.flatMap(({ errors }) => errors)) {
    console.error(`${url}: ${code} ${message}`);
  }
}

/** Blank lines, and those that begin with `#`, are skipped. */
async function urlsOf(file: string): Promise<string[]> {
  const lines = file === "-" ? await text(process.stdin) : await readFile(file, "utf8").catch(missing(file));
  return lines
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

const missing = (file: string) => (cause: unknown) => {
  throw new MediaError("ECONFIG", `${file}: it could not be read`, { cause });
};

/** Adds `mediatap worker`; `run` works until its signal. */
export function addWorker(
  { command }: Pick<PluginApi, "command">,
  defaults: { readonly concurrency: number },
  run: (concurrency: number, signal: AbortSignal) => Promise<void>,
): void {
  command((program) => {
    program
      .command("worker")
      .description("render the URLs in the Redis queue with this configuration, until SIGTERM or SIGINT")
      .option("--concurrency <number>", "URLs at once", String(defaults.concurrency))
      .action(async ({ concurrency }: { readonly concurrency: string }) => {
        const count = Number(concurrency);
        if (!/^\d{1,3}$/.test(concurrency) || count < 1) {
          throw new MediaError("ECONFIG", `--concurrency: Expected a number from 1 to 999`);
        }
        const stop = new AbortController();
        const end = () => (stop.signal.aborted ? process.exit(1) : stop.abort());
        process.on("SIGTERM", end).on("SIGINT", end);
        await run(count, stop.signal).finally(() => process.off("SIGTERM", end).off("SIGINT", end));
      });
  });
}
