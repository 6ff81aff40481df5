import { type HttpFilesOptions, httpFilesOptions } from "@mediatap/core/storage";
import { z } from "zod";
import type { AzureCredential } from "./access.ts";

/** Retries and time limits of reads, and the server's identity; see {@link HttpFilesOptions}. */
export interface StorageAzureOptions extends HttpFilesOptions {
  /**
   * For origins with neither `sasToken` nor `accountKey`.
   * @default `DefaultAzureCredential` of `@azure/identity`
   */
  readonly credential?: AzureCredential | undefined;
}

export const optionsSchema = httpFilesOptions.extend({
  credential: z
    .custom<AzureCredential>((value) => typeof (value as Partial<AzureCredential>)?.getToken === "function", {
      error: "Expected a credential with a getToken function",
    })
    .optional(),
});
