import { useEffect, useRef, useState } from "preact/hooks";
import { call, send, session } from "./api.js";
import { FocalPoint } from "./focal-point.js";
import { address, inspectPath, navigate } from "./router.js";
import { Copy, Empty, Heading, html, Icon, Pill, Problem, useLoaded } from "./ui.js";
import { Upload } from "./upload.js";
import { ago, bytes, duration, formatOf } from "./words.js";

/**
 * @typedef {{ name: string, kind: "folder" | "image" | "video" | "file", origin: string, url?: string, isDrawn?: boolean,
 *   size?: number, lastModified?: number, private?: boolean }} Item
 * @typedef {{ path: string, items: Item[], next?: string, problems: { origin: string, message: string }[], listed: string[],
 *   unlisted: string[] }} Listing
 * @typedef {{ endpoint: import("./api.js").EndpointInfo, folder: string, file: string }} Location
 */

const nameOf = (/** @type {{ tenant: string, name: string }} */ { tenant, name }) =>
  tenant ? `${tenant}/${name}` : name;

/** The address of a folder, or of a file in it. @param {Location} location */
function addressOf({ endpoint, folder, file }) {
  const query = new URLSearchParams({
    endpoint: nameOf(endpoint),
    ...(folder && { folder }),
    ...(file && { file }),
  });
  return `/-/console/browse?${query}`;
}

/** @param {string} url @param {number} width */
export const thumbnailOf = (url, width) =>
  `/-/console/data/thumbnail?${new URLSearchParams({ url, width: String(width) })}`;

/** @param {string} folder @param {string} name */
const join = (folder, name) => (folder ? `${folder}/${name}` : name);

export function Browse() {
  const endpoints = session.value?.endpoints ?? [];
  const { searchParams } = address.value;
  const wanted = searchParams.get("endpoint");
  const endpoint = endpoints.find((one) => nameOf(one) === wanted) ?? endpoints[0];
  if (!endpoint) {
    return html`<${Heading} title="Browse" /><${Empty} title="No endpoints"><p>The key is good for no endpoint.</p><//>`;
  }
  const location = {
    endpoint,
    folder: searchParams.get("folder") ?? "",
    file: searchParams.get("file") ?? "",
  };
  return html`
    <${Heading} title="Browse"><p class="lead">The files of your origins, as this server renders them.</p><//>
    <${Folder} key=${`${nameOf(endpoint)} ${location.folder}`} location=${location} endpoints=${endpoints} />
  `;
}

