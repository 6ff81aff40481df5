import { MediaError } from "../model/errors.ts";

/**
 * Plain data in which `${NAME}` in texts is replaced by an environment variable, and `${NAME:-default}` by one that may
 * be missing. Throws `ECONFIG` naming the field.
 */
export function withEnvironment(value: unknown, path = ""): unknown {
  if (typeof value === "string") {
    return value.replace(/\$\{(\w+)(?::-([^}]*))?\}/g, (_, name: string, fallback: string | undefined) => {
      const found = process.env[name] ?? fallback;
      if (found !== undefined) return found;
      throw new MediaError("ECONFIG", `${path}: the environment variable ${name} is not set`);
    });
  }
  const below = (name: string | number) => (path === "" ? String(name) : `${path}.${name}`);
  if (Array.isArray(value)) return value.map((entry, at) => withEnvironment(entry, below(at)));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, withEnvironment(field, below(name))]),
  );
}
