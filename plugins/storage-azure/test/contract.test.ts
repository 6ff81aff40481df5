import type { ContainerClient } from "@azure/storage-blob";
import { DEFAULT_LIMITS } from "@mediatap/core";
import { createFetcher } from "@mediatap/core/storage";
import { describeStorage } from "@mediatap/test";
import { createAzure } from "../src/azure.ts";
import { ACCOUNT, KEY, sasOf, startAzurite, withAzurite } from "./azurite.ts";

withAzurite(() => {
  for (const [name, credentials] of [
    [
      "a container, by a SAS token,",
      ({ containerName }: ContainerClient) => ({ sasToken: sasOf(containerName, { permissions: "rwdl" }) }),
    ],
    ["a container, by the account's key,", () => ({ accountKey: KEY })],
  ] as const) {
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
        const azurite = await startAzurite();
        const fetcher = createFetcher({ limits: DEFAULT_LIMITS });
        const container = await azurite.container();
        const options = {
          accountName: ACCOUNT,
          container: container.containerName,
          endpoint: azurite.url,
          prefix: "some/where",
          ...credentials(container),
        };
        return {
          storage: createAzure({ name: "azure", type: "AZURE_BLOB", base: "/", options }, fetcher, {}),
          async put(path, bytes, { type, cacheControl, private: isPrivate } = {}) {
            await container.getBlockBlobClient(`some/where/${path}`).uploadData(bytes, {
              blobHTTPHeaders: {
                ...(type !== undefined && { blobContentType: type }),
                ...(cacheControl !== undefined && { blobCacheControl: cacheControl }),
              },
              metadata: isPrivate ? { isprivatefile: "true" } : {},
            });
          },
          async close() {
            await fetcher.close();
            await azurite.close();
          },
        };
      },
    );
  }
});
