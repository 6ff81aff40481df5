import { DEFAULT_LIMITS } from "@mediatap/core";
import { createFetcher, type HttpFilesOptions, type Storage } from "@mediatap/core/storage";
import { createGcs } from "../src/gcs.ts";
import type { Account } from "./accounts.ts";
import { type Google, startGoogle } from "./google.ts";
import type { Bucket } from "./objects.ts";

export interface Place extends AsyncDisposable {
  readonly google: Google;
  readonly account: Account;
  /** The bucket `shop`, which the account may use. */
  readonly bucket: Bucket;
  /** A storage of the bucket, by the account, but for these fields. `isHasty`: it waits for nothing long. */
  storage(fields?: Record<string, unknown>, settings?: HttpFilesOptions, isHasty?: boolean): Storage;
}

/** A service with a bucket and an account, and ways to reach them. */
export async function openPlace(): Promise<Place> {
  const google = await startGoogle();
  const account = google.accounts.create("reader");
  const fetcher = createFetcher({ limits: DEFAULT_LIMITS });
  const hasty = createFetcher({ limits: { ...DEFAULT_LIMITS, originFirstByte: 300, originIdle: 300 } });
  return {
    google,
    account,
    bucket: google.bucket("shop", [account.clientEmail]),
    storage(fields = {}, settings = {}, isHasty = false) {
      const options = {
        bucket: "shop",
        endpoint: google.url,
        tokenUri: google.tokenUri,
        ...account,
        ...fields,
      };
      return createGcs(
        { name: "photos", type: "GCS", base: "/", options },
        isHasty ? hasty : fetcher,
        settings,
      );
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([fetcher.close(), hasty.close()]);
      await google.close();
    },
  };
}
