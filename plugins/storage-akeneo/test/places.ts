import {
  createFetcher,
  DEFAULT_LIMITS,
  type HttpFilesOptions,
  type Limits,
  type Storage,
} from "@mediatap/core";
import { createAkeneo } from "../src/akeneo.ts";
import { CREDENTIALS, type Pim, startPim } from "./pim.ts";

export interface Place extends AsyncDisposable {
  readonly pim: Pim;
  /** A storage of the PIM, but for these fields. */
  storage(fields?: Record<string, unknown>, settings?: HttpFilesOptions): Storage;
}

/** A PIM, and ways to reach it. */
export async function openPlace(limits: Partial<Limits> = {}): Promise<Place> {
  const pim = await startPim();
  const fetcher = createFetcher({ limits: { ...DEFAULT_LIMITS, ...limits } });
  return {
    pim,
    storage(fields = {}, settings = {}) {
      const options = { baseUrl: pim.url, ...CREDENTIALS, ...fields };
      return createAkeneo({ name: "pim", type: "AKENEO_PIM", base: "/", options }, fetcher, settings);
    },
    async [Symbol.asyncDispose]() {
      await fetcher.close();
      await pim.close();
    },
  };
}
