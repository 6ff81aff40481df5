import { bare, change, original, painted, valuesOf } from "./url.js";

const $ = (id) => document.getElementById(id);
const samples = JSON.parse($("samples").textContent);
const field = $("url");

/**
 * Chips by what they write into the URL; `""` takes the group's keys away. A group without keys holds switches, each
 * with a key of its own.
 */
const GROUPS = [
  { name: "Width", keys: ["w"], chips: { "w-240": "240", "w-480": "480", "w-720": "720", "w-1200": "1200" } },
  {
    name: "Ratio",
    keys: ["ar", "h"],
    chips: { "": "free", "ar-1-1": "1:1", "ar-3-2": "3:2", "ar-9-16": "9:16" },
    needs: "w-480",
  },
  {
    name: "Mode",
    keys: ["c", "cm"],
    chips: {
      "": "crop",
      "c-at_max": "fit",
      "cm-pad_resize": "pad",
      "c-force": "stretch",
      "cm-extract": "cut out",
    },
  },
  {
    name: "Focus",
    keys: ["fo"],
    chips: { "": "centre", "fo-auto": "auto", "fo-left": "left", "fo-top": "top", "fo-right": "right" },
  },
  {
    name: "Format",
    keys: ["f"],
    chips: { "": "auto", "f-avif": "AVIF", "f-webp": "WebP", "f-jpg": "JPEG", "f-png": "PNG" },
  },
  { name: "Quality", keys: ["q"], chips: { "q-15": "15", "q-50": "50", "": "80", "q-95": "95" } },
  { name: "Also", chips: { "rt-90": "turn", "fl-h": "mirror", "bl-10": "blur" } },
];

/** What the page says it can read; the server chooses among these. */
const CLIENTS = {
  "AVIF, WebP": "image/avif,image/webp,image/*,*/*;q=0.8",
  WebP: "image/webp,image/*,*/*;q=0.8",
  neither: "image/jpeg,image/png,image/*;q=0.8,*/*;q=0.5",
};
let client = "AVIF, WebP";

// ---- small helpers ----

function element(tag, props = {}, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
}

function size(bytes) {
  if (!Number.isFinite(bytes)) return "–";
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 999_500 ? `${(bytes / 1000).toPrecision(3)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

const duration = (ms) =>
  ms < 9.95 ? `${ms.toFixed(1)} ms` : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;

const FORMATS = {
  jpeg: "JPEG",
  png: "PNG",
  gif: "GIF",
  webp: "WebP",
  avif: "AVIF",
  "svg+xml": "SVG",
  json: "JSON",
};

function formatOf(type) {
  const sub = (type ?? "").split(";")[0].split("/")[1] ?? "";
  return FORMATS[sub] ?? (sub.toUpperCase() || "unknown");
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS browsers keep the clipboard to themselves.
    const area = element("textarea", { value: text, className: "unseen" });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const { textContent } = button;
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = textContent === "Copied" ? "Copy" : textContent;
  }, 1200);
}

// ---- the field ----

/** A path on this server; whole URLs of it are cut down to that. */
function cleaned(text) {
  const url = text.replace(/\s+/g, "");
  return (url.startsWith(location.origin) ? url.slice(location.origin.length) : url).replace(/^\/*/, "/");
}

function show(url) {
  if (cleaned(field.value) !== url) field.value = url;
  $("paint").replaceChildren(
    ...painted(field.value).map(([kind, text]) => element("span", { className: kind, textContent: text })),
    "\u200b",
  );
  $("open").href = url;
  for (const button of $("chips").querySelectorAll("[data-keys]")) {
    const { keys, text } = button.dataset;
    const set = valuesOf(url, keys.split(" "));
    button.ariaPressed = String(text ? set.includes(text) : set.length === 0);
  }
}

let waiting;
function edit(url, delay = 0) {
  show(url);
  clearTimeout(waiting);
  waiting = setTimeout(() => load(url), delay);
}

function chip(textContent, onclick) {
  return element("button", { type: "button", textContent, onclick });
}

function row(name, chips) {
  const label = element("span", { textContent: name });
  return element(
    "div",
    { className: "group", role: "group", ariaLabel: name },
    label,
    element("div", {}, ...chips),
  );
}

function groups() {
  return GROUPS.map(({ name, keys, chips, needs }) =>
    row(
      name,
      Object.entries(chips).map(([text, title]) => {
        const own = keys ?? [text.split("-")[0]];
        const button = chip(title, () => {
          const set = text && button.ariaPressed !== "true";
          const next = change(cleaned(field.value), own, set ? text : undefined);
          edit(set && needs && !valuesOf(next, ["w"]).length ? change(next, ["w"], needs) : next);
        });
        Object.assign(button.dataset, { keys: own.join(" "), text });
        return button;
      }),
    ),
  );
}

function clients() {
  const chips = Object.keys(CLIENTS).map((name) => {
    const button = chip(name, () => {
      client = name;
      for (const other of chips) other.ariaPressed = String(other === button);
      edit(cleaned(field.value));
    });
    button.ariaPressed = String(name === client);
    return button;
  });
  return row("Browser reads", chips);
}

// ---- asking ----

const originals = new Map();

/** Bytes and type of the source, asked for once. */
function sourceOf(url) {
  const path = original(url);
  if (!originals.has(path)) {
    const asked = fetch(path, { method: "HEAD" }).then(
      (answer) => ({
        path,
        ok: answer.ok,
        bytes: Number(answer.headers.get("content-length") ?? Number.NaN),
        type: answer.headers.get("content-type") ?? "",
      }),
      () => ({ path, ok: false, bytes: Number.NaN, type: "" }),
    );
    originals.set(path, asked);
  }
  return originals.get(path);
}

let asking = new AbortController();

async function load(url) {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  if (bare(url) === "/") return;
  history.replaceState(null, "", `#${url}`);
  $("editor").ariaBusy = "true";
  try {
    const began = performance.now();
    const [answer, source] = await Promise.all([ask(url, signal), sourceOf(url)]);
    answer.time = answer.ended - began;
    if (signal.aborted) return;
    await Promise.all([showSource(source), showAnswer(answer)]);
    if (signal.aborted) return;
    offerOverlay();
    measure(answer, source);
  } catch (error) {
    if (!signal.aborted) fail("No answer", error instanceof Error ? error.message : String(error));
  }
  if (!signal.aborted) $("editor").ariaBusy = "false";
}

