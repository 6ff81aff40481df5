import {
  createFetcher,
  DEFAULT_LIMITS,
  type HttpFilesOptions,
  type Limits,
  type Storage,
} from "@mediatap/core";
import { createGcs } from "../src/gcs.ts";
import type { Account } from "./accounts.ts";
import { type Google, startGoogle } from "./google.ts";
import type { Bucket } from "./objects.ts";

export interface Place extends AsyncDisposable {
  readonly google: Google;
  readonly account: Account;
  /** The bucket `shop`, which the account may use. */
  readonly bucket: Bucket;
  /** A storage of the bucket, by the account, but for these fields. */
  storage(fields?: Record<string, unknown>, settings?: HttpFilesOptions): Storage;
}

/** A service with a bucket and an account, and ways to reach them. */
export async function openPlace(limits: Partial<Limits> = {}): Promise<Place> {
  const google = await startGoogle();
  const account = google.accounts.create("reader");
  const fetcher = createFetcher({ limits: { ...DEFAULT_LIMITS, ...limits } });
  return {
    google,
    account,
    bucket: google.bucket("shop", [account.clientEmail]),
    storage(fields = {}, settings = {}) {
      const options = {
        bucket: "shop",
        endpoint: google.url,
        tokenUri: google.tokenUri,
        ...account,
        ...fields,
      };
      return createGcs({ name: "photos", type: "GCS", base: "/", options }, fetcher, settings);
    },
    async [Symbol.asyncDispose]() {
      await fetcher.close();
      await google.close();
    },
  };
}
