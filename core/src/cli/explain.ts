import type { LoadedConfig } from "../config/load.ts";
export async function explainUrl(
  _config: LoadedConfig,
  _url: string,
  _flags: { accept: string; json?: boolean },
): Promise<string> {
  return "";
}
