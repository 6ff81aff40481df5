import { type Job, typeOfName } from "@mediatap/core";
import type { Address } from "./path.ts";

const IMAGES =
  "jpg jpeg jpe jfif png apng webp avif gif svg tif tiff heic heif bmp ico jxl jp2 psd ai eps pdf";
const VIDEOS = "mp4 m4v mov webm mpeg mpg mpe 3gp 3g2 ogg ogv hevc mts m2ts mkv avi";

const KINDS: ReadonlyMap<string, Job["media"]> = new Map<string, Job["media"]>([
  ...IMAGES.split(" ").map((extension) => [extension, "image"] as const),
  ...VIDEOS.split(" ").map((extension) => [extension, "video"] as const),
]);

type Named = Pick<Address, "kind" | "path">;

/** Kind of an asset by its name and suffixes. A name without extension is taken for an image. */
export function mediaOf({ suffixes, ...named }: Named & Pick<Address, "suffixes">): Job["media"] {
  if (suffixes.includes("ik-video.mp4") || suffixes.includes("ik-gif-video.mp4")) return "video";
  const extension = extensionOf(named);
  return extension === undefined ? "image" : kindOf(extension);
}

/** By the service's lists, then by the media type: the service does not read TGA or QOI, this server does. */
function kindOf(extension: string): Job["media"] {
  return KINDS.get(extension) ?? (typeOfName(`.${extension}`)?.startsWith("image/") ? "image" : "file");
}

/** Whether the name's extension is one of pictures. */
export function isPicture(named: Named): boolean {
  const extension = extensionOf(named);
  return extension !== undefined && kindOf(extension) === "image";
}

function extensionOf({ kind, path }: Named): string | undefined {
  const name = (kind === "url" ? new URL(path).pathname : path).split("/").at(-1) ?? "";
  const dot = name.lastIndexOf(".");
  return dot < 0 ? undefined : name.slice(dot + 1).toLowerCase();
}
