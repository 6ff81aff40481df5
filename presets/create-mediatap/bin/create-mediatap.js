#!/usr/bin/env node
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { copyTemplate, emptyFolder, fail, packageName } from "../lib/copy.js";

const USAGE = `npm create mediatap [FOLDER]

Writes the project of a media server into FOLDER (default: media): configuration, a sample picture, a test,
Dockerfile, compose.yaml and a workflow for GitHub Actions. Nothing is installed.`;

const { values, positionals } = parsed();
if (values.help) console.log(USAGE);
else create(positionals[0] ?? "media");

function parsed() {
  try {
    const options = { help: { type: "boolean", short: "h", default: false } };
    const found = parseArgs({ options, allowPositionals: true });
    if (found.positionals.length > 1)
      throw new Error(`Expected one folder but received ${found.positionals.length}`);
    return found;
  } catch (error) {
    return fail(`${error.message}\n\n${USAGE}`);
  }
}

function create(name) {
  const folder = emptyFolder(name);
  copyTemplate("server", folder, { "example-media": packageName(folder) });
  const place = relative(process.cwd(), folder) || ".";
  console.log(`Created a media server in ${place}. Next:

  cd ${place}
  npm install
  npm start        # http://localhost:3000
  npm test`);
}
