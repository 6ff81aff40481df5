import type { Command } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import type { Runtime } from "../http/runtime.ts";
import { pluginError } from "../plugin/errors.ts";
import { createRuntime } from "../server/runtime.ts";
import { createLogger } from "../util/log.ts";
import { openFolder } from "./folder.ts";

/** What lists all commands. */
const HELP = new Set(["--help", "-h", "help"]);

interface CommandSources {
  /** The configuration that is found, or that of a folder. */
  readonly load: (wanted: {
    readonly config?: string | undefined;
    readonly folder?: string;
  }) => Promise<LoadedConfig>;
  /** Commands of a folder's plugins, which need no other configuration, with their descriptions. */
  readonly folderCommands: Readonly<Record<string, string>>;
}

/**
 * Adds the commands of the configuration's plugins if the first argument is none of the core's, or asks for help: the
 * configuration is read for that. A word that is in neither remains a wrong usage. Resolves with what stops the plugins again.
 */
export async function addPluginCommands(
  program: Command,
  args: readonly string[],
  { load, folderCommands }: CommandSources,
): Promise<() => Promise<void>> {
  const [word] = args;
  const own = ["help", ...program.commands.map((command) => command.name())];
  const isHelp = word === undefined || HELP.has(word);
  if (!isHelp && (word.startsWith("-") || own.includes(word))) return async () => {};
  const named = configFlag(args);
  const isOfFolder = !isHelp && named === undefined && Object.hasOwn(folderCommands, word);
  const config = await load(isOfFolder ? { folder: process.cwd() } : { config: named }).catch(
    () => undefined,
  );
  // A wrong configuration does not hide the help.
  const runtime = config && (await (isHelp ? created(config).catch(() => undefined) : created(config)));
  for (const { define, plugin } of runtime?.commands ?? []) {
    try {
      define(program, async (folder) => openFolder(await load({ folder })));
    } catch (error) {
      await runtime?.stop();
      throw pluginError(plugin, `its command was not added: ${(error as Error).message}`, error);
    }
  }
  for (const command of program.commands) {
    if (!own.includes(command.name())) command.option("--config <file>", "configuration file");
  }
  for (const [name, description] of Object.entries(isHelp ? folderCommands : {})) {
    const isKnown = program.commands.some((command) => command.name() === name);
    if (!isKnown) program.command(name).description(description);
  }
  if (!runtime) return async () => {};
  program.hook("preAction", () => runtime.start());
  return () => runtime.stop();

  function created(config: LoadedConfig): Promise<Runtime> {
    // What such a command writes is its result.
    const log = createLogger(isHelp || isOfFolder ? { level: "silent" } : config.config.log);
    return createRuntime(config, { log });
  }
}

function configFlag(args: readonly string[]): string | undefined {
  const joined = args.find((arg) => arg.startsWith("--config="));
  const at = args.indexOf("--config");
  return joined?.slice("--config=".length) ?? (at < 0 ? undefined : args[at + 1]);
}
