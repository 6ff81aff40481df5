import { release } from "./ask.js";
import { $, duration, element, formatOf, size } from "./dom.js";

/** Puts a decoded picture or a video in the place of what was there, or hides that. */
function place(id, picture) {
  const old = $(id);
  old.hidden = !picture;
  if (old === picture) return;
  if (!picture) {
    if (old instanceof HTMLVideoElement) release(old);
    return;
  }
  picture.id = id;
  picture.hidden = false;
  const name = id === "before-image" ? "The original" : "The result";
  if (picture instanceof HTMLVideoElement) picture.ariaLabel = name;
  else picture.alt = name;
  old.replaceWith(picture);
  release(old);
}

const pixelsOf = ({ naturalWidth, naturalHeight, videoWidth, videoHeight }) => [
  naturalWidth ?? videoWidth,
  naturalHeight ?? videoHeight,
];

function factsOf({ type, bytes, picture }) {
  const [width, height] = picture ? pixelsOf(picture) : [];
  const pixels = width ? [`${width} × ${height}`] : [];
  const weight = Number.isFinite(bytes) ? [size(bytes)] : [];
  return [formatOf(type), ...pixels, ...weight].join(" · ");
}

/** Writes what is known of a picture; of a video again once its size is known, and what to say if it does not play. */
function describe(id, answer, note) {
  const facts = $(`${id}-facts`);
  facts.textContent = factsOf(answer);
  const { picture } = answer;
  if (!(picture instanceof HTMLVideoElement)) return;
  const isHere = () => $(`${id}-image`) === picture;
  picture.addEventListener("loadedmetadata", () => {
    if (isHere()) facts.textContent = factsOf(answer);
  });
  picture.addEventListener("error", () => {
    if (isHere() && picture.hasAttribute("src")) note();
  });
}

export function showSource(source) {
  place("before-image", source.picture);
  const note = (text) => {
    $("before-note").textContent = text;
  };
  $("before-facts").textContent = "";
  if (source.ok) describe("before", source, () => note("This browser does not play the original."));
  const what = source.type.startsWith("image/") || source.type.startsWith("video/") ? "show" : "";
  note(
    source.picture
      ? ""
      : source.ok
        ? what
          ? "This browser cannot show it"
          : "Not a picture"
        : "No original to show",
  );
}

const CANNOT = "This browser cannot show it. Open it in another program.";
const NO_STREAM =
  "This browser does not play such streams natively. Players such as hls.js and shaka-player do.\n\n";

export function showAnswer(answer, source, hint) {
  if (answer.ok) {
    const { picture, text, type } = answer;
    const isStream = /mpegurl|dash/.test(type);
    const showText = (words) => {
      $("after-text").hidden = !words;
      $("after-text").textContent = words;
    };
    place("after-image", picture);
    showText(picture ? "" : `${isStream ? NO_STREAM : ""}${text}` || CANNOT);
    describe("after", answer, () => {
      place("after-image", undefined);
      showText(`${isStream ? NO_STREAM : ""}${text}` || CANNOT);
    });
    $("problem").hidden = true;
    $("editor").classList.remove("failed");
  } else {
    showProblem(String(answer.status), answer.headers.get("ik-error") ?? answer.text, hint);
  }
  offerOverlay();
  measure(answer, source);
}

/** `message` as in the header `ik-error`: `CODE - what is wrong`, or plain text; `hint`: nodes that say what to do. */
export function showProblem(status, message, hint = []) {
  const [, code, rest] = /^([A-Z]+) - (.*)$/s.exec(message) ?? [undefined, "", message];
  $("problem").replaceChildren(
    element("strong", { textContent: status }),
    element("code", { textContent: code, hidden: !code }),
    element("p", { textContent: rest }),
    ...hint,
  );
  $("problem").hidden = false;
  place("after-image", undefined);
  $("after-text").hidden = true;
  $("after-facts").textContent = "";
  $("editor").classList.add("failed");
  offerOverlay();
}

/** Nothing is asked for. */
export function showNothing() {
  $("editor").classList.add("blank");
  $("editor").classList.remove("failed");
  for (const id of ["before-image", "after-image"]) place(id, undefined);
  $("problem").hidden = true;
  $("spoken").value = "";
}

