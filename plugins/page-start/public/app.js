import { ask, sourceOf } from "./ask.js";
import { accepted, addChips, pressChips } from "./chips.js";
import { $, copy, copyButton, element } from "./dom.js";
import { showFolder } from "./files.js";
import { player } from "./player.js";
import { showAnswer, showNothing, showProblem, showSource } from "./show.js";
import { bare, change, folderOf, foreign, isVideo, painted } from "./url.js";

const { samples: all, listsFiles, hasConsole } = JSON.parse($("settings").textContent);
const samples = all.filter(({ path }) => !isVideo(path));
const videos = all.filter(({ path }) => isVideo(path));
const field = $("url");

// ---- the field ----

/** A path on this server; whole URLs of it are cut down to that. */
function cleaned(text) {
  const url = text.replace(/[\r\n\t]/g, "").trim();
  return (url.startsWith(location.origin) ? url.slice(location.origin.length) : url).replace(/^\/*/, "/");
}

const isFolder = (url) => listsFiles && url.endsWith("/");

const spans = (url) =>
  painted(url).map(([className, textContent]) => element("span", { className, textContent }));

function show(url) {
  if (cleaned(field.value) !== url) field.value = url;
  // The space at the end gives a last empty line its height.
  $("paint").replaceChildren(...spans(field.value), "\u200b");
  $("open").href = url;
  $("inspect").href = `/-/console/inspect?url=${encodeURIComponent(url)}`;
  pressChips(url);
}

let waiting;
/** Whether the last entry of the history is of words that are still being typed. */
let isTyping = false;

/** Shows a URL in the field and asks for it; each one that people chose is a step to go back to. */
function edit(url) {
  show(url);
  clearTimeout(waiting);
  remember(url, false);
  load(url);
}

/** The same for a URL that is being typed, once nothing was typed for a while. */
function type() {
  const url = cleaned(field.value);
  show(url);
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    // It may go on behind a folder's name.
    if (url !== "/" && isFolder(url)) return;
    remember(url, true);
    load(url);
  }, 450);
}

function remember(url, typed) {
  const hash = url === "/" ? location.pathname : `#${url}`;
  if (typed && isTyping) history.replaceState(null, "", hash);
  else if (url !== fromHash()) history.pushState(null, "", hash);
  isTyping = typed;
}

let asking = new AbortController();

async function load(url) {
  asking.abort();
  $("editor").ariaBusy = "false";
  if (bare(url) === "/") return showNothing();
  asking = new AbortController();
  const { signal } = asking;
  $("editor").classList.remove("blank");
  $("editor").ariaBusy = "true";
  try {
    const [answer, source] = await Promise.all([ask(url, accepted(), signal), sourceOf(url)]);
    if (signal.aborted) return;
    showSource(source);
    showAnswer(answer, source, hintFor(url));
  } catch (error) {
    if (signal.aborted) return;
    showProblem("No response", error instanceof Error ? error.message : String(error));
  }
  $("editor").ariaBusy = "false";
}

/** What to do about a URL of another server, which this one does not serve. */
function hintFor(url) {
  const other = foreign(url);
  if (!other) return [];
  const use = element("button", { type: "button", className: "main", textContent: "Try it here" });
  use.onclick = () => {
    edit(other.url);
    field.focus();
  };
  const text = `This is a URL of ${other.host}. If an origin of this server has the file, its URL here is `;
  return [element("p", {}, text, element("code", { textContent: other.url })), use];
}

// ---- samples ----

const urlOf = ({ path, transformation }) => `/tr:${transformation}/${path}`;