/** @param {{ location: Location, endpoints: readonly import("./api.js").EndpointInfo[] }} props */
function Folder({ location, endpoints }) {
  const { endpoint, folder, file } = location;
  const [pages, setPages] = useState(/** @type {Listing[]} */ ([]));
  const [error, setError] = useState(/** @type {Error | undefined} */ (undefined));
  const [isBusy, setBusy] = useState(false);
  const added = useRef(/** @type {HTMLUListElement | null} */ (null));

  const load = async (/** @type {string | undefined} */ cursor) => {
    const query = new URLSearchParams({
      tenant: endpoint.tenant,
      endpoint: endpoint.name,
      path: folder,
      ...(cursor !== undefined && { cursor }),
    });
    setBusy(true);
    setError(undefined);
    try {
      const page = await call(`/data/folder?${query}`);
      setPages((before) => (cursor === undefined ? [page] : [...before, page]));
      return true;
    } catch (failure) {
      setError(/** @type {Error} */ (failure));
      return false;
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    load(undefined);
  }, []);

  const more = async () => {
    const before = added.current?.childElementCount ?? 0;
    if (await load(pages.at(-1)?.next)) {
      requestAnimationFrame(() => added.current?.children[before]?.querySelector("a")?.focus());
    }
  };
  const items = pages.flatMap((page) => page.items);
  const problems = pages.flatMap((page) => page.problems);
  const [first] = pages;
  const next = pages.at(-1)?.next;
  const chosen = items.find(({ name, kind }) => kind !== "folder" && name === file);
  return html`
    <div class="card crumbs">
      <${Path} location=${location} endpoints=${endpoints} />
      ${session.value?.isSignedIn && (first?.listed.length ?? 0) > 0 && html`<${Upload} endpoint=${endpoint.name} folder=${folder} onDone=${() => load(undefined)} />`}
    </div>
    ${problems.map(({ origin, message }) => html`<div class="problem" role="alert" key=${origin}><${Icon} name="alert" /><div><strong>Origin ${origin}</strong><p>${message}</p></div></div>`)}
    ${error && html`<${Problem} error=${error} onRetry=${() => load(next)} />`}
    ${file && !chosen && first && !isBusy && html`<${Empty} title="This file is not listed"><p><code>${file}</code> is not on the first page of this folder, or not there any more.</p><//>`}
    <div class=${`browse ${chosen ? "open" : ""}`}>
      <div>
        ${
          first &&
          items.length > 0 &&
          html`<ul class="files" ref=${added} aria-label=${folder === "" ? "Files" : `Files of ${folder}`}>
            ${items.map((item) => html`<${Entry} key=${`${item.kind} ${item.origin} ${item.name}`} item=${item} location=${location} />`)}
          </ul>`
        }
        ${first && items.length === 0 && !next && html`<${Nothing} listing=${first} />`}
        ${first && first.unlisted.length > 0 && items.length > 0 && html`<p class="soft small unlisted">${unlistedText(first)}</p>`}
        ${next !== undefined && html`<button type="button" class="outlined more" disabled=${isBusy} onClick=${more}>${isBusy ? "Loading …" : "Show more"}</button>`}
        ${!first && !error && html`<p class="soft" role="status">Loading …</p>`}
      </div>
      ${chosen && html`<${Details} key=${`${chosen.origin} ${chosen.name}`} item=${chosen} location=${location} onDelete=${() => load(undefined)} />`}
    </div>
  `;
}

/** @param {Listing} listing */
const unlistedText = ({ unlisted }) =>
  `Files of ${unlisted.join(", ")} are not listed: a place of this type has no list of its files.`;

/** @param {{ listing: Listing }} props */
function Nothing({ listing }) {
  if (listing.listed.length > 0)
    return html`<${Empty} title="This folder is empty"><p>Its origins have no files here.</p><//>`;
  return html`<${Empty} title="Nothing can be listed">
    <p>${unlistedText(listing)} Paste the URL of a file into <a href="/-/console/inspect">Inspect</a> instead.</p>
  <//>`;
}

/** @param {{ location: Location, endpoints: readonly import("./api.js").EndpointInfo[] }} props */
function Path({ location, endpoints }) {
  const { endpoint, folder } = location;
  const parts = folder === "" ? [] : folder.split("/");
  const choose = (/** @type {Event} */ event) => {
    const { value } = /** @type {HTMLSelectElement} */ (event.target);
    const next = endpoints.find((one) => nameOf(one) === value);
    if (!next) return;
    navigate(addressOf({ endpoint: next, folder: "", file: "" }));
  };
  return html`
    ${
      endpoints.length > 1 &&
      html`<label class="choose">Endpoint
        <select onChange=${choose}>
          ${endpoints.map((one) => html`<option key=${nameOf(one)} value=${nameOf(one)} selected=${one === endpoint}>${nameOf(one)}</option>`)}
        </select>
      </label>`
    }
    <nav aria-label="Folder">
      <ol class="path">
        ${["", ...parts].map((part, at) => {
          const isLast = at === parts.length;
          const to = addressOf({ ...location, folder: parts.slice(0, at).join("/"), file: "" });
          return html`<li key=${at}><a href=${to} aria-current=${isLast ? "page" : undefined}>${at === 0 ? "All files" : part}</a></li>`;
        })}
      </ol>
    </nav>`;
}

