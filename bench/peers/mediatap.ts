import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { VIDEO } from "../video.ts";
import { LOGO, type Peer, type Work } from "./peer.ts";

const BIN = fileURLToPath(new URL("../../presets/mediatap/bin/mediatap.js", import.meta.url));

/** Fields of a configuration, beside those that all servers here have. */
export type Changes = Readonly<Record<string, unknown>>;

/** This server, started as its users start it, with the usual preset over a folder; `changes` to that, further flags. */
export const configured = (name: string, changes: Changes = {}, flags: readonly string[] = []): Peer => ({
  name,
  formats: ["jpg", "webp", "avif"],
  conditions: true,
  through: "/web",
  command(media, port, origin) {
    const config = configOf(name, media);
    write(config, media, origin, changes);
    const address = ["--port", String(port), "--host", "127.0.0.1"];
    return { args: [process.execPath, BIN, "serve", "--config", config, ...address, ...flags] };
  },
  configure: (media, origin, others) => write(configOf(name, media), media, origin, others),
  path: (photograph, format, width = 512) => `/tr:w-${width},q-80,f-${format}/${photograph}`,
  remote: (photograph) => `/web/tr:w-256,q-80,f-webp/${photograph}`,
  work: (photograph, work) => `/tr:${WORK[work]}/${photograph}`,
  video: (request) => `/tr:w-640/${VIDEO}?v=${request}`,
});

const configOf = (name: string, media: string) =>
  join(dirname(media), `${name.replace(/\W+/g, "-")}.config.json`);

function write(file: string, media: string, origin: string, changes: Changes): void {
  const config = {
    presets: ["mediatap"],
    origins: {
      photographs: { type: "FOLDER", path: media },
      web: { type: "WEB_FOLDER", baseUrl: origin },
    },
    endpoints: { default: { origins: ["photographs"] }, web: { origins: ["web"] } },
    log: { level: "warn" },
    ...changes,
  };
  writeFileSync(file, JSON.stringify(config));
}

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

export const mediatap = configured("mediatap");
