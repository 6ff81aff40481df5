import { relative } from "node:path";
import { parseArgs } from "node:util";
import { copyTemplate, emptyFolder, fail, packageName } from "./copy.js";

/** What a plugin can be, by the beginning of its name. */
const KINDS = {
  storage: "originals from a place of your own",
  cache: "stored renditions in a place of your own",
  url: "a URL language",
  step: "an image operation",
  decode: "a file format",
};

const USAGE = `npm create mediatap-plugin NAME

Writes the project of a plugin into the folder NAME. The beginning of the name says which kind it is:

${Object.entries(KINDS)
  .map(([kind, what]) => `  ${`${kind}-…`.padEnd(10)} ${what}`)
  .join("\n")}

for instance: npm create mediatap-plugin storage-ftp`;

/** The command `npm create mediatap-plugin`. */
export function createPlugin() {
  const { values, positionals } = parsed();
  if (values.help) return console.log(USAGE);
  const [name = ""] = positionals;
  const folder = emptyFolder(name);
  const plugin = packageName(folder);
  const [kind = ""] = plugin.split("-");
  if (!Object.hasOwn(KINDS, kind) || !/^[a-z]+(?:-[a-z0-9]+)+$/.test(plugin)) {
    fail(`Expected a name such as storage-ftp but received '${name}'\n\n${USAGE}`);
  }
  const rest = plugin.slice(kind.length + 1);
  const words = {
    [`${kind}-example`]: plugin,
    [`${kind}Example`]: camelCase(plugin),
    EXAMPLE: rest.replaceAll("-", "_").toUpperCase(),
  };
  copyTemplate("plugin", folder, {
    "kind-example": plugin,
    DESCRIPTION: KINDS[kind],
    kindExample: words[`${kind}Example`],
  });
  copyTemplate(kind, folder, words);
  const place = relative(process.cwd(), folder) || ".";
  console.log(`Created a plugin in ${place}: ${KINDS[kind]}. Next:

  cd ${place}
  npm install
  npm test         # the contract suite of its kind
  npm start        # a server that uses it, on http://localhost:3000`);
}

function parsed() {
  try {
    const options = { help: { type: "boolean", short: "h", default: false } };
    const found = parseArgs({ options, allowPositionals: true });
    if (!found.values.help && found.positionals.length !== 1) {
      throw new Error(`Expected one name but received ${found.positionals.length}`);
    }
    return found;
  } catch (error) {
    return fail(`${error.message}\n\n${USAGE}`);
  }
}

const camelCase = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
