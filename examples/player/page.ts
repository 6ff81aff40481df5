import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type PageSources, type Plugin, pageFile } from "@mediatap/core";

export interface PagePlayerOptions {
  /** Path of the video, as in a URL without transformation. */
  readonly video: string;
  /** Where the players are installed: a file of the package that depends on them. @default this folder */
  readonly from?: string | URL;
}

/** Players make media and workers of their own; the browser draws its controls. */
const SOURCES: PageSources = { "img-src": ["data:"], "media-src": ["blob:"], "worker-src": ["blob:"] };

/** What plays the stream: the browser itself, hls.js or shaka-player; chosen by `/#hls`, `/#shaka`, `/#native`. */
const html = (video: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>One video, three players</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/-/player/style.css">
<script src="/-/player/hls.js" defer></script>
<script src="/-/player/shaka.js" defer></script>
<script type="module" src="/-/player/app.js"></script>
<main data-video="/${encodeURI(video)}">
<header>
<h1>One video, three players</h1>
<p>The server encodes an ordinary file as a stream while it plays. All players get the same segments.</p>
</header>
<nav id="players" aria-label="Player">
<a href="#hls">hls.js <small>HLS</small></a>
<a href="#shaka">shaka-player <small>DASH</small></a>
<a href="#native">Browser <small>HLS</small></a>
</nav>
<figure>
<video id="video" controls muted playsinline preload="auto" poster="/${encodeURI(video)}/ik-thumbnail.jpg?tr=w-960" aria-label="The video"></video>
<figcaption>
<div id="rungs" role="group" aria-label="Quality"></div>
<output id="said"></output>
</figcaption>
</figure>
<p class="url"><code id="url"></code></p>
</main>
</html>
`;

/** A page with a player at `/`. */
export function pagePlayer({ video, from = import.meta.url }: PagePlayerOptions): Plugin {
  const installed = createRequire(from);
  const own = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");
  const library = (path: string) => readFileSync(installed.resolve(path), "utf8");
  return {
    name: "page-player",
    version: "1.0.0",
    apiVersion: 1,
    apply({ route }) {
      const serve = (name: string, body: string) =>
        route("GET", `/-/player/${name}`, pageFile(name, body, SOURCES));
      route("GET", "/", pageFile("index.html", html(video), SOURCES));
      serve("app.js", own("app.js"));
      serve("style.css", own("style.css"));
      serve("hls.js", library("hls.js/dist/hls.min.js"));
      serve("shaka.js", library("shaka-player/dist/shaka-player.compiled.js"));
    },
  };
}
