import type { UrlBuilder, UrlParameter, UrlValues } from "@mediatap/core/language";
import { isMissing } from "./errors.ts";
import type { Reader } from "./numbers.ts";
import { type Key, PARAMETERS } from "./parameters.ts";

/** What parameters do, in the order in which they are shown. Those that are not supported are left out. */
export const TITLES: Readonly<Record<string, Partial<Record<Key | "n", string>>>> = {
  "Named transformation": { n: "Name" },
  "Size and crop": {
    w: "Width",
    h: "Height",
    ar: "Aspect ratio",
    dpr: "Device pixel ratio",
    c: "Crop",
    cm: "Crop mode",
    fo: "Focus",
    z: "Zoom",
    x: "Left edge",
    y: "Upper edge",
    xc: "Centre, horizontal",
    yc: "Centre, vertical",
    bg: "Background",
    pg: "Page or frame",
  },
  "Shape and colour": {
    t: "Trim",
    rt: "Rotate",
    fl: "Flip",
    r: "Round corners",
    b: "Border",
    o: "Opacity",
    bl: "Blur",
    cr: "Replace a colour",
    "e-grayscale": "Greyscale",
    "e-contrast": "Stretch contrast",
    "e-sharpen": "Sharpen",
    "e-usm": "Unsharp mask",
    "e-colorize": "Colorize",
    "e-gradient": "Gradient",
    "e-distort": "Distort",
    "e-shadow": "Shadow",
  },
  Output: {
    f: "Format",
    q: "Quality",
    lo: "Lossless",
    pr: "Progressive",
    cp: "Keep the colour profile",
    md: "Keep metadata",
    dn: "Density (DPI)",
    di: "Default image",
    orig: "Original file",
  },
  Video: {
    vc: "Video codec",
    ac: "Audio codec",
    so: "Start",
    eo: "End",
    du: "Duration",
    sr: "Resolutions of a stream",
    spd: "Speed",
    vol: "Volume",
  },
};

/** A value that no parameter takes: the refusal says what is expected. */
const WRONG = "\u0001";

const readOf = (name: Key) => PARAMETERS[name] as Reader<unknown>;

/** What the reader of a parameter expects. `undefined`: it is not supported. */
export function expectedBy(name: Key): string | undefined {
  try {
    return isMissing(readOf(name)(WRONG, name)) ? undefined : "text";
  } catch (error) {
    const [, expected = ""] = /^Expected (.+?),? for /s.exec((error as Error).message) ?? [];
    return expected;
  }
}

/** Whether a parameter can be written without a value. */
function isBare(name: Key): boolean {
  try {
    return readOf(name)("", name) !== undefined;
  } catch {
    return false;
  }
}

function parameterOf(group: string, name: Key | "n", title: string): UrlParameter {
  if (name === "n") return { name, group, title, expected: "name" };
  const expected = expectedBy(name) ?? "";
  if (expected === "boolean") {
    return isBare(name)
      ? { name, group, title, expected: "" }
      : { name, group, title, expected, choices: ["true", "false"] };
  }
  const [, list] = /^one of (.+)$/.exec(expected) ?? [];
  // What consists of several words describes values that are no list.
  const choices = list?.split(/, | or /).filter((choice) => !choice.includes(" "));
  return { name, group, title, expected, ...(choices && { choices }) };
}

/** A value that is empty stands for a parameter that is written bare. */
const chainOf = (values: UrlValues) =>
  values.map(([name, value]) => (value === "" ? name : `${name}-${value}`)).join(",");

export const urlBuilder: UrlBuilder = {
  parameters: Object.entries(TITLES).flatMap(([group, titles]) =>
    Object.entries(titles).map(([name, title]) => parameterOf(group, name as Key | "n", title)),
  ),
  width: "w",
  build(path, values) {
    const file = path.replace(/^\/+/, "").split("/").map(encodeURIComponent).join("/");
    if (values.length === 0) return file;
    return `tr:${encodeURI(chainOf(values)).replace(/[?#/]/g, encodeURIComponent)}/${file}`;
  },
  code(endpoint, path, values) {
    const transformation =
      values.length === 0 ? "" : `\n  transformation: [{ raw: ${JSON.stringify(chainOf(values))} }],`;
    const code = `import { buildSrc } from "@imagekit/javascript";

const src = buildSrc({
  urlEndpoint: ${JSON.stringify(endpoint)},
  src: ${JSON.stringify(`/${path.replace(/^\/+/, "")}`)},${transformation}
});`;
    return [{ title: "ImageKit SDK", code }];
  },
};
