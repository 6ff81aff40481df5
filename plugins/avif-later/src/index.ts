import { type Plugin, parseOptions } from "@mediatap/core";
import { z } from "zod";

const NAME = "avif-later";
const VERSION = "0.1.0";

const schema = z.strictObject({ lifetime: z.number().min(0).max(86_400).default(60) });

export interface AvifLaterOptions {
  /** Seconds for which clients and CDNs may keep what they get meanwhile. @default 60 */
  readonly lifetime?: number;
}

/**
 * Where AVIF would be chosen by what a client accepts and is not there yet, the client gets WebP or another quick format at
 * once; AVIF is made in the background, for those that ask later. AVIF that a URL asks for by name is waited for.
 */
export function avifLater(options: AvifLaterOptions = {}): Plugin {
  const { lifetime } = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks }) {
      hooks.substitute.tap(NAME, (job, { error }) => {
        const { format, allowed = ["avif"] } = job.transformation.output;
        const negotiated = format === "auto" && job.accept === "avif" && allowed.includes("avif");
        if (error || !negotiated || job.media !== "image") return undefined;
        return {
          job: { ...job, accept: "webp" },
          provenance: "degraded",
          lifetime: lifetime * 1000,
          background: job,
        };
      });
    },
  };
}

export default avifLater;
