import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { findConfig, type LoadedConfig, loadConfig } from "../config/load.ts";
import type { MediatapConfig } from "../config/schema.ts";
import { codeOf, isMediaError, MediaError } from "../model/errors.ts";
import { showConfig } from "./config.ts";
import { explainUrl } from "./explain.ts";
import { serve } from "./serve.ts";

export interface CliOptions {
  /** The configuration that serves one folder. */
  readonly folder: (path: string) => MediatapConfig;
  /** Folders from which packages that a configuration names are resolved, after its own and the working directory. */
  readonly packages?: readonly string[];
}

/** Runs `mediatap` with these arguments; resolves with the exit code: 0, 1 for a failure, 2 for wrong usage. */
export async function runCli(args: readonly string[], options: CliOptions): Promise<number> {
  const program = createProgram(options);
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const known = isMediaError(error) || codeOf(error) !== undefined;
    console.error(known ? `mediatap: ${(error as Error).message}` : error);
    return 1;
  }
}

function createProgram(options: CliOptions): Command {
  const program = new Command("mediatap")
    .description("Serves images from where they lie, transformed as their URLs ask.")
    .version(version())
    .exitOverride()
    .showHelpAfterError("(mediatap --help shows what there is)");

  const configOption = [
    "--config <file>",
    "configuration file; else mediatap.config.* is searched for",
  ] as const;

  program
    .command("serve")
    .description("start the server")
    .argument("[folder]", "serve the files of this folder; no configuration is needed")
    .option(...configOption)
    .option("--port <number>", "port to listen on (PORT, server.port, 3000)", port)
    .option("--host <address>", "address to listen on (HOST, server.host, all)")
    .action(async (folder: string | undefined, flags: { config?: string; port?: number; host?: string }) => {
      await serve(await load(options, folder, flags.config), flags);
    });

  program
    .command("config")
    .description("print the resolved configuration, secrets masked, and where each value came from")
    .argument("[folder]", "as for serve")
    .option(...configOption)
    .option("--json", "for programs")
    .action(async (folder: string | undefined, flags: { config?: string; json?: boolean }) => {
      console.log(showConfig(await load(options, folder, flags.config), flags.json === true));
    });

  program
    .command("explain")
    .description("say what the server would do for a URL, without pixel work")
    .argument("<url>", "absolute URL, or its path and query")
    .option("--folder <folder>", "as the argument of serve")
    .option(...configOption)
    .option("--accept <header>", "Accept header of the client", "image/avif,image/webp,*/*")
    .option("--json", "for programs")
    .action(
      async (url: string, flags: { folder?: string; config?: string; accept: string; json?: boolean }) => {
        console.log(await explainUrl(await load(options, flags.folder, flags.config), url, flags));
      },
    );

  return program;
}

/** The configuration that the arguments mean: a folder's own, a file, or what is found from here upwards. */
async function load(
  options: CliOptions,
  folder: string | undefined,
  file: string | undefined,
): Promise<LoadedConfig> {
  const packages = options.packages ?? [];
  if (folder !== undefined) {
    if (file !== undefined)
      throw new MediaError("ECONFIG", "Expected a folder or --config but received both");
    const path = resolve(folder);
    if (!existsSync(path) || !statSync(path).isDirectory())
      throw new MediaError("ECONFIG", `${folder}: no such folder`);
    return loadConfig(options.folder(path), { source: `serve ${folder}`, base: path, packages });
  }
  const found = await findConfig(file === undefined ? {} : { file });
  if (!found) {
    throw new MediaError(
      "ECONFIG",
      "no configuration found; name a folder (mediatap serve ./photos) or write mediatap.config.ts",
    );
  }
  return loadConfig(found.config, { source: found.file, base: dirname(found.file), packages });
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65535)
    throw new InvalidArgumentError("Expected a number from 0 to 65535.");
  return value;
}

function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
