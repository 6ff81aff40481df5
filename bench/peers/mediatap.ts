import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { VIDEO } from "../video.ts";
import { LOGO, type Peer, type Work } from "./peer.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BIN_PATH = "presets/mediatap/bin/mediatap.js";

export const BIN = join(ROOT, BIN_PATH);

/** Fields of a configuration, beside those that all servers here have. */
export type Changes = Readonly<Record<string, unknown>>;

/** As good as no cache in memory: what it is asked for it does not have. */
const NO_MEMORY = ["cache-memory", { maxBytes: 1, maxEntryBytes: 1, maxRecords: 1 }];

/** The disk cache alone, in this folder beside the configuration. */
export const diskAlone = (folder: string): Changes => ({
  plugins: [NO_MEMORY, ["cache-disk", { path: `./${folder}` }]],
});

interface Options {
  /** Further flags of `mediatap serve`. */
  readonly flags?: readonly string[];
  /** Cores that the server may use, by number; left out: all. */
  readonly cores?: readonly number[];
  /** Where the server is; left out: this checkout. */
  readonly checkout?: string;
}

/** This server, started as its users start it, with the usual preset over a folder; `changes` to that. */
export const configured = (
  name: string,
  changes: Changes | ((media: string) => Changes) = {},
  options: Options = {},
): Peer => ({
  name,
  formats: ["jpg", "webp", "avif"],
  conditions: true,
  through: "/web",
  of: (checkout) => configured(`${name} before`, changes, { ...options, checkout }),
  command(media, port, origin) {
    const { flags = [], cores, checkout = ROOT } = options;
    const config = configOf(name, media);
    write(config, media, origin, typeof changes === "function" ? changes(media) : changes);
    const address = ["--port", String(port), "--host", "127.0.0.1"];
    const serve = [join(checkout, BIN_PATH), "serve", "--config", config, ...address, ...flags];
    // Plugins are looked for from there, too.
    if (!cores) return { args: [process.execPath, ...serve], cwd: checkout };
    return { args: ["taskset", "-c", cores.join(","), process.execPath, ...serve], cwd: checkout };
  },
  configure: (media, origin, others) => write(configOf(name, media), media, origin, others),
  path: (photograph, format, width = 512) => `/tr:w-${width},q-80,f-${format}/${photograph}`,
  steady: (photograph, width) => `/steady/tr:w-${width},q-80,f-webp/${photograph}`,
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
      steady: { type: "FOLDER", path: media, checkSeconds: 86_400 },
      web: { type: "WEB_FOLDER", baseUrl: origin },
    },
    endpoints: {
      default: { origins: ["photographs"] },
      steady: { origins: ["steady"] },
      web: { origins: ["web"] },
    },
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
