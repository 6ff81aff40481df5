import { fileURLToPath } from "node:url";
import type { Peer } from "./peer.ts";

const SERVER = fileURLToPath(new URL("../origin-server.ts", import.meta.url));

/** The web server that others pass files through from; it takes part in nothing itself. */
export const origin: Peer = {
  name: "origin",
  formats: [],
  conditions: false,
  command: (media, port) => ({
    args: [process.execPath, "--disable-warning=ExperimentalWarning", SERVER, String(port), media],
  }),
  path: (photograph) => `/${photograph}`,
};
