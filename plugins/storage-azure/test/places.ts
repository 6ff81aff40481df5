import type { ContainerClient } from "@azure/storage-blob";
import { DEFAULT_LIMITS } from "@mediatap/core";
import { createFetcher, type Storage } from "@mediatap/core/storage";
import { createAzure } from "../src/azure.ts";
import type { StorageAzureOptions } from "../src/index.ts";
import { ACCOUNT, type Azurite, sasOf, startAzurite } from "./azurite.ts";
import { type Front, startFront } from "./front.ts";

export interface Place {
  readonly azurite: Azurite;
  /** What storages reach Azurite through. */
  readonly front: Front;
  /** What is behind the back of the storages. */
  readonly container: ContainerClient;
  /** A storage of the container, by a SAS token that may do everything, but for these fields. `isHasty`: it waits for nothing long. */
  storage(fields?: Record<string, unknown>, settings?: StorageAzureOptions, isHasty?: boolean): Storage;
  /** Takes another container, and lets the front behave. */
  renew(): Promise<void>;
  close(): Promise<void>;
}

/** An account with a container, and ways to reach it. */
export async function openPlace(): Promise<Place> {
  const azurite = await startAzurite();
  const front = await startFront(Number(new URL(azurite.url).port));
  const fetcher = createFetcher({ limits: DEFAULT_LIMITS });
  const hasty = createFetcher({ limits: { ...DEFAULT_LIMITS, originFirstByte: 300, originIdle: 300 } });
  let container = await azurite.container();
  return {
    azurite,
    front,
    get container() {
      return container;
    },
    storage(fields = {}, settings = {}, isHasty = false) {
      const options = {
        accountName: ACCOUNT,
        container: container.containerName,
        endpoint: front.url,
        sasToken: sasOf(container.containerName, { permissions: "rwdl" }),
        ...fields,
      };
      return createAzure(
        { name: "archive", type: "AZURE_BLOB", base: "/", options },
        isHasty ? hasty : fetcher,
        settings,
      );
    },
    async renew() {
      container = await azurite.container();
      front.requests.length = 0;
      front.bytes = 0;
      front.fault = undefined;
      front.cut = undefined;
      front.tokens.clear();
    },
    async close() {
      await Promise.all([fetcher.close(), hasty.close()]);
      await front.close();
      await azurite.close();
    },
  };
}
