import type { Checked } from "./check.ts";

/** The configuration of a server for URLs that were understood: their languages, and the old service as the last origin. */
export function configurationFor(results: readonly Checked[], from: URL): string {
  const found = [...new Set(results.flatMap(({ language }) => language ?? []))];
  const languages = found.length === 0 ? ["url-imagekit"] : found;
  return `// mediatap.config.ts
origins: {
  // Your own storage comes first; the old service answers for what is not there yet.
  old: { type: "WEB_FOLDER", baseUrl: ${JSON.stringify(from.href.replace(/\/$/, ""))} },
},
endpoints: { default: { origins: ["old"], languages: ${JSON.stringify(languages)} } },`;
}
