import { type Endpoint, isMediaType, type RouteRequest, typeOfName } from "@mediatap/core";
import type { FileMetadata } from "@mediatap/core/storage";
import { baseOf, encodePath, type FilePlace, idOfFile } from "./library.ts";

/** Longest side of the thumbnails that answers name, in pixels. */
const THUMBNAIL_PIXELS = 320;

/** A file as the service describes it. Some fields are those of a library without tags, metadata and versions. */
export function fileOf(
  file: FilePlace,
  request: RouteRequest,
  { size, lastModified, private: isPrivate }: Pick<FileMetadata, "size" | "lastModified" | "private">,
): Readonly<Record<string, unknown>> {
  const fileId = idOfFile(file);
  const time = lastModified === undefined ? undefined : new Date(lastModified).toISOString();
  return {
    type: "file",
    ...namesOf(file, request),
    mime: mimeOf(file.path),
    ...(size !== undefined && { size }),
    ...(time !== undefined && { createdAt: time, updatedAt: time }),
    ...(isPrivate !== undefined && { isPrivateFile: isPrivate }),
    isPublished: true,
    tags: null,
    AITags: null,
    customCoordinates: null,
    customMetadata: {},
    versionInfo: { id: fileId, name: "Version 1" },
  };
}

/** Where a file is, and what it is by its name. */
export function namesOf(file: FilePlace, request: RouteRequest) {
  const { endpoint, path } = file;
  const url = baseOf(endpoint, request) + encodePath(path);
  return {
    fileId: idOfFile(file),
    name: path.slice(path.lastIndexOf("/") + 1),
    filePath: `/${path}`,
    url,
    thumbnail: thumbnailOf(endpoint, path, request) ?? url,
    fileType: isImage(path) ? "image" : "non-image",
  };
}

function thumbnailOf(endpoint: Endpoint, path: string, request: RouteRequest): string | undefined {
  const size = `w-${THUMBNAIL_PIXELS},h-${THUMBNAIL_PIXELS},c-at_max`;
  if (isImage(path)) return `${baseOf(endpoint, request)}tr:${size}/${encodePath(path)}`;
  if (!/^video\//.test(mimeOf(path))) return undefined;
  return `${baseOf(endpoint, request)}tr:${size}/${encodePath(path)}/ik-thumbnail.jpg`;
}

/** A folder as the service describes it. */
export function folderOf(file: FilePlace): object {
  const { path } = file;
  return {
    type: "folder",
    folderId: idOfFile(file),
    name: path.slice(path.lastIndexOf("/") + 1),
    folderPath: `/${path}`,
    customMetadata: {},
  };
}

/** Media type of a file by its name. */
export const mimeOf = (path: string): string => typeOfName(path) ?? "application/octet-stream";

/** Whether a file is an image by its name: as of the service, also a document that images are made of. */
export const isImage = (path: string): boolean => /^image\//.test(mimeOf(path));

/** Whether a file can be described: an image, a video, sound. */
export const isMedia = (path: string): boolean => isMediaType(typeOfName(path));