function card(sample) {
  const { title, credit } = sample;
  const url = urlOf(sample);
  const image = element("img", { loading: "lazy", decoding: "async", alt: title, width: 480, height: 320 });
  image.srcset = `${url} 1x, ${change(url, ["dpr"], "dpr-2")} 2x`;
  image.src = url;
  const choose = element("a", { className: "choose", href: `#${url}`, title: "Edit this URL" }, image);
  const code = element("code");
  for (const span of spans(url)) {
    // A line ends after an item, not inside one.
    const fresh = !code.lastChild || /[,:/]$/.test(code.textContent);
    const word = fresh ? code.appendChild(element("span")) : code.lastChild;
    word.append(span);
  }
  return element(
    "li",
    { className: "card" },
    choose,
    element(
      "div",
      { className: "about" },
      element("h3", { textContent: title }),
      element("p", { textContent: credit ?? "" }),
    ),
    element(
      "div",
      { className: "command" },
      code,
      copyButton(() => location.origin + url, `Copy the URL of ${title}`),
    ),
  );
}

// ---- start ----

/** `#/tr:w-200/a.jpg` leads to that URL, `#/a/` to that folder. */
const fromHash = () => (location.hash.startsWith("#/") ? cleaned(location.hash.slice(1)) : "");

$("host").textContent = location.host;
addChips((changed) => edit(changed(cleaned(field.value))));
$("form").onsubmit = (event) => {
  event.preventDefault();
  const url = cleaned(field.value);
  if (url === "/" || !isFolder(url)) return edit(url);
  chosen = true;
  location.hash = `#${url}`;
};
field.oninput = type;
field.onkeydown = (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  $("form").requestSubmit();
};
field.onblur = () => {
  isTyping = false;
};
$("copy").onclick = () => copy(location.origin + cleaned(field.value), $("copy"));
for (const command of document.querySelectorAll(".next .command")) {
  command.append(copyButton(() => command.firstElementChild.textContent));
}
const has = {
  files: listsFiles,
  samples: samples.length > 0,
  videos: videos.length > 0,
  console: hasConsole,
};
for (const [name, isThere] of Object.entries(has)) {
  for (const node of document.querySelectorAll(`.with-${name}`)) node.hidden = !isThere;
}
$("skip").href =
  `#${document.querySelector("main > section:not([hidden]) > h2[id], main > section:not([hidden]) h2[id]").id}`;

window.onhashchange = () => {
  const url = fromHash();
  isTyping = false;
  if (isFolder(url)) {
    showFolder(url, chosen);
    chosen = false;
  } else if (url) follow(url);
  else if (location.hash === "") follow("/");
};

/** A card was chosen, so its URL is what people look at now. */
let chosen = false;
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#/"]');
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  chosen = true;
  // The browser notes no change.
  if (link.getAttribute("href") === location.hash) window.onhashchange();
});

/** Shows a URL that a link, or a step back, leads to. */
function follow(url) {
  clearTimeout(waiting);
  show(url);
  load(url);
  if (!chosen) return;
  chosen = false;
  $("editor").focus({ preventScroll: true });
  $("editor").scrollIntoView({ block: "start" });
}

const first = fromHash();
const given = isFolder(first) ? "" : first;
const opening = given || (samples[0] && urlOf(samples[0]));
const loading = opening ? load(opening) : showNothing();
if (opening) show(opening);
if (opening && !first) history.replaceState(null, "", `#${opening}`);
const listing = listsFiles && showFirstFolder();
await loading;
// After the editor's picture, which would only wait for these.
$("cards").append(...samples.map(card));
$("videos").append(...videos.map(player));
const { files = [], isListed = false } = (await listing) || {};
// They know by now how to serve a folder.
if (samples.length === 0 && isListed) $("serve-folder").hidden = true;
if (!opening && field.value === "") await openOne(files);

/** Opens the first file that can be shown: of three, so that a damaged one is not what people see first. */
async function openOne(files) {
  const media = ["image", "video"].flatMap((kind) => files.filter((file) => file.kind === kind));
  for (const { edit: url } of media.slice(0, 3)) {
    if (!first) history.replaceState(null, "", `#${url}`);
    show(url);
    await load(url);
    if (!$("editor").classList.contains("failed") || field.value !== url) return;
  }
}

/** The folder that the address names, or in which its file lies. */
async function showFirstFolder() {
  if (isFolder(first)) return showFolder(first);
  const folder = given && !foreign(given) ? folderOf(given) : "/";
  const shown = await showFolder(folder);
  return shown.isEmpty && folder !== "/" ? showFolder("/") : shown;
}
