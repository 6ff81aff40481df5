import { ask, sourceOf } from "./ask.js";
import { accepted, addChips, pressChips } from "./chips.js";
import { $, copy, element } from "./dom.js";
import { player } from "./player.js";
import { showAnswer, showProblem, showSource } from "./show.js";
import { bare, change, painted } from "./url.js";

const all = JSON.parse($("samples").textContent);
const isVideo = ({ path }) => /\.(mp4|m4v|mov|webm|mkv)$/i.test(path);
const samples = all.filter((sample) => !isVideo(sample));
const videos = all.filter(isVideo);
const field = $("url");

// ---- the field ----

/** A path on this server; whole URLs of it are cut down to that. */
function cleaned(text) {
  const url = text.replace(/[\r\n\t]/g, "").trim();
  return (url.startsWith(location.origin) ? url.slice(location.origin.length) : url).replace(/^\/*/, "/");
}

const spans = (url) =>
  painted(url).map(([className, textContent]) => element("span", { className, textContent }));

function show(url) {
  if (cleaned(field.value) !== url) field.value = url;
  // The space at the end gives a last empty line its height.
  $("paint").replaceChildren(...spans(field.value), "\u200b");
  $("open").href = url;
  pressChips(url);
}

let waiting;

/** Shows a URL in the field and asks for it, `delay` milliseconds after the last call. */
function edit(url, delay = 0) {
  show(url);
  clearTimeout(waiting);
  waiting = setTimeout(() => load(url), delay);
}

let asking = new AbortController();

async function load(url) {
  asking.abort();
  $("editor").ariaBusy = "false";
  if (bare(url) === "/") return;
  asking = new AbortController();
  const { signal } = asking;
  history.replaceState(null, "", `#${url}`);
  $("editor").ariaBusy = "true";
  try {
    const [answer, source] = await Promise.all([ask(url, accepted(), signal), sourceOf(url)]);
    if (signal.aborted) return;
    showSource(source);
    showAnswer(answer, source);
  } catch (error) {
    if (signal.aborted) return;
    showProblem("No answer", error instanceof Error ? error.message : String(error));
  }
  $("editor").ariaBusy = "false";
}

// ---- samples ----

const urlOf = ({ path, transformation }) => `/tr:${transformation}/${path}`;

function card(sample) {
  const { title, credit } = sample;
  const url = urlOf(sample);
  const image = element("img", { loading: "lazy", decoding: "async", alt: title, width: 480, height: 320 });
  image.srcset = `${url} 1x, ${change(url, ["dpr"], "dpr-2")} 2x`;
  image.src = url;
  const choose = element("button", { type: "button", className: "choose", title: "Edit this URL" }, image);
  choose.onclick = () => {
    edit(url);
    $("editor").scrollIntoView({ block: "start" });
    field.focus({ preventScroll: true });
  };
  const button = element("button", {
    type: "button",
    className: "quiet",
    textContent: "Copy",
    ariaLabel: `Copy the URL of ${title}`,
  });
  button.onclick = () => copy(location.origin + url, button);
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
    element("div", { className: "command" }, code, button),
  );
}

// ---- start ----

$("host").textContent = location.host;
addChips((changed) => edit(changed(cleaned(field.value))));
$("form").onsubmit = (event) => {
  event.preventDefault();
  edit(cleaned(field.value));
};
field.oninput = () => edit(cleaned(field.value), 450);
field.onkeydown = (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  edit(cleaned(field.value));
};
$("copy").onclick = () => copy(location.origin + cleaned(field.value), $("copy"));
for (const command of document.querySelectorAll(".next .command")) {
  const button = element("button", { type: "button", className: "quiet", textContent: "Copy" });
  button.onclick = () => copy(command.firstElementChild.textContent, button);
  command.append(button);
}
for (const node of document.querySelectorAll(".with-samples")) node.hidden = samples.length === 0;
for (const node of document.querySelectorAll(".with-videos")) node.hidden = videos.length === 0;

/** `#/tr:w-200/a.jpg` leads to that URL. */
const fromHash = () => (location.hash.startsWith("#/") ? cleaned(location.hash.slice(1)) : "");
window.onhashchange = () => fromHash() && edit(fromHash());
const first = fromHash() || (samples[0] && urlOf(samples[0]));
if (first) {
  show(first);
  await load(first);
} else $("before-note").textContent = "Write the path of one of your pictures into the field above.";
// After the editor's picture, which would only wait for these.
$("cards").append(...samples.map(card));
$("videos").append(...videos.map(player));
