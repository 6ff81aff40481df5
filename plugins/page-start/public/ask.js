import { original } from "./url.js";

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
    bytes: Number(answer.headers.get("content-length") ?? Number.NaN),
    picture: answer.ok && type.startsWith("image/") ? await pictureOf(path) : undefined,
  };
}

/** The server's answer to a URL, past the browser's own cache: headers, bytes, and a picture or text. */
export async function ask(url, accept, signal) {
  const began = performance.now();
  const { ok, status, headers, body } = await whole(
    await fetch(url, { signal, cache: "no-store", headers: { accept } }),
  );
  const time = performance.now() - began;
  const type = headers.get("content-type") ?? "";
  const isPicture = ok && type.startsWith("image/");
  return {
    ok,
    status,
    headers,
    type,
    time,
    // What travelled; a compressed text is larger once it is here.
    bytes: Number((headers.has("content-encoding") && headers.get("content-length")) || body.size),
    picture: isPicture ? await pictureOf(URL.createObjectURL(body)) : undefined,
    text: !ok || /^text|json|xml|javascript/.test(type) ? (await body.text()).slice(0, 4000) : "",
  };
}

async function whole(response) {
  const { ok, status, headers } = response;
  return { ok, status, headers, body: await response.blob() };
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

export function release(picture) {
  if (picture.src.startsWith("blob:")) URL.revokeObjectURL(picture.src);
}