async function ask(url, signal) {
  // Past the browser's own cache: what is shown is the server's answer.
  const response = await fetch(url, { signal, cache: "no-store", headers: { accept: CLIENTS[client] } });
  const blob = await response.blob();
  const length = response.headers.has("content-encoding") ? response.headers.get("content-length") : null;
  return {
    status: response.status,
    ok: response.ok,
    headers: response.headers,
    type: response.headers.get("content-type") ?? "",
    blob,
    bytes: Number(length ?? blob.size),
    ended: performance.now(),
  };
}

// ---- showing ----

const ratioOf = (image) => image.naturalWidth / image.naturalHeight;

/** Shows a picture once it is decoded, so that nothing flickers; false for what is not one. */
async function put(image, address) {
  if (image.getAttribute("src") === address) return true;
  const next = new Image();
  next.src = address;
  try {
    await next.decode();
  } catch {
    return false;
  }
  if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
  image.src = address;
  image.hidden = false;
  await image.decode().catch(() => undefined);
  return true;
}

async function showSource(source) {
  const image = $("before-image");
  const shown = source.ok && source.type.startsWith("image/") && (await put(image, source.path));
  image.hidden = !shown;
  $("before-note").textContent = shown
    ? ""
    : source.ok
      ? `${formatOf(source.type)} file, ${size(source.bytes)}`
      : "No such original";
  const pixels = shown ? `${image.naturalWidth} × ${image.naturalHeight} · ` : "";
  $("before-facts").textContent = shown ? `${formatOf(source.type)} · ${pixels}${size(source.bytes)}` : "";
}

async function showAnswer(answer) {
  const image = $("after-image");
  const text = $("after-text");
  if (!answer.ok) {
    const said = answer.headers.get("ik-error");
    fail(`${answer.status}`, said ?? (await answer.blob.text()).slice(0, 300), answer);
    return;
  }
  const shown = answer.type.startsWith("image/") && (await put(image, URL.createObjectURL(answer.blob)));
  image.hidden = !shown;
  text.hidden = shown;
  text.textContent = shown
    ? ""
    : /^text|json|xml|javascript/.test(answer.type)
      ? (await answer.blob.text()).slice(0, 4000)
      : "Not a picture that this browser can show.";
  $("problem").hidden = true;
  $("editor").classList.remove("failed");
  const pixels = shown ? `${image.naturalWidth} × ${image.naturalHeight} · ` : "";
  $("after-facts").textContent = `${formatOf(answer.type)} · ${pixels}${size(answer.bytes)}`;
}

