import { HEADER_FIELDS, MediaError, type Plugin } from "@mediatap/core";
import { z } from "zod";
import { addInfo } from "./command.ts";
import { openFile } from "./file.ts";
import { NAME, planOf } from "./plan.ts";

declare module "@mediatap/core" {
  interface EndpointFields {
    /** Descriptions may contain where an image was taken (`gps`). @default false */
    infoGps?: boolean;
  }
}

const VERSION = "0.1.0";

/** Describes images and videos as JSON: what plugins that tap `inspect` know of them. */
export function info(): Plugin {
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    endpointFields: { infoGps: z.boolean().optional() },
    apply({ hooks, fingerprint, command }) {
      addInfo({ command });
      fingerprint(`${NAME}@${VERSION}`);
      // For hits, too: an endpoint may have allowed it before.
      hooks.admit.tap(NAME, ({ endpoint }, { transformation: { output } }) => {
        if (output.info?.fields?.includes("gps") && !endpoint.fields.infoGps) {
          throw new MediaError("EFORBIDDEN", "The endpoint does not allow gps in descriptions of files");
        }
      });
      hooks.transform.tapPromise(NAME, async (job, source, context) => {
        const { info } = job.transformation.output;
        if (!info || info.form) return undefined;
        return planOf(await openFile(source, context), info.fields ?? HEADER_FIELDS, context);
      });
    },
  };
}

export default info;
