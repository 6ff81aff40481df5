import { $, element, formatOf, icon, size } from "./dom.js";
import { setMounts, VIDEO_URLS } from "./url.js";

const FOLDER =
  "M3 6.5a1.5 1.5 0 0 1 1.5-1.5H9l2.5 2.5h8A1.5 1.5 0 0 1 21 9v8.5a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5z";
const SHEET = "M6 3h8l5 5v12a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM14 3v5h5";

const PLAY = "M8.5 5.5v13l10-6.5z";

/** Photographs fill their card; drawings, whose edges matter, are shown whole. */
const PHOTOGRAPH = /\.(?:jpe?g|heic|heif|avif|tiff?)$/i;

let mount = "/";
/** The folder that is shown, or asked for. */
let shown;
let asking = new AbortController();

const transformed = (url, text) => `${mount}tr:${text}/${url.slice(mount.length)}`;

/** The URL that a file is opened with. */
function editUrl({ kind, url, plain }) {
  if (plain || kind === "file") return url;
  if (kind === "image") return transformed(url, "w-720,c-at_max");
  const streams = document.createElement("video").canPlayType("application/vnd.apple.mpegurl") !== "";
  return VIDEO_URLS[streams ? "stream" : "file"](url);
}

function thumbnail({ name, kind, url, plain }) {
  const extension = /\.(\w{1,8})$/.exec(name)?.[1] ?? "";
  const sheet = () =>
    element(
      "span",
      { className: "sheet" },
      icon(SHEET),
      element("i", { textContent: extension.toUpperCase() }),
    );
  if (plain || kind === "file") return sheet();
  const box = kind === "image" && !PHOTOGRAPH.test(name) ? "w-300,h-200,c-at_max" : "w-300,h-200";
  const file = kind === "video" ? `${url}/ik-thumbnail.jpg` : url;
  const image = element("img", { loading: "lazy", decoding: "async", alt: "", width: 300, height: 200 });
  image.className = box.endsWith("max") ? "drawing" : "";
  image.onerror = () => image.replaceWith(sheet());
  image.srcset = `${transformed(file, box)} 1x, ${transformed(file, `${box},dpr-2`)} 2x`;
  image.src = transformed(file, box);
  return image;
}

function fileCard(item) {
  const { name, kind, size: bytes } = item;
  const extension = /\.(\w{1,8})$/.exec(name)?.[1] ?? "";
  const facts = [extension && formatOf(`/${extension.toLowerCase()}`), Number.isFinite(bytes) && size(bytes)];
  const link = element(
    "a",
    { className: kind, href: `#${editUrl(item)}`, title: name },
    element("span", { className: "thumb" }, thumbnail(item), ...(kind === "video" ? [icon(PLAY)] : [])),
    element("b", { textContent: name }),
    element("small", { textContent: facts.filter(Boolean).join(" · ") }),
  );
  return element("li", {}, link);
}

function folderCard({ name, url }) {
  const link = element(
    "a",
    { href: `#${url}`, title: name },
    icon(FOLDER),
    element("b", { textContent: name }),
  );
  return element("li", {}, link);
}

/** Names of the folders from the endpoint's own to this one. */
const segmentsOf = (url) => url.slice(mount.length).split("/").slice(0, -1).map(decoded);

