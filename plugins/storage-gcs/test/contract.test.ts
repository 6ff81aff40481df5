import { DEFAULT_LIMITS } from "@mediatap/core";
import { createFetcher } from "@mediatap/core/storage";
import { describeStorage } from "@mediatap/test";
import { createGcs } from "../src/gcs.ts";
import { type Google, startGoogle } from "./google.ts";
import { store } from "./objects.ts";

describeContract("a bucket, by a service account,", "some/where", (google) => {
  const account = google.accounts.create("reader");
  return { readers: [account.clientEmail], fields: { ...account, tokenUri: google.tokenUri } };
});
describeContract("a public bucket", "", () => ({ readers: "all", fields: { anonymous: true } }));

function describeContract(
  name: string,
  prefix: string,
  access: (google: Google) => { readers: readonly string[] | "all"; fields: Record<string, unknown> },
): void {
  describeStorage(
    name,
    {
      conditional: true,
      size: true,
      metadata: true,
      private: true,
      write: true,
      newNames: true,
      exclusiveNames: true,
      folders: true,
      writeMetadata: true,
      listFolder: true,
    },
    async () => {
      const google = await startGoogle();
      const fetcher = createFetcher({ limits: DEFAULT_LIMITS });
      const { readers, fields } = access(google);
      const bucket = google.bucket("shop.firebasestorage.app", readers);
      const options = { bucket: bucket.name, prefix, endpoint: google.url, ...fields };
      return {
        storage: createGcs({ name: "gcs", type: "GCS", base: "/", options }, fetcher, {}),
        async put(path, bytes, { type, cacheControl, private: isPrivate } = {}) {
          store(bucket, prefix === "" ? path : `${prefix}/${path}`, bytes, {
            ...(type !== undefined && { contentType: type }),
            ...(cacheControl !== undefined && { cacheControl }),
            ...(isPrivate && { metadata: { isprivatefile: "true" } }),
          });
        },
        async close() {
          await fetcher.close();
          await google.close();
        },
      };
    },
  );
}
