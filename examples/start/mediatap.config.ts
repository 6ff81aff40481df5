import { analytics } from "@mediatap/analytics";
import { cacheMemory } from "@mediatap/cache-memory";
import { defineConfig } from "@mediatap/core";
import { focusFaces } from "@mediatap/focus-faces";
import { imageSharp } from "@mediatap/image-sharp";
import { info } from "@mediatap/info";
import { presetDevelopment } from "@mediatap/preset-development";
import { presetImagekit } from "@mediatap/preset-imagekit";
import { stateSqlite } from "@mediatap/state-sqlite";
import { storageFs } from "@mediatap/storage-fs";
import { storageS3 } from "@mediatap/storage-s3";
import { storageWeb } from "@mediatap/storage-web";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { videoRemux } from "@mediatap/video-remux";
import { warm } from "@mediatap/warm";
import { samples } from "./samples.ts";

// What `npm start` serves: the folder `media` beside this file, and a start page at `/` that shows it.
export default defineConfig({
  presets: [presetImagekit(), presetDevelopment({ samples })],
  plugins: [
    storageFs(),
    storageS3(),
    storageWeb(),
    imageSharp(),
    info(),
    focusFaces(),
    videoFfmpeg(),
    videoRemux(),
    cacheMemory(),
    analytics(),
    warm(),
    stateSqlite({ path: "../../.cache/start/state.sqlite" }),
  ],
  origins: { samples: { type: "FOLDER", path: "./media" } },
  endpoints: { default: { origins: ["samples"] } },
  namedTransformations: {
    thumb: "w-150,h-150,fo-auto",
    card: "w-480,h-320,fo-auto",
    portrait: "w-360,ar-4-5,fo-auto,r-24",
    sketch: "w-480,h-320,fo-auto,e-grayscale,e-contrast",
  },
  // With a key the console can make changes; `mediatap state key` makes the other one that this needs.
  ...(process.env.MEDIATAP_PRIVATE_KEY && { privateKey: process.env.MEDIATAP_PRIVATE_KEY }),
});
