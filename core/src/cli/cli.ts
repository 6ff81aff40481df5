import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { findConfig } from "../config/find.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import type { MediatapConfig } from "../config/schema.ts";
import { codeOf, isMediaError, MediaError } from "../model/errors.ts";
import { ignoreOutputErrors } from "../util/log.ts";
import { version } from "../util/version.ts";
import { showConfig } from "./config.ts";
import { examine, findingsText } from "./doctor.ts";
import { explainUrl } from "./explain.ts";
import { addPluginCommands } from "./plugins.ts";
import { type PurgeFlags, purgeAt } from "./purge.ts";
import { parseWorkers, type Served, type ServeFlags, serve } from "./serve.ts";
import { describeSigned, parseExpiry, signUrl } from "./sign.ts";
import { addStateCommands } from "./state.ts";

interface CliOptions {
  /** The configuration that serves one folder. */
  readonly folder: (path: string) => Promise<MediatapConfig> | MediatapConfig;
  /** The configuration that serves one web server. */
  readonly origin: (baseUrl: string) => Promise<MediatapConfig> | MediatapConfig;
  /** Commands that plugins of `folder` add and that need no other configuration, with their descriptions. @default none */
  readonly commands?: Readonly<Record<string, string>>;
  /** Folders from which packages that a configuration names are resolved, after its own and the working directory. */
  readonly packages?: readonly string[];
}

interface ConfigFlags {
  readonly config?: string;
}

interface ShowFlags extends ConfigFlags {
  readonly json?: boolean;
}

interface ExplainFlags extends ShowFlags {
  readonly folder?: string;
  readonly accept: string;
  readonly header?: Readonly<Record<string, string>>;
}

/** Runs `mediatap` with these arguments; resolves with the exit code: 0, 1 for a failure, 2 for wrong usage. */
export async function runCli(args: readonly string[], options: CliOptions): Promise<number> {
  ignoreOutputErrors();
  const program = createProgram(options);
  let stop = async () => {};
  try {
    stop = await addPluginCommands(program, args, {
      load: (wanted) => load(options, wanted),
      folderCommands: options.commands ?? {},
    });
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const known = isMediaError(error) || codeOf(error) !== undefined;
    console.error(known ? `mediatap: ${(error as Error).message}` : error);
    const defect = isMediaError(error) && error.plugin !== undefined ? defectOf(error) : undefined;
    if (defect) console.error(defect.stack);
    return 1;
  } finally {
    await stop();
  }
}

/** The first cause that has no code: a defect in the code of a plugin, whose stack tells where. */
function defectOf(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  return codeOf(error) === undefined ? error : defectOf(error.cause);
}

const CONFIG = [
  "--config <file>",
  "configuration file; default: mediatap.config.* or similar, searched upwards",
] as const;

