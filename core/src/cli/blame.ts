import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Whose code an error comes from. */
interface Blame {
  /** Name of the plugin, if the error was thrown in the package of one. */
  readonly plugin?: string;
  /** Name of the package in which it was thrown. */
  readonly package?: string;
  /** File and line. */
  readonly at?: string;
}

interface Frame {
  readonly file: string;
  readonly line: string;
  readonly package: string | undefined;
}

/** A stack line of V8 with a file; Node's own modules have none. */
const FRAME = /\(?((?:file:\/\/)?\/[^()?]+)(?:\?[^():]*)?:(\d+):\d+\)?$/;

const CORE = "@mediatap/core";

/** Causes whose stacks are read. */
const MAX_CAUSES = 5;

/**
 * Finds out from its stack whose code an error comes from, where no hook could tell: in timers, events and promises of plugins. The
 * first frame outside of the core counts, and of those the first one in the package of a plugin.
 */
export function blame(error: unknown, plugins: readonly string[]): Blame {
  const frames = framesOf(error);
  const foreign = frames.filter((frame) => frame.package !== CORE);
  const [first] = foreign.length > 0 ? foreign : frames;
  const plugin = foreign.map((frame) => pluginOf(frame.package, plugins)).find(Boolean);
  return {
    ...(plugin && { plugin }),
    ...(first?.package && { package: first.package }),
    ...(first && { at: `${first.file}:${first.line}` }),
  };
}

/** The same in words, to go on with a sentence; `""` if nothing is known. */
export function blameWords({ plugin, package: name, at }: Blame): string {
  if (plugin) return `, in the plugin '${plugin}'`;
  if (name) return `, in the package '${name}'`;
  return at ? `, in ${at}` : "";
}

function framesOf(error: unknown): Frame[] {
  const frames: Frame[] = [];
  const packages = new Map<string, string | undefined>();
  for (let at = error, left = MAX_CAUSES; at instanceof Error && left > 0; at = at.cause, left--) {
    for (const line of at.stack?.split("\n") ?? []) {
      const [, place, number] = FRAME.exec(line.trim()) ?? [];
      if (place === undefined || number === undefined) continue;
      const file = place.startsWith("file:") ? fileURLToPath(place) : place;
      if (!packages.has(file)) packages.set(file, packageOf(file));
      frames.push({ file, line: number, package: packages.get(file) });
    }
  }
  return frames;
}

function packageOf(file: string): string | undefined {
  try {
    const path = findPackageJSON(pathToFileURL(file));
    const { name } = JSON.parse(readFileSync(path as string, "utf8")) as { name?: unknown };
    return typeof name === "string" ? name : undefined;
  } catch {
    return undefined;
  }
}

/** Packages are named like their plugins, but for a scope or `mediatap-` in front. */
function pluginOf(name: string | undefined, plugins: readonly string[]): string | undefined {
  const short = name?.replace(/^@[^/]+\//, "").replace(/^mediatap-(?:plugin-)?/, "");
  return plugins.find((plugin) => plugin === name || plugin === short);
}
