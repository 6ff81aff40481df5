import { z } from "zod";

/** An http or https URL that files can lie below: without slashes at the end. */
export const httpUrl = z
  .string()
  .refine(isPlainHttpUrl, { error: "Expected an http or https URL without user, query and fragment" })
  .transform((url) => url.replace(/\/+$/, ""));

function isPlainHttpUrl(text: string): boolean {
  const { protocol = "", username, password } = URL.parse(text) ?? {};
  return /^https?:$/.test(protocol) && username === "" && password === "" && !/[?#\s\\]/.test(text);
}

/** Options of a storage plugin whose origins are read over HTTP: see `HttpFilesOptions`. */
export const httpFilesOptions = z.strictObject({
  retries: z.int().min(0).max(10).default(2),
  timeout: z.int().positive().default(30_000),
  videoTimeout: z.int().positive().default(300_000),
});
