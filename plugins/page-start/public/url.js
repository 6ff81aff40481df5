// The transformation inside a URL as text: found, read and changed without understanding it.

/** `{ head, chain, tail }` with `head + chain + tail` the URL; `chain` is empty where there is no transformation. */
export function parts(url) {
  const found = /^([^?#]*?\/tr:)([^/?#]*)(\/.*)$/.exec(url) ?? /^([^#]*?[?&]tr=)([^&#]*)(.*)$/.exec(url);
  return found ? { head: found[1], chain: found[2], tail: found[3] } : { head: url, chain: "", tail: "" };
}

/** The items of a chain with the separator before each; those inside layers and conditions are marked as nested. */
function itemsOf(chain) {
  let depth = 0;
  return [...chain.matchAll(/([,:]?)([^,:]*)/g)]
    .filter(([all]) => all !== "")
    .map(([, before, text]) => {
      const ends = text === "l-end" || text === "if-end";
      const nested = depth > 0;
      if (ends) depth -= 1;
      else if (/^(l|if)-/.test(text) && text !== "if-else") depth += 1;
      return { before, text, nested };
    });
}

const has = (keys) => (item) =>
  !item.nested && keys.some((key) => item.text === key || item.text.startsWith(`${key}-`));

/** The items of these keys in a URL, as written: `["w-400"]`. */
export function valuesOf(url, keys) {
  return itemsOf(parts(url).chain)
    .filter(has(keys))
    .map((item) => item.text);
}

/** The URL with the items of these keys replaced by one, or taken away for `undefined`. */
export function change(url, keys, text) {
  const { head, chain, tail } = parts(url);
  if (!chain) return text ? insert(url, text) : url;
  const items = itemsOf(chain);
  const at = items.findIndex(has(keys));
  const end = items.findIndex((item, index) => index > 0 && !item.nested && item.before === ":");
  if (at >= 0 && text) items[at] = { ...items[at], text };
  else if (text) items.splice(end < 0 ? items.length : end, 0, { before: ",", text, nested: false });
  const kept = items.filter((item, index) => !has(keys)(item) || (text && (index === at || at < 0)));
  const next = joined(items, kept);
  return next ? head + next + tail : bare(url);
}

/** Puts items together again: a step that lost its first item keeps its colon, an empty one goes. */
function joined(items, kept) {
  let out = "";
  let colon = false;
  for (const item of items) {
    if (item.before === ":") colon = true;
    if (!kept.includes(item)) continue;
    out += out === "" ? item.text : (colon ? ":" : ",") + item.text;
    colon = false;
  }
  return out;
}

/** Beginnings of URLs that lead to endpoints: a transformation stands behind them. */
let mounts = ["/"];

export function setMounts(urls) {
  mounts = ["/", ...urls].sort((a, b) => b.length - a.length);
}

function insert(url, text) {
  const path = bare(url);
  const mount = mounts.find((one) => path.startsWith(one)) ?? "/";
  return `${mount}tr:${text}/${path.slice(mount.length)}`;
}

/** The URL without its transformation. */
export function bare(url) {
  const { head, chain, tail } = parts(url);
  if (!chain) return url;
  if (head.endsWith("/tr:")) return head.slice(0, -4) + tail;
  const rest = tail.replace(/^&/, "");
  return head.replace(/[?&]tr=$/, (mark) => (rest ? mark[0] : "")) + rest;
}

/** What follows a video's name in its URLs. */
const PARTS =
  /\/ik-(?:thumbnail\.jpg|(?:gif-)?video\.mp4|master\.(?:m3u8|mpd)|seek-[^/]*|gen[^/]*|track-[^/]*)$/;

const VIDEO = /\.(?:mp4|m4v|mov|webm|mkv|avi|mpe?g|3gp|og[gv])$/i;

/** The path of the source, without transformation, query and what only videos have behind their names. */
export function sourcePath(url) {
  const path = bare(url).replace(/[?#].*$/, "");
  return VIDEO.test(path.replace(PARTS, "")) ? path.replace(PARTS, "") : path;
}

export const isVideo = (path) => VIDEO.test(path);

/** What a URL makes of a video: `file`, `stream`, `still`, or `""` of no video. */
export function kindOfVideo(url) {
  if (!isVideo(sourcePath(url))) return "";
  const [part = ""] = PARTS.exec(bare(url).replace(/[?#].*$/, "")) ?? [];
  if (part.startsWith("/ik-master")) return "stream";
  return part === "" || part.endsWith(".mp4") ? "file" : "still";
}

/** The usual URLs of a video. */
export const VIDEO_URLS = {
  file: (path) => `${path}?tr=w-640`,
  stream: (path) => `${path}/ik-master.m3u8?tr=sr-240_360_720`,
  still: (path) => `${path}/ik-thumbnail.jpg?tr=w-720`,
};

/** The URL that delivers the source's own bytes. */
export function original(url) {
  return insert(sourcePath(url), "orig-true");
}

/** The folder in which the source of a URL lies. */
export const folderOf = (url) => sourcePath(url).replace(/[^/]*$/, "");

/**
 * The URL that a file of another server would have here, and that server's name; `undefined` for a URL of this one. ImageKit's
 * URLs have the account's name before the path.
 */
export function foreign(url) {
  const [, host, path] = /^\/*https?:\/\/([^/]+)(\/.*)$/i.exec(url) ?? [];
  if (!host) return undefined;
  return { host, url: /^ik\.imagekit\.io$/i.test(host) ? path.replace(/^\/[^/]+/, "") : path };
}

/** `[kind, text]` pairs for painting a URL. */
export function painted(url) {
  const { head, chain, tail } = parts(url);
  const name = (text) => {
    const slash = text.split(/[?#]/)[0].lastIndexOf("/") + 1;
    return [
      ["plain", text.slice(0, slash)],
      ["name", text.slice(slash)],
    ];
  };
  if (!chain) return name(url);
  const items = chain.split(/([,:])/).flatMap((text, index) => {
    if (index % 2) return [["mark", text]];
    const dash = text.indexOf("-", text.startsWith("e-") ? 2 : 0);
    return dash < 0
      ? [["key", text]]
      : [
          ["key", text.slice(0, dash)],
          ["mark", "-"],
          ["value", text.slice(dash + 1)],
        ];
  });
  return head.endsWith("/tr:")
    ? [["plain", head], ...items, ...name(tail)]
    : [...name(head.slice(0, -4)), ["plain", head.slice(-4)], ...items, ["plain", tail]];
}
