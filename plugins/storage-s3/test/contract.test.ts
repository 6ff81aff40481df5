import {
  describeStorage,
  describeWith,
  MOTO,
  RADOSGW,
  RADOSGW_DOMAIN,
  startMoto,
  startRadosgw,
} from "@mediatap/test";
import { lookupHere, openPlace, type PlaceOptions } from "./places.ts";

function contract(
  name: string,
  start: typeof startRadosgw,
  conditional: boolean,
  options: PlaceOptions,
): void {
  describeStorage(name, async () => {
    const service = await start();
    const place = await openPlace(service, withPort(options, service.port));
    return {
      storage: place.storage,
      put: place.put,
      can: { conditional, size: true, facts: true },
      async close() {
        place.close();
        await service.close();
      },
    };
  });
}

/** Endpoints by name get the port of the service. */
function withPort(options: PlaceOptions, port: number): PlaceOptions {
  const { endpoint } = options.fields ?? {};
  if (endpoint === undefined) return options;
  return { ...options, fields: { ...options.fields, endpoint: `${endpoint}:${port}` } };
}

describeWith(RADOSGW, "radosgw", () => {
  contract("a bucket in path style", startRadosgw, false, {});
  contract("a folder of a bucket as a virtual host", startRadosgw, false, {
    lookup: lookupHere,
    fields: { prefix: "some folder/é", endpoint: `http://${RADOSGW_DOMAIN}`, s3ForcePathStyle: false },
  });
});

describeWith(MOTO, "moto", () => {
  contract("a bucket", startMoto, true, {});
});
