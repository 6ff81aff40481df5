import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const TEMPLATES = fileURLToPath(new URL("../templates/", import.meta.url));

/** Where npm packs nothing under these names. */
const NAMES = new Map([
  ["_gitignore", ".gitignore"],
  ["_github", ".github"],
  ["_package.json", "package.json"],
]);

/** Ends the program with one line. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}

/** A folder for a new project; ends the program if it is there and not empty. */
export function emptyFolder(name) {
  const folder = resolve(name);
  if (existsSync(folder) && readdirSync(folder).length > 0)
    fail(`${name} is not empty: choose another folder`);
  return folder;
}

/** The name of a package for a folder, as npm takes it. */
export function packageName(folder) {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+/, "");
  return name === "" ? "media" : name;
}

/** Writes a template's files to a folder; `words` are replaced in their contents. */
export function copyTemplate(template, folder, words) {
  for (const entry of readdirSync(join(TEMPLATES, template), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    const path = source
      .slice(join(TEMPLATES, template).length + 1)
      .split(/[/\\]/)
      .map((name) => NAMES.get(name) ?? name);
    const target = join(folder, ...path);
    mkdirSync(dirname(target), { recursive: true });
    const bytes = readFileSync(source);
    writeFileSync(target, /\.(?:jpg|png)$/.test(entry.name) ? bytes : replaced(bytes.toString(), words));
  }
}

function replaced(text, words) {
  return Object.entries(words).reduce((result, [word, value]) => result.replaceAll(word, value), text);
}
