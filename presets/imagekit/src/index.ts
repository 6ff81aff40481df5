import { type MediatapConfig, parseOptions } from "@mediatap/core";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { urlImagekit } from "@mediatap/url-imagekit";
import { z } from "zod";

const schema = z.strictObject({
  /** Key that signs and verifies URLs; left out, or empty: none. */
  privateKey: z.string().optional(),
});

/** Options of `presetImagekit`. */
export type PresetImagekitOptions = z.input<typeof schema>;

/**
 * ImageKit's URL language, management API and manners: requests to origins carry `x-req-from: imagekit`, so that firewall rules made
 * for the service go on working.
 */
export function presetImagekit(options: PresetImagekitOptions = {}): MediatapConfig {
  const { privateKey } = parseOptions(schema, options, "preset-imagekit");
  return {
    plugins: [urlImagekit(), manageImagekit()],
    requestFrom: "imagekit",
    ...(privateKey ? { privateKey } : {}),
  };
}

export default presetImagekit;
