import { codeOf, isMediaError, MediaError, shortageOf } from "../model/errors.ts";

/** An error about a plugin, for whoever configures the server: it names the plugin, and what to do. */
export function pluginError(plugin: string, text: string, cause?: unknown): MediaError {
  const message = `plugins: ${plugin}: ${text}`;
  return new MediaError("ECONFIG", message, { plugin, ...(cause === undefined ? {} : { cause }) });
}

/** Calls a function that a plugin registered; an error gets the names of what it is for and of the plugin. */
export async function attributed<T>(hook: string, plugin: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw wrap(error, hook, plugin);
  }
}

/**
 * The error with hook and plugin noted, once. What is not a MediaError becomes `EBUSY` if a resource of the system is used up, else
 * `EINTERNAL`, with the cause kept.
 */
export function wrap(error: unknown, hook: string, plugin: string): MediaError {
  const known = isMediaError(error) ? error : shortageOf(error);
  if (known) {
    known.hook ??= hook;
    known.plugin ??= plugin;
    return known;
  }
  if (codeOf(error) === "ABORT_ERR" || (error as Error | undefined)?.name === "AbortError") {
    return new MediaError("ETIMEDOUT", "The work was stopped", { cause: error, hook, plugin });
  }
  return new MediaError("EINTERNAL", "Internal error", { cause: error, hook, plugin });
}
