import { type Endpoint, isMediaType, type RouteRequest, typeOfName } from "@mediatap/core";
import type { FileMetadata } from "@mediatap/core/storage";
import { z } from "zod";
import { baseOf, encodePath, type FileLocation, idOfFile } from "./library.ts";
import { metadataSchema } from "./metadata.ts";

/** Longest side of the thumbnails in responses, in pixels. */
const THUMBNAIL_PIXELS = 320;

/** The location of a file, and its type by its name. */
const namesSchema = z.object({
  fileId: z.string(),
  name: z.string(),
  filePath: z.string(),
  url: z.string(),
  fileType: z.enum(["image", "non-image"]),
});

/** What the content of a file adds to its description. */
const contentSchema = z.object({
  width: z.int().optional(),
  height: z.int().optional(),
  hasAlpha: z.boolean().optional(),
  duration: z.number().optional(),
  bitRate: z.number().optional(),
  videoCodec: z.string().optional(),
  audioCodec: z.string().optional(),
});
export type Content = z.output<typeof contentSchema>;

const versionSchema = z.object({ id: z.string(), name: z.string() });

export const fileSchema = z.object({
  type: z.literal("file"),
  ...namesSchema.shape,
  thumbnail: z.string(),
  mime: z.string(),
  size: z.int().optional(),
  createdAt: z.iso.datetime().optional(),
  updatedAt: z.iso.datetime().optional(),
  isPrivateFile: z.boolean().optional(),
  isPublished: z.literal(true),
  tags: z.null(),
  AITags: z.null(),
  customCoordinates: z.null(),
  customMetadata: z.object({}),
  versionInfo: versionSchema,
  ...contentSchema.shape,
});

export const folderSchema = z.object({
  type: z.literal("folder"),
  folderId: z.string(),
  name: z.string(),
  folderPath: z.string(),
  customMetadata: z.object({}),
});

/** The response to an upload, with the requested fields. */
export const uploadedSchema = z.object({
  ...namesSchema.shape,
  thumbnailUrl: z.string(),
  size: z.int(),
  versionInfo: versionSchema,
  AITags: z.null(),
  ...contentSchema.shape,
  ...fileSchema
    .pick({ tags: true, customCoordinates: true, isPublished: true, customMetadata: true })
    .partial().shape,
  isPrivateFile: z.boolean().optional(),
  embeddedMetadata: z.object({}).optional(),
  selectedFieldsSchema: z.object({}).optional(),
  metadata: metadataSchema.optional(),
});

/** A file as the service describes it. Some fields are those of a library without tags, metadata and versions. */
export function fileOf(
  file: FileLocation,
  request: RouteRequest,
  { size, lastModified, private: isPrivate }: Pick<FileMetadata, "size" | "lastModified" | "private">,
): z.output<typeof fileSchema> {
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

export function namesOf(
  file: FileLocation,
  request: RouteRequest,
): z.output<typeof namesSchema> & { readonly thumbnail: string } {
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
export function folderOf(file: FileLocation): z.output<typeof folderSchema> {
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

/** Whether a file is an image by its name: as in the service, also a document that can be rendered. */
export const isImage = (path: string): boolean => /^image\//.test(mimeOf(path));

/** Whether a file can be described: an image, a video, sound. */
export const isMedia = (path: string): boolean => isMediaType(typeOfName(path));
