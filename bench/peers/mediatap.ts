import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { VIDEO } from "../video.ts";
import { LOGO, type Peer, type Work } from "./peer.ts";

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
  work: (photograph, work) => `/tr:${WORK[work]}/${photograph}`,
  video: (wish) => `/tr:w-640/${VIDEO}?v=${wish}`,
};

const LAYERS = [
  `l-image,i-${LOGO},w-160,t-false,lx-N20,ly-20,l-end`,
  "l-text,i-Fresh every day,fs-48,co-FFFFFF,lx-20,ly-N20,l-end",
].join(",");
const THUMBNAIL = "w-600:w-400,h-400,cm-extract:e-sharpen:r-40";

const WORK: Readonly<Record<Work, string>> = {
  product: `w-800:${LAYERS},f-webp,q-80`.replaceAll(" ", "%20"),
  "thumb-webp": `${THUMBNAIL},f-webp,q-80`,
  "thumb-png": `${THUMBNAIL},f-png`,
};