/** @param {{ item: Item, location: Location }} props */
function Entry({ item, location }) {
  const { name, kind, url, isDrawn, size, private: isPrivate } = item;
  const [isWrong, setWrong] = useState(false);
  if (kind === "folder") {
    const to = addressOf({ ...location, folder: join(location.folder, name), file: "" });
    return html`<li><a class="file folder" href=${to}><span class="thumb"><${Icon} name="folder" /></span><span class="file-name">${name}</span></a></li>`;
  }
  const isChosen = location.file === name;
  return html`<li>
    <a class="file" href=${addressOf({ ...location, file: name })} aria-current=${isChosen ? "true" : undefined}>
      <span class="thumb">
        ${
          url && isDrawn && !isWrong
            ? html`<img src=${thumbnailOf(url, 360)} alt="" loading="lazy" decoding="async" onError=${() => setWrong(true)} />`
            : html`<${Icon} name=${isWrong ? "warn" : "file"} />`
        }
        ${kind === "video" && html`<span class="tag left">Video</span>`}
        ${isPrivate && html`<span class="tag right">Private</span>`}
      </span>
      <span class="file-name">${name}</span>
      <span class="soft small">${isWrong ? "Cannot be shown" : size === undefined ? "" : bytes(size)}</span>
    </a>
  </li>`;
}

/** @param {{ item: Item, location: Location, onDelete: () => void }} props */
function Details({ item, location, onDelete }) {
  const { name, kind, url, isDrawn, origin } = item;
  const title = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  useEffect(() => {
    title.current?.focus({ preventScroll: innerWidth >= 1200 });
    if (innerWidth < 1200) title.current?.closest("section")?.scrollIntoView({ block: "start" });
  }, []);
  const whole = url && (url.startsWith("/") ? `${globalThis.location.origin}${url}` : url);
  return html`<section class="card details" aria-labelledby="file-title">
    <div class="details-head">
      <h2 id="file-title" tabindex="-1" ref=${title}>${name}</h2>
      <a class="button quiet" href=${addressOf({ ...location, file: "" })} aria-label="Close"><${Icon} name="cross" /></a>
    </div>
    ${
      url && whole
        ? html`
            <div class="details-actions">
              <${Copy} text=${whole}>Copy URL<//>
              <a class="button quiet" href=${inspectPath(url)}>Inspect</a>
              <${PurgeFile} path=${join(location.folder, name)} />
              ${session.value?.isSignedIn && html`<${DeleteFile} item=${item} location=${location} onDone=${onDelete} />`}
            </div>
            ${
              kind === "image" && isDrawn
                ? html`<${FocalPoint} url=${whole} src=${thumbnailOf(url, 900)} name=${name} />`
                : isDrawn &&
                  html`<div class="frame preview"><img src=${thumbnailOf(url, 900)} alt=${name} /></div>`
            }
            <${Facts} item=${item} url=${url} />`
        : html`<p class="soft">No URL of this endpoint leads to this file: its name has a meaning in URLs.</p>`
    }
    <p class="soft small">Origin ${origin}</p>
  </section>`;
}

