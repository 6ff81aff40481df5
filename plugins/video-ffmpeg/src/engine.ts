import type { PluginApi } from "@mediatap/core";
import type { Settings } from "./options.ts";
import type { Tools } from "./process/tools.ts";

/** What every part of this plugin works with. */
export interface Engine {
  readonly settings: Settings;
  /** Rejects with `EUNSUPPORTED` where there is no ffmpeg. */
  tools(): Promise<Tools>;
  readonly logger: PluginApi["logger"];
}
