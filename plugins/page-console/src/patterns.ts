/** Folders of a pattern, at most. */
const MAX_FOLDERS = 4;

/**
 * What paths have in common: folders that are numbers, dates, hashes or UUIDs, and all file names, are `*`; deeper folders are `…`. So
 * the number of patterns does not grow with the number of files.
 */
export function patternOf(path: string): string {
  const segments = path.split("/").filter(Boolean);
  const name = segments.pop() ?? "";
  const folders = segments.map((folder) => (isVariable(folder) ? "*" : folder.slice(0, 60)));
  const shown = folders.length > MAX_FOLDERS ? [...folders.slice(0, MAX_FOLDERS), "…"] : folders;
  const [extension = ""] = /\.[a-z0-9]{1,5}$/i.exec(name) ?? [];
  return [...shown, `*${extension.toLowerCase()}`].join("/");
}

/** Whether a folder's name is one of many: mostly digits, or a long hexadecimal number. */
function isVariable(folder: string): boolean {
  const digits = folder.replace(/\D/g, "").length;
  return digits * 2 >= folder.length || /^[0-9a-f-]{8,}$/i.test(folder);
}
