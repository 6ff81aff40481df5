import type { Command } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import { pluginError } from "../plugin.ts";
import { createRuntime } from "../server/runtime.ts";
import { createLogger } from "../util/log.ts";

/** What lists all commands. */
const HELP = new Set(["--help", "-h", "help"]);

/**
 * Adds the commands of the configuration's plugins if the first argument is none of the core's, or asks for help: the
 * configuration is read for that. A word that is in neither remains a wrong usage. Resolves with what stops the plugins again.
 */
export async function addPluginCommands(
  program: Command,
  args: readonly string[],
  load: (file: string | undefined) => Promise<LoadedConfig>,
): Promise<() => Promise<void>> {
  const [word] = args;
  const own = ["help", ...program.commands.map((command) => command.name())];
  const isHelp = word === undefined || HELP.has(word);
  if (!isHelp && (word.startsWith("-") || own.includes(word))) return async () => {};
  const config = await load(configFlag(args)).catch(() => undefined);
  if (!config) return async () => {};
  const log = createLogger(isHelp ? { level: "silent" } : config.config.log);
  const created = createRuntime(config, { log });
  // A wrong configuration does not hide the help.
  const runtime = await (isHelp ? created.catch(() => undefined) : created);
  if (!runtime) return async () => {};
  for (const { define, plugin } of runtime.commands) {
    try {
      define(program);
    } catch (error) {
      await runtime.stop();
      throw pluginError(plugin, `its command was not added: ${(error as Error).message}`, error);
    }
  }
  for (const command of program.commands) {
    if (!own.includes(command.name())) command.option("--config <file>", "configuration file");
  }
  program.hook("preAction", () => runtime.start());
  return () => runtime.stop();
}

function configFlag(args: readonly string[]): string | undefined {
  const joined = args.find((arg) => arg.startsWith("--config="));
  const at = args.indexOf("--config");
  return joined?.slice("--config=".length) ?? (at < 0 ? undefined : args[at + 1]);
}
