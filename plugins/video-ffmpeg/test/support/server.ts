import type { MediatapConfig, PluginList } from "@mediatap/core";
import { startServer, type TestServer } from "@mediatap/test";
import type { Studio } from "./videos.ts";

/** Starts a server of the files of a studio. */
export const serve = (
  studio: Studio,
  plugins: PluginList,
  config: MediatapConfig = {},
  options?: Parameters<typeof startServer>[1],
): Promise<TestServer> =>
  startServer(
    {
      plugins,
      origins: { files: { type: "FOLDER", path: studio.folder } },
      endpoints: { default: { origins: ["files"] } },
      ...config,
    },
    options,
  );