/** The way from the endpoint's own folder to this one. */
function showCrumbs(url) {
  const segments = url.slice(mount.length).split("/").slice(0, -1);
  const crumbs = ["All files", ...segmentsOf(url)].map((name, at) => {
    const href = `#${mount}${segments
      .slice(0, at)
      .map((segment) => `${segment}/`)
      .join("")}`;
    const link = element("a", { href, textContent: name });
    if (at === segments.length) link.ariaCurrent = "page";
    return element("li", {}, link);
  });
  $("crumbs").replaceChildren(...crumbs);
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The endpoints of this host, where there are several. */
function showEndpoints(endpoints = []) {
  setMounts(endpoints.map(({ url }) => url));
  $("endpoints").hidden = endpoints.length < 2;
  const links = endpoints.map(({ name, url }) => {
    const link = element("a", { href: `#${url}`, textContent: name });
    if (url === mount) link.ariaCurrent = "true";
    return link;
  });
  $("endpoints").replaceChildren(...links);
}

const REFUSALS = {
  ESIGNATURE:
    "This endpoint serves signed URLs only (restrictUnsigned), so its files are not listed here. Paste a signed URL into the field above.",
  EFORBIDDEN: "The access rules of this endpoint refuse this browser, so its files are not listed here.",
  ENOENT: "No endpoint serves this address, or it uses another URL language than this page.",
};

/** What to say about a folder besides its files. */
function notesOn({ url, refusal, problems = [], unlisted = [], labels = [], items, next }) {
  if (refusal) return [REFUSALS[refusal.code] ?? "Nothing is served here without a signature."];
  const notes = problems.map(({ origin, message }) => `Origin ${origin}: ${message}.`);
  if (labels.length === 0) {
    notes.push(
      "The origins of this endpoint have no list of their files. Type the path of a file into the field above.",
    );
  } else if (items.length === 0 && next === undefined && notes.length === 0) {
    const where = [labels[0], ...segmentsOf(url)].join("/");
    notes.push(`Nothing here yet. Put pictures or videos into the ${where}, and they appear here.`);
  } else if (unlisted.length > 0) {
    notes.push(`Files of ${unlisted.join(", ")} are not listed: a web server has no list of its files.`);
  }
  if (items.some(({ plain }) => plain)) {
    notes.push(
      "There are no thumbnails, because the endpoint allows named transformations only (restrictUnnamed).",
    );
  }
  return notes;
}

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

function showCount(hasMore) {
  const [folders, files] = [$("folders").childElementCount, $("items").childElementCount];
  const parts = [folders && count(folders, "folder"), files && count(files, "file")].filter(Boolean);
  $("count").textContent = `${parts.join(", ")}${hasMore ? " so far" : ""}`;
}

async function listing(url, cursor) {
  asking.abort();
  asking = new AbortController();
  const query = new URLSearchParams({ url, ...(cursor !== undefined && { cursor }) });
  const response = await fetch(`/-/start/folder?${query}`, { signal: asking.signal });
  const body = await response.json();
  if (!response.ok) throw new Error(body.message);
  return body;
}

/** Adds a page of entries; resolves with the first card of it. */
function add(page, { url, fresh }) {
  const isFolder = ({ kind }) => kind === "folder";
  const folders = page.items.filter(isFolder).map(folderCard);
  const files = page.items.filter((item) => !isFolder(item)).map(fileCard);
  if (fresh) $("folders").replaceChildren(...folders);
  else $("folders").append(...folders);
  if (fresh) $("items").replaceChildren(...files);
  else $("items").append(...files);
  for (const list of ["folders", "items"]) $(list).hidden = $(list).childElementCount === 0;
  $("files-notes").replaceChildren(...notesOn(page).map((textContent) => element("p", { textContent })));
  $("files-notes").classList.toggle("empty", $("folders").hidden && $("items").hidden);
  $("more").hidden = page.next === undefined;
  $("more").onclick = () => more(url, page.next);
  showCount(page.next !== undefined);
  return (files[0] ?? folders[0])?.firstElementChild;
}

async function more(url, cursor) {
  $("files").ariaBusy = "true";
  try {
    add(await listing(url, cursor), { url, fresh: false })?.focus();
  } catch (error) {
    fail(error);
  }
  $("files").ariaBusy = "false";
}

function fail(error) {
  if (error.name === "AbortError") return;
  $("files-notes").replaceChildren(element("p", { textContent: `${error.message}.` }));
  $("files-notes").classList.add("empty");
}

/** Shows a folder; resolves with its files, and whether there is a list of them at all. `isNew`: people have chosen it. */
export async function showFolder(url, isNew = false) {
  shown = url;
  $("files").hidden = false;
  $("files").ariaBusy = "true";
  let items = [];
  let labels = [];
  try {
    const page = await listing(url);
    ({ mount = "/", items, labels = [] } = page);
    showEndpoints(page.endpoints);
    showCrumbs(url);
    add(page, { url, fresh: true });
  } catch (error) {
    if (error.name === "AbortError") return { files: [], isListed: false };
    for (const id of ["folders", "items", "crumbs"]) $(id).replaceChildren();
    $("more").hidden = true;
    fail(error);
  }
  $("files").ariaBusy = "false";
  if (isNew) {
    $("files-title").focus({ preventScroll: true });
    $("files").scrollIntoView({ block: "start" });
  }
  const files = items
    .filter(({ kind }) => kind !== "folder")
    .map((item) => ({ ...item, edit: editUrl(item) }));
  return { files, isListed: labels.length > 0, isEmpty: items.length === 0 };
}

// What was put into an empty folder appears when people come back to the page.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && shown && $("files-notes").classList.contains("empty"))
    showFolder(shown);
});
