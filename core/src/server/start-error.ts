import { MediaError } from "../model/errors.ts";
import { pluginError } from "../plugin/errors.ts";
import { reasonOf } from "../util/log.ts";

/** Why the server cannot start, for the operator: `where` it is, hook, plugin and cause. */
export function startError(error: unknown, where: string): unknown {
  const { code, hook, plugin, message, cause } = error as Partial<MediaError>;
  if (hook === undefined || plugin === undefined) return error;
  if (code === "ECONFIG") {
    const isNamed = where !== "plugins" || message?.includes(plugin) === true;
    return isNamed ? error : pluginError(plugin, `${message}`, error);
  }
  // The message of a defect is for clients: its cause says what happened.
  const why = (code === "EINTERNAL" ? reasonOf(cause) || String(cause) : reasonOf(error)) || message;
  return new MediaError("ECONFIG", `${where}: ${plugin} failed in the hook ${hook}: ${why}`, {
    cause: cause ?? error,
    hook,
    plugin,
  });
}
