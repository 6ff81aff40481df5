import type { Plugin } from "@mediatap/core";
import { unfitFor } from "./boxes.ts";
import { remuxable } from "./remux.ts";
import { createTracks } from "./tracks.ts";

const NAME = "video-remux";
const VERSION = "0.1.0";

/** Packages H.264 pictures of MP4 files without encoding, for engines that make streams of them. */
export function videoRemux(): Plugin {
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fingerprint }) {
      fingerprint(`${NAME}@${VERSION}`);
      const tracks = createTracks();
      hooks.inspect.for("remux").tapPromise(NAME, async (source, context) => {
        try {
          return remuxable(await tracks(source, context));
        } catch (error) {
          return { unfit: unfitFor(error) };
        }
      });
    },
  };
}

export default videoRemux;