/** @param {{ path: string }} props */
function PurgeFile({ path }) {
  const [state, setState] = useState("");
  const [error, setError] = useState("");
  const purge = async () => {
    setState("busy");
    setError("");
    try {
      await call("/data/purge", { method: "POST", body: { source: path } });
      setState("done");
    } catch (failure) {
      setState("");
      setError(/** @type {Error} */ (failure).message);
    }
  };
  return html`<button type="button" class="quiet" disabled=${state === "busy"} onClick=${purge}>Purge</button>
    <span role="status">${state === "done" && html`<${Pill} tone="good">purged<//>`}</span>
    ${error && html`<span class="bad small" role="alert">${error}</span>`}`;
}

/** Deletes a file for good, with a second click. @param {{ item: Item, location: Location, onDone: () => void }} props */
function DeleteFile({ item, location, onDone }) {
  const [isSure, setSure] = useState(false);
  const [error, setError] = useState("");
  const { endpoint, folder } = location;
  const remove = async () => {
    setError("");
    try {
      const query = new URLSearchParams({
        endpoint: endpoint.name,
        origin: item.origin,
        path: `/${folder}`,
        searchQuery: `name = ${JSON.stringify(item.name)}`,
      });
      const [file] = await call(`/api/v1/files?${query}`);
      if (!file) throw new Error("The file is not there any more.");
      await send(`/api/v1/files/${encodeURIComponent(file.fileId)}`, { method: "DELETE" });
      navigate(addressOf({ ...location, file: "" }));
      onDone();
    } catch (failure) {
      setSure(false);
      setError(/** @type {Error} */ (failure).message);
    }
  };
  return html`${
    isSure
      ? html`<button type="button" class="danger" ref=${(/** @type {HTMLElement | null} */ button) => button?.focus()} onClick=${remove} onBlur=${() => setSure(false)}>Delete for good</button>`
      : html`<button type="button" class="quiet" onClick=${() => setSure(true)}>Delete</button>`
  }
  ${error && html`<span class="bad small" role="alert">${error}</span>`}`;
}

/** @param {{ item: Item, url: string }} props */
function Facts({ item, url }) {
  const { data, error, reload } = useLoaded(() => call(`/data/about?${new URLSearchParams({ url })}`));
  const known = [
    ...(item.size === undefined ? [] : [["Size", bytes(item.size)]]),
    ...(item.lastModified === undefined
      ? []
      : [["Modified", `${new Date(item.lastModified).toLocaleString()} (${ago(item.lastModified)})`]]),
  ];
  if (error && !data) {
    const isMissing = /** @type {any} */ (error).code === "EUNSUPPORTED";
    return html`<${List} facts=${known} />${!isMissing && html`<${Problem} error=${error} onRetry=${reload} />`}`;
  }
  return html`<${List} facts=${[...known, ...(data ? factsOf(data, item) : [])]} />`;
}

/** @param {{ facts: readonly string[][] }} props */
const List = ({ facts }) =>
  html`<dl class="about">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

/** What a description contains, for people. @param {any} about @param {Item} item @returns {string[][]} */
function factsOf(about, { size }) {
  const { exif = {}, tracks = [] } = about;
  const camera = [exif.Make, exif.Model].filter(Boolean).join(" ");
  const exposure = [
    exif.FNumber && `f/${exif.FNumber}`,
    exif.ExposureTime &&
      `${exif.ExposureTime < 1 ? `1/${Math.round(1 / exif.ExposureTime)}` : exif.ExposureTime} s`,
    exif.ISOSpeedRatings && `ISO ${exif.ISOSpeedRatings}`,
    exif.FocalLength && `${exif.FocalLength} mm`,
  ].filter(Boolean);
  /** @type {[string, unknown][]} */
  const facts = [
    ["Type", about.format && formatOf(about.format)],
    ["Dimensions", about.width && `${about.width} × ${about.height}`],
    ["Size", size === undefined && about.bytes !== undefined && bytes(about.bytes)],
    ["Duration", about.duration !== undefined && duration(about.duration * 1000)],
    ["Bit rate", about.bitrate && `${Math.round(about.bitrate / 1000)} kbit/s`],
    [
      "Tracks",
      tracks.length > 0 && tracks.map((/** @type {any} */ { kind, codec }) => `${kind} ${codec}`).join(", "),
    ],
    ["Frames", about.frames > 1 && about.frames],
    ["Colours", [about.colorSpace, about.colorProfile].filter(Boolean).join(", ")],
    ["Transparency", about.alpha === true && "yes"],
    ["Density", about.density && `${about.density} dpi`],
    ["Orientation", about.orientation > 1 && `EXIF ${about.orientation}`],
    ["Camera", camera],
    ["Exposure", exposure.join(", ")],
    ["Taken", exif.DateTimeOriginal],
  ];
  return facts.filter(([, value]) => value).map(([name, value]) => [name, String(value)]);
}