function measure(answer, source) {
  $("editor").classList.remove("blank");
  const less =
    answer.ok && source.bytes > 0 && answer.bytes >= 0 ? 1 - answer.bytes / source.bytes : undefined;
  $("saved").textContent = savedText(less);
  $("bytes").textContent =
    less === undefined ? unmeasured(answer) : `${size(source.bytes)} → ${size(answer.bytes)}`;
  $("meter").style.width = `${Math.max(0, less ?? 0) * 100}%`;
  $("format").textContent = answer.ok ? formatOf(answer.type) : "–";
  $("type").textContent = answer.ok ? answer.type.split(";")[0] : "";
  showCache(answer.ok ? (answer.headers.get("cache-status") ?? "") : "");
  $("time").textContent = duration(answer.time);
  const isPlayed = answer.picture instanceof HTMLVideoElement && !answer.text;
  $("time-note").textContent = `to the ${isPlayed ? "headers" : "last byte"}, seen from here`;
  showPhases(answer.headers.get("server-timing") ?? "");
  $("headers").textContent = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  const spoken = [$("after-facts"), $("saved"), $("cache")].map((node) => node.textContent);
  $("spoken").value = answer.ok ? `${spoken[0]}. Saved ${spoken[1]}. Cache: ${spoken[2]}.` : "";
}

/** Why nothing is compared. */
function unmeasured({ ok, type, bytes }) {
  if (!ok) return "";
  if (/mpegurl|dash/.test(type)) return "a stream is sent in parts";
  return Number.isFinite(bytes) ? "" : "sent while it is encoded";
}

function savedText(less) {
  if (less === undefined) return "–";
  return less < 0 ? `${Math.round(-less * 100)}% more` : `${(less * 100).toFixed(less > 0.99 ? 1 : 0)}%`;
}

/** Names of caches in words. */
const CACHES = {
  "cache-memory": "from memory",
  "cache-disk": "from disk",
  "cache-keyv": "from the shared cache",
  "cache-storage": "from the bucket",
};

/** `Cache-Status` (RFC 9211) in words: what happened, and what that means. */
function cacheWords(status) {
  const param = (name) => new RegExp(`;\\s*${name}=("[^"]*"|[^;\\s]+)`).exec(status)?.[1];
  const has = (name) => new RegExp(`;\\s*${name}\\b`).test(status);
  const detail = param("detail") ?? "";
  if (status === "") return ["–", ""];
  if (detail === "revalidated") return ["Hit", "the origin has revalidated it"];
  if (has("hit")) return [Number(param("ttl")) < 0 ? "Stale" : "Hit", CACHES[detail] ?? "from a cache"];
  const reason = param("fwd") ?? "miss";
  if (reason === "bypass") return ["Bypass", "no cache lookup"];
  const kept = has("stored") ? "now stored" : "not stored";
  const word = reason === "stale" ? "Stale" : "Miss";
  return [word, has("collapsed") ? `shared with another request, ${kept}` : `made for this request, ${kept}`];
}

function showCache(status) {
  const [word, note] = cacheWords(status);
  $("cache").textContent = word;
  $("cache").className = word === "Hit" ? "hit" : "";
  $("cache-status").textContent = note;
}

/** One bar for each entry that has a duration. */
function showPhases(header) {
  const phases = header
    .split(",")
    .map((entry) => entry.trim().split(/\s*;\s*/))
    .map(([name, ...params]) => [name, Number(params.find((param) => param.startsWith("dur="))?.slice(4))])
    .filter(([name, ms]) => name && ms >= 0);
  const most = Math.max(...phases.map(([, ms]) => ms), 0.001);
  $("phases").textContent = phases.length ? "" : "The response contains none.";
  for (const [name, ms] of phases) {
    const bar = element("i");
    bar.style.width = `${(ms / most) * 100}%`;
    const cells = [name, element("span", { className: "track" }, bar), element("b", {}, duration(ms))];
    $("phases").append(element("span", { className: "phase" }, ...cells));
  }
}

// ---- original and result over each other ----

function overlay(on) {
  $("stage").classList.toggle("over", on);
  $("view").ariaPressed = String(on);
  $("view").textContent = on ? "Side by side" : "Compare by slider";
  const frame = $("after").querySelector(".frame");
  (on ? frame : $("before").querySelector(".frame")).prepend($("before-image"));
}

/** Whether a result has the shape of the original, but for the pixels that rounding takes. */
function isSameShape(before, after) {
  const [[width, height], [w, h]] = [pixelsOf(before), pixelsOf(after)];
  return Math.abs(h - (w * height) / width) <= 1 || Math.abs(w - (h * width) / height) <= 1;
}

/** Only pictures of one shape can lie over each other. */
function offerOverlay() {
  const [before, after] = [$("before-image"), $("after-image")];
  const isPicture = (node) => node instanceof HTMLImageElement && !node.hidden && node.naturalWidth > 0;
  const same = isPicture(before) && isPicture(after) && isSameShape(before, after);
  $("view").hidden = !same;
  if (!same) overlay(false);
}

$("view").onclick = () => overlay(!$("stage").classList.contains("over"));
$("slide").oninput = () => $("stage").style.setProperty("--cut", `${$("slide").value}%`);
