/** What URLs without a signature have in its place. */
export const UNSAFE = "unsafe";

/** What separates pipelines, each of which goes on with the result of the one before. */
export const CHAIN = "-";

/** A path, in raw segments: `[info/]<signature>/<option>/<option>/<source>`. */
export interface Parts {
  readonly info: boolean;
  readonly signature: string;
  /** With colons; with `onlyPresets`, the names of presets. */
  readonly options: readonly string[];
  readonly source: readonly string[];
}

/** `undefined`: it has no source, or an option in the place of its signature. */
export function split(path: string, onlyPresets: boolean): Parts | undefined {
  const segments = path.split("/");
  const info = segments[0] === "info";
  const [signature = "", ...rest] = info ? segments.slice(1) : segments;
  const end = onlyPresets ? 1 : rest.findIndex((segment) => !segment.includes(":") && segment !== CHAIN);
  if (signature === "" || signature.includes(":") || end < 0 || rest.length <= end) return undefined;
  return { info, signature, options: rest.slice(0, end), source: rest.slice(end) };
}

/** A plain source with the slashes that a browser or a proxy has merged: `plain/https:/host` → `plain/https://host`. */
export const merged = (path: string): string =>
  path.replace(
    /(^|\/)plain\/([a-z][a-z0-9+.-]*):\/(?!\/)/i,
    (_, start, scheme) => `${start}plain/${scheme}://${scheme === "local" ? "/" : ""}`,
  );
