import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openTempFolder } from "@mediatap/core";
import { escapeXml } from "./xml.ts";

/** What the family names of all fonts begin with that are handed to fontconfig. */
export const FAMILY_PREFIX = "mediatap-";

let folder: string | undefined;

/**
 * Has fontconfig draw our fonts alike on every machine: unhinted, in grey, bold and slanted only where that is asked for.
 * Else the machine's own rules would decide. Whatever is configured stays in force for other fonts, those of SVGs. Call it
 * before anything is drawn: fontconfig reads its configuration once a process. Returns a private folder that goes with the
 * process. Throws `EBUSY` if there is no room for it, and tries again with the next call.
 */
export function setUpFontconfig(): string {
  folder ??= prepare();
  return folder;
}

function prepare(): string {
  // On macOS and Windows Pango would take the system's fonts, and no others.
  process.env.PANGOCAIRO_BACKEND ??= "fontconfig";
  const { path, close } = openTempFolder("fonts");
  try {
    const file = join(path, "fonts.conf");
    const cache = join(path, "cache");
    mkdirSync(cache);
    writeFileSync(file, configuration(process.env.FONTCONFIG_FILE ?? "fonts.conf", cache));
    process.env.FONTCONFIG_FILE = file;
    return path;
  } catch (error) {
    close().catch(() => {});
    throw error;
  }
}

/** Checked for changes, the configuration would be read again, and the fonts that were added be forgotten. */
const NO_RESCAN = "<config><rescan><int>0</int></rescan></config>";

/** Without a folder for its cache fontconfig writes six warnings to standard error; the machine's own ones come first. */
const configuration = (before: string, cache: string) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">${escapeXml(before)}</include>
  <cachedir>${escapeXml(cache)}</cachedir>
  ${NO_RESCAN}
  ${rule(
    "",
    `${edit("antialias", "<bool>true</bool>")}
    ${edit("hinting", "<bool>false</bool>")}
    ${edit("hintstyle", "<const>hintnone</const>")}
    ${edit("autohint", "<bool>false</bool>")}
    ${edit("rgba", "<const>none</const>")}`,
  )}
  ${rule(
    `<test name="weight" compare="less_eq"><const>medium</const></test>
    <test target="pattern" name="weight" compare="more_eq"><const>bold</const></test>`,
    edit("embolden", "<bool>true</bool>"),
  )}
  ${rule(
    `<test name="slant"><const>roman</const></test>
    <test target="pattern" name="slant" compare="not_eq"><const>roman</const></test>`,
    edit(
      "matrix",
      "<matrix><double>1</double><double>0.2</double><double>0</double><double>1</double></matrix>",
    ),
  )}
</fontconfig>
`;

const edit = (name: string, value: string) => `<edit name="${name}" mode="assign">${value}</edit>`;

const rule = (tests: string, edits: string) => `<match target="font">
    <test name="family" compare="contains"><string>${FAMILY_PREFIX}</string></test>
    ${tests}
    ${edits}
  </match>`;
