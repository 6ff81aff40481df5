import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Plugin } from "../plugin/plugin.ts";

/**
 * Hash over the code of plugins while it is being written: modules of one's own, and what `apply` itself contains. Paths do
 * not count, so that the processes and machines of a server agree.
 */
export function codeOfPlugins(modules: readonly string[], plugins: readonly Plugin[]): string {
  const texts = [...modules.map(contentsOf), ...plugins.map(({ name, apply }) => `${name} ${apply}`)];
  return hash("sha256", JSON.stringify(texts.sort()), "base64url").slice(0, 16);
}

function contentsOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // It is gone: the next change is noticed.
    return "";
  }
}
