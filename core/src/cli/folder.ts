import type { LoadedConfig } from "../config/load.ts";
import { MediaError } from "../model/errors.ts";
import type { OpenedFolder } from "../plugin/plugin.ts";
import { createRuntime } from "../server/runtime.ts";

/** The folder of a configuration that has one origin and one endpoint, without HTTP and log. */
export async function openFolder(config: LoadedConfig): Promise<OpenedFolder> {
  const runtime = await createRuntime(config);
  const [endpoint] = runtime.endpoints;
  const [origin] = runtime.origins.values();
  const list = origin?.storage.list;
  if (!endpoint || !list) {
    await runtime.stop();
    throw new MediaError("ECONFIG", `${config.source}: its files cannot be listed`);
  }
  await runtime.start();
  const { tenant, name } = endpoint;
  const { signal } = new AbortController();
  return {
    files: () => list(""),
    render: (path, transformation) =>
      runtime.pipeline.obtain(
        {
          asset: { tenant, endpoint: name, kind: "path", path },
          transformation,
          accept: "basic",
          query: [],
          delivery: {},
          language: "",
          media: "file",
        },
        signal,
        true,
      ),
    close: () => runtime.stop(),
  };
}
