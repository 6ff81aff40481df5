import { readFileSync } from "node:fs";
import { type Plugin, pageFile } from "@mediatap/core";
import { type Section, type Shot, urlOf } from "./sheet.ts";

const html = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

function shotHtml(shot: Shot): string {
  const [transformation, file, note = ""] = shot;
  const url = html(urlOf(shot));
  // A long chain breaks where a word of it ends.
  const words = html(transformation).replaceAll(/[,:_]/g, "$&<wbr>");
  return `<figure>
<a href="${url}"><img src="${url}" alt="${html(note || transformation)}" loading="lazy"></a>
<figcaption><button type="button" aria-label="Copy ${html(transformation)}">Copy</button><code>${words}</code> <small>${html(file)}</small>${note && `<p>${html(note)}</p>`}<output></output></figcaption>
</figure>`;
}

const sectionHtml = ({ id, title, text, shots }: Section) => `<section id="${id}">
<h2>${title}</h2>
<p>${html(text)}</p>
<div>${shots.map(shotHtml).join("\n")}</div>
</section>`;

export const pageHtml = (sections: readonly Section[]) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Contact sheet</title>
<link rel="icon" href="/logo.svg">
<link rel="stylesheet" href="/-/sheet/style.css">
<script type="module" src="/-/sheet/sheet.js"></script>
<header>
<h1><img src="/logo.svg" alt=""> Contact sheet</h1>
<input type="search" id="search" placeholder="Search: blur, fo-face, text" aria-label="Search the transformations" autocomplete="off" spellcheck="false">
<nav aria-label="Sections">${sections.map(({ id, title }) => `<a href="#${id}">${title}</a>`).join(" ")}</nav>
</header>
<main>
<p id="none" role="status"></p>
${sections.map(sectionHtml).join("\n")}
</main>
</html>
`;

/** The sheet at `/`. */
export function pageSheet(sections: readonly Section[]): Plugin {
  const file = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");
  return {
    name: "page-sheet",
    version: "1.0.0",
    apiVersion: 1,
    apply({ route }) {
      route("GET", "/", pageFile("index.html", pageHtml(sections)));
      for (const name of ["style.css", "sheet.js"])
        route("GET", `/-/sheet/${name}`, pageFile(name, file(name)));
    },
  };
}
