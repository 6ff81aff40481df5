import { MediaError, type PluginApi } from "@mediatap/core";
import { describeCall } from "@mediatap/core/state";

type Unsupported = readonly [method: Parameters<PluginApi["manage"]>[0], path: string, summary: string];

/** Calls of the service about what no storage keeps, by what that is. */
const CALLS: Readonly<Record<string, readonly Unsupported[]>> = {
  "Files have no tags, custom metadata, descriptions and extensions here, and are always published.": [
    ["PATCH", "/v1/files/:id/details", "Change tags and metadata of a file"],
    ["POST", "/v1/files/addTags", "Add tags to files"],
    ["POST", "/v1/files/removeTags", "Remove tags from files"],
    ["POST", "/v1/files/removeAITags", "Remove AI tags from files"],
  ],
  "Files have no versions here.": [
    ["GET", "/v1/files/:id/versions", "List the versions of a file"],
    ["GET", "/v1/files/:id/versions/:versionId", "Read a version of a file"],
    ["DELETE", "/v1/files/:id/versions/:versionId", "Delete a version of a file"],
    ["PUT", "/v1/files/:id/versions/:versionId/restore", "Restore a version of a file"],
  ],
  "There are no custom metadata fields here.": [
    ["GET", "/v1/customMetadataFields", "List custom metadata fields"],
    ["POST", "/v1/customMetadataFields", "Create a custom metadata field"],
    ["PATCH", "/v1/customMetadataFields/:id", "Change a custom metadata field"],
    ["DELETE", "/v1/customMetadataFields/:id", "Delete a custom metadata field"],
  ],
  "There are no extensions here.": [
    ["GET", "/v1/saved-extensions", "List saved extensions"],
    ["POST", "/v1/saved-extensions", "Create a saved extension"],
    ["GET", "/v1/saved-extensions/:id", "Read a saved extension"],
    ["PATCH", "/v1/saved-extensions/:id", "Change a saved extension"],
    ["DELETE", "/v1/saved-extensions/:id", "Delete a saved extension"],
  ],
};

/** Adds the calls that a delivery server does not support: they return 501. */
export function addUnsupported({ manage }: Pick<PluginApi, "manage">): void {
  for (const [text, calls] of Object.entries(CALLS)) {
    const refuse = () => {
      throw new MediaError("EUNSUPPORTED", text, { status: 501 });
    };
    for (const [method, path, summary] of calls) {
      const describe = describeCall(summary, { status: 501 });
      manage(method, path, refuse, { atRoot: true, role: "read", describe });
    }
  }
}
