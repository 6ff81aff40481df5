import { fileURLToPath } from "node:url";
import type { Peer } from "./peer.ts";

const SERVER = fileURLToPath(new URL("ipx-server.mjs", import.meta.url));

/** ipx 3 as its README starts it. It encodes AVIF at sharp's default effort. */
export const ipx: Peer = {
  name: "ipx",
  formats: ["jpg", "webp", "avif"],
  slow: ["avif"],
  conditions: true,
  command: (media, port) => ({ args: [process.execPath, SERVER, media, String(port)] }),
  path: (photograph, format) =>
    `/w_512,f_${format === "jpg" ? "jpeg" : format},q_${format === "avif" ? 60 : 80}/${photograph}`,
};
