import {
  describeStorage,
  describeWith,
  MOTO,
  RADOSGW,
  RADOSGW_DOMAIN,
  startMoto,
  startRadosgw,
} from "@mediatap/test";
import { openPlace, type PlaceOptions, resolveHere } from "./places.ts";

function contract(
  name: string,
  start: typeof startMoto,
  isComplete: boolean,
  options: (port: number) => PlaceOptions = () => ({}),
): void {
  const can = {
    conditional: isComplete,
    size: true,
    metadata: true,
    private: true,
    write: true,
    // Between moto's look and its write another request may come.
    newNames: isComplete,
    writeMetadata: true,
    folders: isComplete,
    listFolder: isComplete,
  };
  describeStorage(name, can, async () => {
    const service = await start();
    const place = await openPlace(service, options(service.port));
    return {
      storage: place.storage,
      put: place.put,
      async close() {
        place.close();
        await service.close();
      },
    };
  });
}

describeWith(RADOSGW, "radosgw", () => {
  // With dbstore it gives back the parts of an upload in the wrong order (here every file is sent whole), has no conditions,
  // and goes on with a listing by delimiter at the wrong key.
  const partBytes = 16 * 1024 * 1024;

  contract("a bucket in path style", startRadosgw, false, () => ({ partBytes }));
  contract("a folder of a bucket as a virtual host", startRadosgw, false, (port) => ({
    partBytes,
    resolve: resolveHere,
    fields: {
      prefix: "some folder/é",
      endpoint: `http://${RADOSGW_DOMAIN}:${port}`,
      s3ForcePathStyle: false,
    },
  }));
});

describeWith(MOTO, "moto", () => {
  contract("a bucket", startMoto, true);
  contract("a folder of a bucket", startMoto, true, () => ({ fields: { prefix: "some folder/é" } }));
});