/** `ik-error` reads `CODE - message`. */
function fail(status, message, answer) {
  const [, code, rest] = /^([A-Z]+) - (.*)$/s.exec(message) ?? [undefined, "", message];
  $("problem").replaceChildren(
    element("strong", { textContent: status }),
    element("code", { textContent: code, hidden: !code }),
    element("p", { textContent: rest }),
  );
  $("problem").hidden = false;
  $("after-image").hidden = true;
  $("after-text").hidden = true;
  offerOverlay();
  $("editor").classList.add("failed");
  $("after-facts").textContent = code;
  if (!answer) $("headers").textContent = "";
}

function measure(answer, source) {
  const less = answer.ok && source.bytes > 0 ? 1 - answer.bytes / source.bytes : Number.NaN;
  $("saved").textContent = Number.isNaN(less)
    ? "–"
    : less >= 0
      ? `${(less * 100).toFixed(less > 0.99 ? 1 : 0)}%`
      : `${(-less * 100).toFixed(0)}% more`;
  $("bytes").textContent = Number.isNaN(less) ? "" : `${size(source.bytes)} → ${size(answer.bytes)}`;
  $("meter").style.width = Number.isNaN(less) ? "0" : `${Math.max(0, less * 100)}%`;
  $("format").textContent = answer.ok ? formatOf(answer.type) : `${answer.status}`;
  $("type").textContent = answer.type.split(";")[0];
  const status = answer.headers.get("cache-status") ?? "";
  const hit = /;\s*hit\b/.test(status);
  $("cache").textContent = hit
    ? "Hit"
    : (/;\s*fwd=([\w-]+)/.exec(status)?.[1] ?? "–").replace(/^./, (c) => c.toUpperCase());
  $("cache").className = hit ? "hit" : "";
  $("cache-status").textContent = status;
  $("time").textContent = duration(answer.time);
  $("time-note").textContent = "to the last byte, seen from here";
  phases(answer.headers.get("server-timing") ?? "");
  $("headers").textContent = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  $("spoken").value = answer.ok
    ? `${$("after-facts").textContent}. Saved ${$("saved").textContent}. Cache: ${$("cache").textContent}.`
    : "";
}

function phases(header) {
  const list = header
    .split(",")
    .map((entry) => entry.trim().split(/\s*;\s*/))
    .map(([name, ...params]) => ({
      name,
      ms: Number(params.find((param) => param.startsWith("dur="))?.slice(4) ?? Number.NaN),
    }))
    .filter(({ name, ms }) => name && ms >= 0);
  const most = Math.max(...list.map(({ ms }) => ms), 0.001);
  $("phases").replaceChildren(
    ...list.map(({ name, ms }) => {
      const bar = element("i");
      bar.style.width = `${Math.max(0.5, (ms / most) * 100)}%`;
      return element(
        "span",
        { className: "phase" },
        element("span", { textContent: name }),
        element("span", { className: "track" }, bar),
        element("span", { textContent: duration(ms) }),
      );
    }),
  );
  if (list.length === 0) $("phases").textContent = "The answer has none.";
}

// ---- original and result over each other ----

function overlay(on) {
  $("stage").classList.toggle("over", on);
  $("view").ariaPressed = String(on);
  $("view").textContent = on ? "Side by side" : "Compare by slider";
  const frame = $("after").querySelector(".frame");
  (on ? frame : $("before").querySelector(".frame")).prepend($("before-image"));
}

/** Only pictures of one shape can lie over each other. */
function offerOverlay() {
  const [before, after] = [$("before-image"), $("after-image")];
  const same = !before.hidden && !after.hidden && Math.abs(ratioOf(after) / ratioOf(before) - 1) < 0.015;
  $("view").hidden = !same;
  if (!same) overlay(false);
}

$("view").onclick = () => overlay(!$("stage").classList.contains("over"));
$("slide").oninput = () => $("stage").style.setProperty("--cut", `${$("slide").value}%`);

// ---- samples ----

function card({ path, title, credit, transformation }) {
  const url = `/tr:${transformation}/${path}`;
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
  for (const [className, textContent] of painted(url)) {
    const fresh = !code.lastChild || /[,:/]$/.test(code.textContent);
    const word = fresh ? code.appendChild(element("span")) : code.lastChild;
    word.append(element("span", { className, textContent }));
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
$("chips").append(...groups(), clients());
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
$("cards").append(...samples.map(card));

const asked = decodeURI(location.hash.slice(1));
const first = samples[0] ? `/tr:w-720,ar-3-2,fo-auto/${samples[0].path}` : "";
if (asked.startsWith("/")) edit(cleaned(asked));
else if (first) edit(first);
else {
  show("/");
  field.value = "";
  $("paint").replaceChildren();
  $("before-note").textContent = "Write the path of one of your pictures into the field above.";
}