function createProgram(options: CliOptions): Command {
  const program = new Command("mediatap")
    .description("Renders images and videos on demand from their URL.")
    .version(version())
    .exitOverride()
    .showHelpAfterError("(--help lists commands and options)")
    .addHelpText(
      "after",
      `
Examples:
  mediatap serve ./photos                              a folder, without any configuration
  mediatap serve --config mediatap.config.ts --port 8080
  mediatap explain "/tr:w-400,h-300/harbour.jpg"       what the server would do, and why`,
    );

  program
    .command("serve")
    .description("start the server")
    .argument("[folder]", "serve the files of this folder; no configuration is needed")
    .option(...CONFIG)
    .option("--origin <url>", "serve the files of this web server; no configuration is needed")
    .option("--port <number>", "port to listen on; default: PORT, server.port, 3000; 0: any free port", port)
    .option("--host <address>", "address to listen on; default: HOST, server.host, all addresses")
    .option("--workers <number>", "processes, or auto for one per four cores; default: WORKERS, 1", workers)
    .option("--watch", "reload the configuration when its file changes, as at SIGHUP; default: server.watch")
    .option("--no-watch", "reload it only at SIGHUP")
    .action(
      async (folder: string | undefined, flags: ConfigFlags & ServeFlags & { readonly origin?: string }) => {
        await serve(() => loadServed(options, { folder, ...flags }), flags);
      },
    );

  program
    .command("config")
    .description(
      "check and print the resolved configuration, with the source of each value and secrets masked",
    )
    .argument("[folder]", "as for serve")
    .option(...CONFIG)
    .option("--json", "for programs")
    .action(async (folder: string | undefined, flags: ShowFlags) => {
      console.log(await showConfig(await load(options, { folder, ...flags }), flags.json === true));
    });

  program
    .command("doctor")
    .description(
      "check each origin and setting, and show problems and remedies; exit code 1 if there is a problem",
    )
    .argument("[folder]", "as for serve")
    .option(...CONFIG)
    .option("--json", "for programs")
    .action(async (folder: string | undefined, flags: ShowFlags) => {
      const findings = await examine(await load(options, { folder, ...flags }));
      console.log(flags.json ? JSON.stringify(findings, null, 2) : findingsText(findings));
      if (findings.some(({ state }) => state === "bad")) {
        throw new MediaError("ECONFIG", "problems were found, see above");
      }
    });

  program
    .command("explain")
    .description(
      "show what the server would do for a URL, without rendering; exit code 1 if the response would be an error",
    )
    .argument("<url>", "absolute URL, or its path and query")
    .option("--folder <folder>", "as the argument of serve")
    .option(...CONFIG)
    .option("--accept <header>", "Accept header of the client", "image/avif,image/webp,*/*")
    .option("-H, --header <name: value>", "another header of the client; can be repeated", headerOption)
    .option("--json", "for programs")
    .action(async (url: string, flags: ExplainFlags) => {
      const headers = { accept: flags.accept, ...flags.header };
      const config = await load(options, flags);
      const { text, status } = await explainUrl(config, { url, headers }, flags.json === true);
      console.log(text);
      if (status >= 400) throw new MediaError("ECONFIG", `the response would be ${status}`);
    });

  program
    .command("purge")
    .description("remove entries from the caches of a running server; browser caches are not affected")
    .argument("[url]", "URL to purge; with * at its end, all URLs that begin with it")
    .option("--source <path>", "all renditions of this original")
    .option("--prefix <path>", "all renditions of originals whose path begins with this")
    .option("--tag <tag>", "everything with this tag")
    .option("--all", "everything of the account")
    .option(
      "--server <url>",
      "the server; default: that of the URL, else that of the configuration, on this machine",
    )
    .option("--key <key>", "a private key; default: MEDIATAP_PRIVATE_KEY, else that of the configuration")
    .option("--no-wait", "do not wait for completion")
    .option("--dry-run", "only count what would be removed")
    .option(...CONFIG)
    .action(async (url: string | undefined, flags: PurgeFlags) => {
      console.log(await purgeAt(url, flags, () => load(options, flags)));
    });

  program
    .command("sign")
    .description("print a URL with a valid signature, in the scheme of its URL language")
    .argument("<url>", "absolute URL, or its path and query; a signature that it has is replaced")
    .option(
      "--expires <time>",
      "15m, 12h, 7d, or a date such as 2030-01-31; default: as in the URL, else never",
      (text) => parseExpiry(text),
    )
    .option(...CONFIG)
    .option("--json", "for programs")
    .action(async (url: string, flags: ShowFlags & { readonly expires?: number }) => {
      const signed = await signUrl(await load(options, flags), url, flags.expires);
      if (!flags.json) console.error(describeSigned(signed));
      console.log(flags.json ? JSON.stringify(signed, null, 2) : signed.url);
    });

  addStateCommands(program, (flags) => load(options, flags), CONFIG);
  return program;
}

/** What is to be served: one of these, or the configuration that is found from here upwards. */
interface Wanted {
  readonly folder?: string | undefined;
  readonly origin?: string | undefined;
  readonly config?: string | undefined;
}

async function load(options: CliOptions, wanted: Wanted): Promise<LoadedConfig> {
  return (await loadServed(options, wanted)).config;
}

async function loadServed(options: CliOptions, { folder, origin, config }: Wanted): Promise<Served> {
  const packages = options.packages ?? [];
  if ([folder, origin, config].filter((given) => given !== undefined).length > 1) {
    throw new MediaError("ECONFIG", "Expected one of a folder, --origin and --config but received more");
  }
  if (folder !== undefined) {
    const path = folderAt(folder);
    const parts = { source: `folder ${folder}`, base: path, packages };
    return { config: await loadConfig(await options.folder(path), parts), files: [], modules: [] };
  }
  if (origin !== undefined) {
    const parts = { source: `--origin ${origin}`, base: process.cwd(), packages };
    return { config: await loadConfig(await options.origin(origin), parts), files: [], modules: [] };
  }
  const found = await findConfig(config === undefined ? {} : { file: config });
  if (!found) {
    throw new MediaError(
      "ECONFIG",
      "no configuration found; name a folder (mediatap serve ./photos, mediatap explain --folder ./photos URL) or write mediatap.config.ts",
    );
  }
  const parts = { source: found.source, base: dirname(found.file), packages };
  const loaded = await loadConfig(found.config, parts);
  const files = [...new Set([...found.files, ...loaded.modules])];
  return { config: loaded, files, modules: files.filter((file) => file !== found.file) };
}

function folderAt(folder: string): string {
  const path = resolve(folder);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new MediaError("ECONFIG", `${folder}: no such folder`);
  if (!found.isDirectory()) throw new MediaError("ECONFIG", `${folder}: Expected a folder but it is a file`);
  return path;
}

function workers(text: string): number | "auto" {
  const count = parseWorkers(text);
  if (count === undefined) throw new InvalidArgumentError("Expected auto or a number from 1 to 256.");
  return count;
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65535)
    throw new InvalidArgumentError("Expected a number from 0 to 65535.");
  return value;
}

/** A header as written on the command line, `name: value`, added to those before it. */
function headerOption(text: string, before: Readonly<Record<string, string>> = {}) {
  const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Expected "name: value".');
  return { ...before, [name.toLowerCase()]: value };
}
