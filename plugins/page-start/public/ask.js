import { element } from "./dom.js";
import { kindOfVideo, original } from "./url.js";

const originals = new Map();

/** Bytes, type and picture of the source, asked for once. */
export function sourceOf(url) {
  const path = original(url);
  if (!originals.has(path)) originals.set(path, askSource(path));
  return originals.get(path);
}

async function askSource(path) {
  const answer = await fetch(path, { method: "HEAD" }).catch(() => new Response(null, { status: 503 }));
  const type = answer.headers.get("content-type") ?? "";
  return {
    ok: answer.ok,
    type,
    bytes: lengthOf(answer.headers),
    picture: answer.ok ? await shown(type, path) : undefined,
  };
}

const lengthOf = (headers) => Number(headers.get("content-length") ?? Number.NaN);
const isPlayed = (type) => /^video\/|mpegurl/i.test(type);

/**
 * The server's answer to a URL, past the browser's own cache: headers, bytes, and a picture, a video or text. Videos are not
 * read here: the player asks for the parts that it shows.
 */
export async function ask(url, accept, signal) {
  const began = performance.now();
  const kind = kindOfVideo(url);
  const options = { signal, cache: "no-store", headers: { accept } };
  if (kind === "file") {
    const { ok, status, headers } = await fetch(url, { ...options, method: "HEAD" });
    const type = headers.get("content-type") ?? "";
    const time = performance.now() - began;
    if (!ok || isPlayed(type)) {
      const picture = ok ? await shown(type, url) : undefined;
      return { ok, status, headers, type, time, bytes: lengthOf(headers), picture, text: "" };
    }
  }
  const { ok, status, headers, body } = await whole(await fetch(url, options));
  const time = performance.now() - began;
  const type = headers.get("content-type") ?? "";
  const isStream = kind === "stream" && ok;
  return {
    ok,
    status,
    headers,
    type,
    time,
    // What travelled; a compressed text is larger once it is here. Of a stream this is only its list.
    bytes: isStream
      ? Number.NaN
      : Number((headers.has("content-encoding") && headers.get("content-length")) || body.size),
    picture: ok ? await shown(type, isPlayed(type) ? url : body) : undefined,
    text: !ok || isStream || /^text|json|xml|javascript/.test(type) ? (await body.text()).slice(0, 4000) : "",
  };
}

async function whole(response) {
  const { ok, status, headers } = response;
  return { ok, status, headers, body: await response.blob() };
}

/** A picture or a video that the browser can show; `undefined` for all else. */
async function shown(type, from) {
  if (isPlayed(type)) return videoOf(type, from);
  if (!type.startsWith("image/")) return undefined;
  return pictureOf(typeof from === "string" ? from : URL.createObjectURL(from));
}

/** A decoded picture, ready to be shown without a flicker; none for what the browser cannot read. */
async function pictureOf(address) {
  const picture = new Image();
  picture.src = address;
  try {
    await picture.decode();
    return picture;
  } catch {
    release(picture);
    return undefined;
  }
}

function videoOf(type, address) {
  const video = element("video", { controls: true, preload: "metadata", playsInline: true, muted: true });
  if (video.canPlayType(type.split(";")[0]) === "") return undefined;
  video.src = address;
  return video;
}

export function release(picture) {
  if (picture.src.startsWith("blob:")) URL.revokeObjectURL(picture.src);
  if (!(picture instanceof HTMLVideoElement)) return;
  // Else it goes on loading.
  picture.removeAttribute("src");
  picture.load();
}
