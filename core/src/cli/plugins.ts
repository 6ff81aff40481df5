import type { Command } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import { createGeneration } from "../generation/generation.ts";
import { createShared } from "../generation/shared.ts";
import { createLogger } from "../log.ts";
import { pluginError } from "../plugin.ts";

/**
 * Adds the commands of the configuration's plugins, when the first argument is none of the core's: the configuration is
 * read for that, and a word that is in neither remains a wrong usage. Resolves with what stops the plugins again.
 */
export async function addPluginCommands(
  program: Command,
  args: readonly string[],
  load: (file: string | undefined) => Promise<LoadedConfig>,
): Promise<() => Promise<void>> {
  const [word] = args;
  const own = ["help", ...program.commands.map((command) => command.name())];
  if (word === undefined || word.startsWith("-") || own.includes(word)) return async () => {};
  const config = await load(configFlag(args)).catch(() => undefined);
  if (!config) return async () => {};
  const log = createLogger(config.config.log);
  const generation = await createGeneration(config, { log, shared: createShared() });
  for (const { define, plugin } of generation.commands) {
    try {
      define(program);
    } catch (error) {
      await generation.stop();
      throw pluginError(plugin, `its command was not added: ${(error as Error).message}`, error);
    }
  }
  for (const command of program.commands) {
    if (!own.includes(command.name())) command.option("--config <file>", "configuration file");
  }
  program.hook("preAction", () => generation.start());
  return () => generation.stop();
}

function configFlag(args: readonly string[]): string | undefined {
  const joined = args.find((arg) => arg.startsWith("--config="));
  const at = args.indexOf("--config");
  return joined?.slice("--config=".length) ?? (at < 0 ? undefined : args[at + 1]);
}
