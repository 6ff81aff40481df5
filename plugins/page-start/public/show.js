import { release } from "./ask.js";
import { $, duration, element, formatOf, size } from "./dom.js";

/** Puts a decoded picture in the place of the one before it, or hides that one. */
function place(id, picture) {
  const old = $(id);
  old.hidden = !picture;
  if (!picture || picture === old) return;
  Object.assign(picture, { id, alt: old.alt, hidden: false });
  old.replaceWith(picture);
  release(old);
}

function factsOf({ type, bytes, picture }) {
  const pixels = picture ? [`${picture.naturalWidth} × ${picture.naturalHeight}`] : [];
  return [formatOf(type), ...pixels, size(bytes)].join(" · ");
}

export function showSource(source) {
  place("before-image", source.picture);
  $("before-facts").textContent = source.ok ? factsOf(source) : "";
  $("before-note").textContent = source.picture ? "" : source.ok ? "Not a picture" : "No original to show";
}

export function showAnswer(answer, source) {
  if (answer.ok) {
    place("after-image", answer.picture);
    $("after-text").hidden = Boolean(answer.picture);
    $("after-text").textContent = answer.text || "Not a picture that this browser can show.";
    $("after-facts").textContent = factsOf(answer);
    $("problem").hidden = true;
    $("editor").classList.remove("failed");
  } else {
    showProblem(String(answer.status), answer.headers.get("ik-error") ?? answer.text);
  }
  offerOverlay();
  measure(answer, source);
}

/** `message` as in the header `ik-error`: `CODE - what is wrong`, or plain text. */
export function showProblem(status, message) {
  const [, code, rest] = /^([A-Z]+) - (.*)$/s.exec(message) ?? [undefined, "", message];
  $("problem").replaceChildren(
    element("strong", { textContent: status }),
    element("code", { textContent: code, hidden: !code }),
    element("p", { textContent: rest }),
  );
  $("problem").hidden = false;
  $("after-image").hidden = true;
  $("after-text").hidden = true;
  $("after-facts").textContent = "";
  $("editor").classList.add("failed");
  offerOverlay();
}

function measure(answer, source) {
  const less = answer.ok && source.bytes > 0 ? 1 - answer.bytes / source.bytes : undefined;
  $("saved").textContent = savedText(less);
  $("bytes").textContent = less === undefined ? "" : `${size(source.bytes)} → ${size(answer.bytes)}`;
  $("meter").style.width = `${Math.max(0, less ?? 0) * 100}%`;
  $("format").textContent = answer.ok ? formatOf(answer.type) : String(answer.status);
  $("type").textContent = answer.type.split(";")[0];
  showCache(answer.headers.get("cache-status") ?? "");
  $("time").textContent = duration(answer.time);
  $("time-note").textContent = "to the last byte, seen from here";
  showPhases(answer.headers.get("server-timing") ?? "");
  $("headers").textContent = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  const spoken = [$("after-facts"), $("saved"), $("cache")].map((node) => node.textContent);
  $("spoken").value = answer.ok ? `${spoken[0]}. Saved ${spoken[1]}. Cache: ${spoken[2]}.` : "";
}

function savedText(less) {
  if (less === undefined) return "–";
  return less < 0 ? `${Math.round(-less * 100)}% more` : `${(less * 100).toFixed(less > 0.99 ? 1 : 0)}%`;
}

/** RFC 9211: `name; hit`, or `name; fwd=uri-miss`; what the origin still vouches for counts as a hit. */
function showCache(status) {
  const hit = /;\s*(hit|detail=revalidated)\b/.test(status);
  const reason = /;\s*fwd=(?:uri-|vary-)?(\w+)/.exec(status)?.[1] ?? "–";
  $("cache").textContent = hit ? "Hit" : reason[0].toUpperCase() + reason.slice(1);
  $("cache").className = hit ? "hit" : "";
  $("cache-status").textContent = status;
}

/** One bar for each entry that has a duration. */
function showPhases(header) {
  const phases = header
    .split(",")
    .map((entry) => entry.trim().split(/\s*;\s*/))
    .map(([name, ...params]) => [name, Number(params.find((param) => param.startsWith("dur="))?.slice(4))])
    .filter(([name, ms]) => name && ms >= 0);
  const most = Math.max(...phases.map(([, ms]) => ms), 0.001);
  $("phases").textContent = phases.length ? "" : "The answer has none.";
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

const ratioOf = (image) => image.naturalWidth / image.naturalHeight;

/** Only pictures of one shape can lie over each other. */
function offerOverlay() {
  const [before, after] = [$("before-image"), $("after-image")];
  const same = !before.hidden && !after.hidden && Math.abs(ratioOf(after) / ratioOf(before) - 1) < 0.015;
  $("view").hidden = !same;
  if (!same) overlay(false);
}

$("view").onclick = () => overlay(!$("stage").classList.contains("over"));
$("slide").oninput = () => $("stage").style.setProperty("--cut", `${$("slide").value}%`);
