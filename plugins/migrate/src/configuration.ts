import type { Checked } from "./check.ts";

/** The configuration of a server for URLs that were understood: their languages, and the old service as the last origin. */
export function configurationFor(results: readonly Checked[], from: URL): string {
  const recognized = [...new Set(results.flatMap(({ language }) => language ?? []))];
  const languages = recognized.length === 0 ? ["url-imagekit"] : recognized;
  return `// mediatap.config.ts
origins: {
  // Your own storage comes first; the old service answers for what is not there yet.
  old: { type: "WEB_FOLDER", baseUrl: ${JSON.stringify(from.href.replace(/\/$/, ""))} },
},
endpoints: { default: { origins: ["old"], languages: ${JSON.stringify(languages)} } },`;
}
