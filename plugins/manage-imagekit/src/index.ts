import { type CallHandler, MediaError, type Plugin } from "@mediatap/core";
import { describeCall, purgeSchema } from "@mediatap/core/state";
import { z } from "zod";
import { addChanges } from "./changes.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { addFiles } from "./files.ts";
import { addFocalPoints } from "./focal-points.ts";
import { addFolders } from "./folders.ts";
import { type ManageFilesOptions, manageFiles } from "./library.ts";
import { addMetadata } from "./metadata.ts";
import { NAMED_TRANSFORMATIONS } from "./named-transformations.ts";
import { addObjects } from "./objects.ts";
import { ORIGINS } from "./origins.ts";
import { HELP, limited } from "./rate.ts";
import { addUnsupported } from "./unsupported.ts";
import { addUploads } from "./uploads.ts";
import { addUsage } from "./usage.ts";

declare module "@mediatap/core" {
  interface EndpointFields {
    /** The management API may upload, change and delete files of the endpoint's origins, within these rules. @default false */
    manageFiles?: boolean | ManageFilesOptions;
  }
}

export type { ManageFilesOptions };

const NAME = "manage-imagekit";

/** Where the service has it. */
const PURGE = "/v1/files/purge";

/** The states of a purge in the service's words. */
const STATES = { pending: "Pending", completed: "Completed" } as const;

/**
 * ImageKit's management API, as far as a server without a media library has it: the purge of the cache
 * (https://imagekit.io/docs/api-reference/purge-cache), the metadata of a file by its URL, and the usage of an account.
 */
export function manageImagekit(): Plugin {
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    endpointFields: { manageFiles },
    apply(api) {
      const { manage, jobs, state } = api;
      addFiles(api);
      addUploads(api);
      addFolders(api);
      addUnsupported(api);
      addMetadata({ manage, jobs });
      for (const objects of [ORIGINS, ENDPOINTS, NAMED_TRANSFORMATIONS]) addObjects({ manage }, objects);
      addChanges({ manage });
      addUsage({ manage, state }, HELP);
      addFocalPoints(api, NAME);
      manage("POST", PURGE, limited(begin, "purgeRate"), {
        role: "operate",
        atRoot: true,
        describe: describeCall("Purge caches", {
          body: purgeSchema,
          status: 201,
          response: z.object({ requestId: z.string() }),
        }),
      });
      manage("GET", `${PURGE}/:id`, status, {
        role: "read",
        atRoot: true,
        describe: describeCall("State of a purge", {
          response: z.object({ status: z.enum(["Pending", "Completed"]) }),
        }),
      });
    },
  };
}

const begin: CallHandler = async (request, _, { purge }) => {
  const { id } = await purge(jsonOf(await request.body()));
  return { status: 201, body: { requestId: id } };
};

const status: CallHandler = ({ params: { id = "" } }, _, { purgeState }) => {
  const state = purgeState(id);
  if (state === undefined) throw new MediaError("EINVAL", "No request found for this requestId.");
  return { body: { status: STATES[state] } };
};

/** `undefined`, which is no target of a purge: the body is no JSON. */
function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}

export default manageImagekit;
