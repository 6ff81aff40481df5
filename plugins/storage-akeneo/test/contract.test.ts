import { describeStorage } from "@mediatap/test";
import { openPlace } from "./places.ts";

for (const family of ["media-files", "asset-media-files", "reference-entities-media-files"]) {
  describeStorage(`a PIM's ${family}`, {}, async () => {
    const place = await openPlace();
    const storage = place.storage();
    return {
      storage: {
        ...storage,
        open: (path, options) => storage.open(`${family}/${path}`, options),
      },
      async put(path, bytes, { type } = {}) {
        place.pim.files.set(`${family}/${path}`, { bytes, ...(type !== undefined && { type }) });
      },
      // The API sends files without length, validators and Cache-Control.
      async close() {
        await place[Symbol.asyncDispose]();
      },
    };
  });
}
