import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createServer, findConfig, loadConfig } from "@mediatap/core/server";
import { type Section, type Shot, sections, urlOf } from "../../examples/contact-sheet/sheet.ts";
import { ROOT } from "./pages.ts";

const EXAMPLE = join(ROOT, "examples/contact-sheet");

/** As a browser of today accepts pictures. */
const ACCEPT = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";

/** A picture as the server has sent it. */
interface Picture {
  readonly file: string;
  readonly type: string;
  readonly bytes: number;
}

/**
 * Writes the page of all URL parameters, with the pictures that the server makes for them now: those of the example
 * `contact-sheet`, whose test sees to it that no parameter is missing.
 */
export async function writeParameters(folder: string): Promise<void> {
  const found = await findConfig({ cwd: EXAMPLE });
  if (!found) throw new Error(`no configuration in ${EXAMPLE}`);
  const quiet = { ...found.config, log: { level: "silent" as const } };
  const config = await loadConfig(quiet, { source: found.source, base: EXAMPLE });
  const server = await createServer({ config });
  try {
    const { port } = await server.listen(0, "127.0.0.1");
    const pages: string[] = [];
    for (const section of sections) pages.push(await part(section, folder, port));
    writeFileSync(join(folder, "reference/url-parameters.md"), `${HEAD}\n${pages.join("\n")}`);
  } finally {
    await server.close();
  }
}

const HEAD = `# URL parameters

Each picture was made by this version of the server from the transformation below it: \`/tr:TRANSFORMATION/FILE\`, or
\`/FILE?tr=TRANSFORMATION\`. [url-imagekit](/plugins/url-imagekit) lists all parameters, those of videos included; \`npm start\` has these files.
`;

async function part({ id, title, text, shots }: Section, folder: string, port: number): Promise<string> {
  const pictures: Picture[] = [];
  for (const [at, shot] of shots.entries()) pictures.push(await fetched(shot, `${id}-${at}`, folder, port));
  const figures = shots.map((shot, at) => figure(shot, pictures[at] as Picture));
  return `## ${title}\n\n${text}\n\n<div class="shots">\n${figures.join("\n")}\n</div>\n`;
}

async function fetched(shot: Shot, name: string, folder: string, port: number): Promise<Picture> {
  const response = await fetch(`http://127.0.0.1:${port}${urlOf(shot)}`, { headers: { accept: ACCEPT } });
  const body = Buffer.from(await response.arrayBuffer());
  const type = response.headers.get("content-type") ?? "";
  const [, extension] = /^image\/(\w+)/.exec(type) ?? [];
  if (!response.ok || extension === undefined) {
    throw new Error(`${urlOf(shot)}: ${response.status} ${type} ${body.subarray(0, 200)}`);
  }
  const file = `parameters/${name}.${extension}`;
  mkdirSync(join(folder, "public/parameters"), { recursive: true });
  writeFileSync(join(folder, "public", file), body);
  return { file, type, bytes: body.length };
}

function figure([transformation, file, note]: Shot, picture: Picture): string {
  const size = `${picture.type}, ${(picture.bytes / 1024).toFixed(1)} KiB`;
  const caption = note === undefined ? size : `${note}; ${size}`;
  return `<figure><img src="/${picture.file}" alt="${file} with ${escaped(transformation)}" loading="lazy"><figcaption><code>${escaped(transformation)}</code><br>${escaped(caption)}</figcaption></figure>`;
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;").replace(/\{/g, "&#123;");
}
