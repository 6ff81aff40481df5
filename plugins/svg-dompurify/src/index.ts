import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import {
  bodyOf,
  isMediaError,
  type Job,
  MediaError,
  type Plan,
  type PlanResult,
  type Plugin,
  type RenderContext,
  type Source,
} from "@mediatap/core";
import { inThread, isSvgSource, xmlText } from "@mediatap/core/decode";
import type { SanitizeTask } from "./program.ts";

const NAME = "svg-dompurify";
const VERSION = "0.1.0";

/** The thread's program is beside this module, in source and in built form. */
const PROGRAM = new URL(`./program${extname(import.meta.url)}`, import.meta.url);

/** The libraries take longer to load than most documents to sanitise. */
const IDLE_TIMEOUT_MS = 10_000;

// Measured: milliseconds, and bytes.
const START_COST = 350;
const KILOBYTE_COST = 3;
const START_MEMORY = 100 * 1024 * 1024;
const BYTE_MEMORY = 300;
/** A document of a megabyte takes about 200 MB, and what is left of the one before may not be collected yet. */
const HEAP = 512 * 1024 * 1024;

/** Estimated milliseconds from which on a document waits with the slow ones. */
const HEAVY_COST_MS = 400;

/**
 * Sanitises SVGs that are delivered as SVGs, if the job requests it (`Output.sanitizeSvg`): no scripts, event handlers or
 * references to other documents are left. What cannot be read is refused, never passed on.
 */
export function svgDompurify(): Plugin {
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fingerprint }) {
      const libraries = ["dompurify", "jsdom", "css-tree", "saxes"]
        .map((name) => `${name}@${versionOf(name)}`)
        .join(" ");
      fingerprint(`${NAME}@${VERSION} ${libraries}`);
      hooks.transform.tapPromise(NAME, async (job, source, context) =>
        (await concerns(job, source, context)) ? planOf(source, context, libraries) : undefined,
      );
    },
  };
}

export default svgDompurify;

const RASTER = /^(?:jpeg|png|webp|avif|gif)$/;

/** Whether an SVG would be delivered as one: by its content, or by a name or type of SVG and content of no other format. */
async function concerns({ transformation }: Job, source: Source, context: RenderContext): Promise<boolean> {
  const { sanitizeSvg, video, format } = transformation.output;
  if (!sanitizeSvg || video || RASTER.test(format ?? "")) return false;
  if (await isSvgSource(source, context.limits.svgBytes)) return true;
  const { path, type = "" } = source.metadata;
  const isNamed = /\.svgz?$/i.test(path.split(/[?#]/, 1)[0] ?? "") || /^image\/svg\+xml/i.test(type.trim());
  if (!isNamed) return false;
  const header = await context.inspect("header", source).catch(() => undefined);
  return header === undefined || header.format === "svg";
}

function planOf(source: Source, { limits }: RenderContext, libraries: string): Plan {
  const bytes = source.metadata.size ?? limits.svgBytes;
  if (bytes > limits.svgBytes) {
    throw new MediaError(
      "ELIMIT",
      `Expected an SVG of at most ${limits.svgBytes} bytes but received ${bytes}`,
    );
  }
  const cost = Math.ceil(START_COST + (KILOBYTE_COST * bytes) / 1024);
  return {
    engine: NAME,
    lane: cost > HEAVY_COST_MS ? "heavy" : "light",
    cost,
    memory: START_MEMORY + BYTE_MEMORY * bytes,
    explain: () => ({ sanitizer: libraries, bytes }),
    run: (context) => run(source, context),
  };
}

async function run(source: Source, context: RenderContext): Promise<PlanResult> {
  const { limits, signal } = context;
  const text = xmlText(await source.bytes(limits.svgBytes));
  const input: SanitizeTask = { text, maxElements: limits.svgElements };
  try {
    // Nothing of it is WebAssembly.
    const clean = await inThread<string>(
      { program: PROGRAM, input, memory: 0, heap: HEAP, idleTimeout: IDLE_TIMEOUT_MS },
      context,
    );
    const body = bodyOf(Buffer.from(clean));
    return { body, type: "image/svg+xml", format: "svg" };
  } catch (cause) {
    if (signal.aborted || isMediaError(cause)) throw cause;
    throw new MediaError("UNIDENTIFIED", "The SVG could not be sanitised", { cause });
  }
}

/** What a fix in a library changes must not stay in caches. */
function versionOf(name: string): string {
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const text = readFileSync(join(folder, name, "package.json"), "utf8");
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      // In the next one, then.
    }
  }
  return "unknown";
}
