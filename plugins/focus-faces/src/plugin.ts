import { type FaceBox, MediaError, type Plugin, parseOptions } from "@mediatap/core";
import { inThread, memoizeInspector } from "@mediatap/core/decode";
import { type FocusFacesOptions, focusFacesSchema } from "./options.ts";
import type { Search } from "./program.ts";

const NAME = "focus-faces";
const VERSION = "0.1.0";
/** Of the model: other boxes make other pictures. */
const MODEL = "mediapipe-full-range";

/** Bytes of WebAssembly memory: none is used. */
const NO_MEMORY = 0;

/** The plugin, with a program of its choice in the thread. */
export function focusFacesBy(program: URL, options: FocusFacesOptions): Plugin {
  const { confidence, timeout, entries } = parseOptions(focusFacesSchema, options, NAME);
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, logger, fingerprint }) {
      fingerprint(`${NAME}@${VERSION} ${MODEL} ${confidence}`);
      hooks.inspect.for("faces").tapPromise(
        NAME,
        memoizeInspector<readonly FaceBox[]>(
          async (source, context) => {
            const preview = await context.inspect("preview", source);
            if (!preview) return undefined;
            const frame = { ...preview, data: new Uint8Array(preview.data) };
            const limits = { ...context.limits, imageWork: Math.min(timeout, context.limits.imageWork) };
            const input: Search = { frame, confidence };
            try {
              return await context.spans.measure("faces", () =>
                inThread<readonly FaceBox[]>(
                  { program, input, memory: NO_MEMORY },
                  { signal: context.signal, limits },
                ),
              );
            } catch (cause) {
              context.signal.throwIfAborted();
              logger.warn({ err: cause, path: source.metadata.path.slice(0, 500) }, "face detection failed");
              throw new MediaError("EINTERNAL", "Face detection failed", { cause });
            }
          },
          { entries },
        ),
      );
    },
  };
}
