import { MediaError, type PluginApi } from "@mediatap/core";

type Unsupported = readonly [method: Parameters<PluginApi["manage"]>[0], path: string];

/** Calls of the service about what no storage keeps, by what that is. */
const CALLS: Readonly<Record<string, readonly Unsupported[]>> = {
  "Files have no tags, custom metadata, descriptions and extensions here, and are always published.": [
    ["PATCH", "/v1/files/:id/details"],
    ["POST", "/v1/files/addTags"],
    ["POST", "/v1/files/removeTags"],
    ["POST", "/v1/files/removeAITags"],
  ],
  "Files have no versions here.": [
    ["GET", "/v1/files/:id/versions"],
    ["GET", "/v1/files/:id/versions/:versionId"],
    ["DELETE", "/v1/files/:id/versions/:versionId"],
    ["PUT", "/v1/files/:id/versions/:versionId/restore"],
  ],
  "There are no custom metadata fields here.": [
    ["GET", "/v1/customMetadataFields"],
    ["POST", "/v1/customMetadataFields"],
    ["PATCH", "/v1/customMetadataFields/:id"],
    ["DELETE", "/v1/customMetadataFields/:id"],
  ],
  "There are no extensions here.": [
    ["GET", "/v1/saved-extensions"],
    ["POST", "/v1/saved-extensions"],
    ["GET", "/v1/saved-extensions/:id"],
    ["PATCH", "/v1/saved-extensions/:id"],
    ["DELETE", "/v1/saved-extensions/:id"],
  ],
};

/** Adds the calls that a delivery server has no place for: they get 501. */
export function addUnsupported({ manage }: Pick<PluginApi, "manage">): void {
  for (const [text, calls] of Object.entries(CALLS)) {
    const refuse = () => {
      throw new MediaError("EUNSUPPORTED", text, { status: 501 });
    };
    for (const [method, path] of calls) manage(method, path, refuse, { atRoot: true, role: "read" });
  }
}
