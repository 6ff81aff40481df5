import { randomUUID } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { type Endpoint, isMediaError, MediaError, type PluginApi, Stage } from "@mediatap/core";
import { memorySource } from "@mediatap/core/decode";

const NAME = "manage-imagekit";

/**
 * Sanitises SVGs before they are stored, as an endpoint with `sanitizeSvg` does when it delivers them: by a job whose source
 * is in memory.
 */
export function createSanitizer({ hooks, jobs, purge }: Pick<PluginApi, "hooks" | "jobs" | "purge">) {
  const waiting = new Map<string, Uint8Array>();
  hooks.fetch.tap({ name: NAME, stage: Stage.first }, ({ path }) => {
    const bytes = waiting.get(path);
    return (
      bytes && memorySource({ origin: NAME, path, fetched: Date.now(), cacheControl: "no-store" }, bytes)
    );
  });

  return async (svg: Uint8Array, { tenant, name: endpoint }: Endpoint): Promise<Uint8Array> => {
    const path = `${randomUUID()}.svg`;
    waiting.set(path, svg);
    try {
      const { body } = await jobs.obtain({
        asset: { tenant, endpoint, kind: "path", path },
        transformation: { steps: [], output: { sanitizeSvg: true } },
        accept: "basic",
        query: [],
        delivery: {},
        language: "",
        media: "image",
      });
      if (!body) throw new MediaError("EINTERNAL", "The SVG could not be sanitised");
      try {
        return await buffer(await body.stream());
      } finally {
        await body.close?.();
      }
    } catch (cause) {
      if (!isMediaError(cause) || cause.status >= 500) throw cause;
      if (cause.code === "EUNSUPPORTED") {
        const text = "The SVG cannot be sanitised: the plugin svg-dompurify is missing, or cannot read it.";
        throw new MediaError("EUNSUPPORTED", text, { status: 501, cause });
      }
      throw new MediaError("EINVAL", `file: ${cause.message}`, { cause });
    } finally {
      waiting.delete(path);
      await purge({ kind: "source", value: path, tenant });
    }
  };
}
