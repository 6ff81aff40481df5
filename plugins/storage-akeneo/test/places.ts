import { DEFAULT_LIMITS } from "@mediatap/core";
import { createFetcher, type HttpFilesOptions, type Storage } from "@mediatap/core/storage";
import { createAkeneo } from "../src/akeneo.ts";
import { CREDENTIALS, type Pim, startPim } from "./pim.ts";

export interface Place extends AsyncDisposable {
  readonly pim: Pim;
  /** A storage of the PIM, but for these fields. `isHasty`: it waits for nothing long. */
  storage(fields?: Record<string, unknown>, settings?: HttpFilesOptions, isHasty?: boolean): Storage;
}

/** A PIM, and ways to reach it. */
export async function openPlace(): Promise<Place> {
  const pim = await startPim();
  const fetcher = createFetcher({ limits: DEFAULT_LIMITS });
  const hasty = createFetcher({ limits: { ...DEFAULT_LIMITS, originFirstByte: 300, originIdle: 300 } });
  return {
    pim,
    storage(fields = {}, settings = {}, isHasty = false) {
      const options = { baseUrl: pim.url, ...CREDENTIALS, ...fields };
      return createAkeneo(
        { name: "pim", type: "AKENEO_PIM", base: "/", options },
        isHasty ? hasty : fetcher,
        settings,
      );
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([fetcher.close(), hasty.close()]);
      await pim.close();
    },
  };
}
