import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Peer } from "./peer.ts";

const BIN = fileURLToPath(new URL("../../presets/mediatap/bin/mediatap.js", import.meta.url));

/** This server, started as its users start it, with the usual preset over a folder. */
export const mediatap: Peer = {
  name: "mediatap",
  formats: ["jpg", "webp", "avif"],
  conditions: true,
  through: "/web",
  command(media, port, origin) {
    const config = join(dirname(media), "mediatap.config.json");
    writeFileSync(
      config,
      JSON.stringify({
        presets: ["mediatap"],
        origins: {
          photographs: { type: "FOLDER", path: media },
          web: { type: "WEB_FOLDER", baseUrl: origin },
        },
        endpoints: { default: { origins: ["photographs"] }, web: { origins: ["web"] } },
        log: { level: "warn" },
      }),
    );
    return {
      args: [
        process.execPath,
        BIN,
        "serve",
        "--config",
        config,
        "--port",
        String(port),
        "--host",
        "127.0.0.1",
      ],
    };
  },
  path: (photograph, format) => `/tr:w-512,q-80,f-${format}/${photograph}`,
};
