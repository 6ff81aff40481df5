import type { MediatapConfig } from "@mediatap/core";
import { urlImagekit } from "@mediatap/url-imagekit";

export interface PresetImagekitOptions {
  /** Key that signs and verifies URLs. */
  readonly privateKey?: string | undefined;
}

/**
 * ImageKit's URL language and manners: requests to origins carry `x-req-from: imagekit`, so that firewall rules made
 * for the service go on working.
 */
export function presetImagekit({ privateKey }: PresetImagekitOptions = {}): MediatapConfig {
  return {
    plugins: [urlImagekit()],
    requestFrom: "imagekit",
    ...(privateKey ? { privateKey } : {}),
  };
}

export default presetImagekit;
