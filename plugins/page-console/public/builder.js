import { useEffect, useState } from "preact/hooks";
import { call, pictureAt, session, urlBelow } from "./api.js";
import { address, inspectPath, navigate } from "./router.js";
import { sampleIn } from "./transformations.js";
import { Copy, Empty, Heading, html, Problem, useLoaded } from "./ui.js";

/**
 * @typedef {{ name: string, group: string, title: string, expected: string, choices?: string[] }} Parameter
 * @typedef {{ name: string, parameters: Parameter[], width?: string }} Language
 * @typedef {{ url: string, signed: string, picture: string, srcset: string, snippets: { title: string, code: string }[] }} Built
 */

/** Widths of a `srcset`, and a number that stands for the width in a template. */
const WIDTHS = [320, 640, 960, 1280, 1920];
const ANY_WIDTH = "987654";

/** Milliseconds without a key press after which the picture is requested. */
const PAUSE_MS = 300;

/** Parameters of the page's own address; all others are those of the language. */
const OWN = ["endpoint", "language", "path"];

export function Builder() {
  const { data, error, reload } = useLoaded(async () => {
    const [languages, recent] = await Promise.all([call("/data/languages"), call("/data/recent")]);
    return { languages: /** @type {Language[]} */ (languages), sample: sampleIn(recent) };
  });
  const languages = data?.languages ?? [];
  const endpoints = (session.value?.endpoints ?? []).filter((one) => languagesOf(one, languages).length > 0);
  const query = address.value.searchParams;
  const endpoint =
    endpoints.find(({ name }) => name === query.get("endpoint")) ??
    endpoints.find(({ name }) => name === "default") ??
    endpoints[0];
  const own = endpoint ? languagesOf(endpoint, languages) : [];
  const language = own.find(({ name }) => name === query.get("language")) ?? own[0];
  return html`
    <${Heading} title="URL builder"><p class="lead">Compose a URL, see its picture, copy it as code.</p><//>
    ${error && html`<${Problem} error=${error} onRetry=${reload} />`}
    ${data && !language && html`<${Empty} title="No language to write URLs"><p>None of the URL languages that are installed can be written here.</p><//>`}
    ${data && language && html`<${Composer} endpoints=${endpoints} endpoint=${endpoint} languages=${own} language=${language} sample=${data.sample} />`}
  `;
}

/** The languages that URLs of an endpoint are written in, in its order. @param {import("./api.js").EndpointInfo} endpoint @param {Language[]} languages */
const languagesOf = ({ languages: names }, languages) =>
  names.length === 0 ? languages : names.flatMap((one) => languages.filter(({ name }) => name === one));

/** Changes the address of the page, which contains everything that was chosen. @param {string} name @param {string | undefined} value */
function set(name, value) {
  const { searchParams } = new URL(location.href);
  if (value === undefined) searchParams.delete(name);
  else searchParams.set(name, value);
  navigate(`/-/console/builder?${searchParams}`, { replace: true });
}

/** @param {{ endpoints: import("./api.js").EndpointInfo[], endpoint: import("./api.js").EndpointInfo, languages: Language[], language: Language, sample: string }} props */
function Composer({ endpoints, endpoint, languages, language, sample }) {
  const query = address.value.searchParams;
  const path = query.get("path") ?? sample;
  const values = /** @type {[string, string][]} */ (
    [...query].filter(([name]) => !OWN.includes(name) && language.parameters.some((one) => one.name === name))
  );
  const built = useBuilt(endpoint, language, path, values);
  const groups = [...new Set(language.parameters.map(({ group }) => group))];
  return html`<div class="builder">
      <section class="card builder-file" aria-label="File">
        <div class="editor">
          <div class="field"><label for="build-endpoint">Endpoint</label>
            <select id="build-endpoint" value=${endpoint.name} onChange=${(/** @type {any} */ event) => set("endpoint", event.target.value)}>
              ${endpoints.map(({ name }) => html`<option value=${name} key=${name}>${name}</option>`)}
            </select></div>
          ${
            languages.length > 1 &&
            html`<div class="field"><label for="build-language">Language</label>
            <select id="build-language" value=${language.name} onChange=${(/** @type {any} */ event) => set("language", event.target.value)}>
              ${languages.map(({ name }) => html`<option value=${name} key=${name}>${name.replace(/^url-/, "")}</option>`)}
            </select></div>`
          }
          <div class="field"><label for="build-path">Path of the original</label>
            <input type="text" id="build-path" value=${path} placeholder="products/shoe.jpg" spellcheck=${false} autocomplete="off" autocapitalize="off" onInput=${(/** @type {any} */ event) => set("path", event.target.value)} /></div>
        </div>
      </section>
    <div class="builder-result"><${Result} built=${built} path=${path} /></div>
    <div class="builder-parameters">
      ${groups.map(
        (group) =>
          html`<${Group} key=${group} title=${group} values=${values} endpoint=${endpoint} parameters=${language.parameters.filter((one) => one.group === group)} />`,
      )}
    </div>
  </div>`;
}

/** @param {{ title: string, parameters: Parameter[], values: [string, string][], endpoint: import("./api.js").EndpointInfo }} props */
function Group({ title, parameters, values, endpoint }) {
  const used = parameters.filter(({ name }) => values.some(([one]) => one === name)).length;
  return html`<details class="card parameters" open=${used > 0 || title === "Size and crop"}>
    <summary>${title} <span class="soft">${used > 0 ? `${used} set` : ""}</span></summary>
    <div class="parameter-grid">
      ${parameters.map((one) => html`<${Field} key=${one.name} parameter=${one} value=${values.find(([name]) => name === one.name)?.[1]} names=${one.group === "Named transformation" ? endpoint.namedTransformations.map(({ name }) => name) : undefined} />`)}
    </div>
  </details>`;
}

/** @param {{ parameter: Parameter, value: string | undefined, names?: string[] | undefined }} props */
function Field({ parameter: { name, title, expected, choices = [] }, value, names }) {
  const id = `build-${name}`;
  const options = names ?? choices;
  const label = html`<label for=${id}>${title} <code>${name}</code></label>`;
  if (expected === "" && !names) {
    return html`<div class="field check"><label><input type="checkbox" id=${id} checked=${value !== undefined} onChange=${(/** @type {any} */ event) => set(name, event.target.checked ? "" : undefined)} />${title} <code>${name}</code></label></div>`;
  }
  if (options.length > 0) {
    return html`<div class="field">${label}
      <select id=${id} value=${value ?? ""} onChange=${(/** @type {any} */ event) => set(name, event.target.value || undefined)}>
        <option value="">–</option>
        ${options.map((one) => html`<option value=${one} key=${one}>${one}</option>`)}
      </select></div>`;
  }
  return html`<div class="field">${label}
    <input type="text" id=${id} value=${value ?? ""} placeholder=${expected} title=${expected} spellcheck=${false} autocomplete="off" autocapitalize="off" onInput=${(/** @type {any} */ event) => set(name, event.target.value.trim() || undefined)} /></div>`;
}

/**
 * What was composed, once nobody types any more.
 * @param {import("./api.js").EndpointInfo} endpoint @param {Language} language @param {string} path @param {[string, string][]} values
 */
function useBuilt(endpoint, language, path, values) {
  const [state, setState] = useState(/** @type {{ built?: Built, error?: Error }} */ ({}));
  const key = JSON.stringify([endpoint.name, language.name, path, values]);
  useEffect(() => {
    if (path.trim() === "") return setState({});
    const stop = new AbortController();
    const timer = setTimeout(() => {
      build(endpoint, language, path.trim(), values, stop.signal).then(
        (built) => stop.signal.aborted || setState({ built }),
        (error) => stop.signal.aborted || setState({ error }),
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key]);
  return state;
}

/**
 * @param {import("./api.js").EndpointInfo} endpoint @param {Language} language @param {string} path @param {[string, string][]} values
 * @param {AbortSignal} signal
 * @returns {Promise<Built>}
 */
async function build(endpoint, language, path, values, signal) {
  const { name, width } = language;
  const withWidth = (/** @type {string} */ value) => [
    /** @type {const} */ ([width ?? "", value]),
    ...values.filter(([one]) => one !== width),
  ];
  const absolute = (/** @type {string} */ url) => new URL(url, location.origin).href;
  const base = absolute(urlBelow(endpoint, "")).replace(/\/$/, "");
  const variants =
    width === undefined
      ? [values]
      : [values, ...WIDTHS.map((value) => withWidth(String(value))), withWidth(ANY_WIDTH)];
  const { paths, code } = await call("/data/build", {
    method: "POST",
    body: { language: name, endpoint: base, path, variants },
    signal,
  });
  const [url, ...others] = paths.map((/** @type {string} */ one) => urlBelow(endpoint, one));
  const template = others.length > 0 ? absolute(others.pop()) : "";
  const { signed, picture } = await pictureAt(endpoint, url);
  const isSigned = signed !== url;
  const srcset = others
    .map((/** @type {string} */ one, /** @type {number} */ at) => `${absolute(one)} ${WIDTHS[at]}w`)
    .join(",\n          ");
  const sizes = srcset && `\n     srcset="${srcset}"\n     sizes="100vw"`;
  const image = `<img src="${absolute(signed)}"${sizes} alt="">`;
  const file = path.replace(/^\/+/, "").split("/").map(encodeURIComponent).join("/");
  const loader = template.replace(ANY_WIDTH, `\${width}`).replace(file, `\${src.replace(/^\\/+/, "")}`);
  const next = `import Image from "next/image";\n\nconst loader = ({ src, width }) =>\n  \`${loader}\`;\n\n<Image loader={loader} src=${JSON.stringify(`/${path.replace(/^\/+/, "")}`)} alt="" width={1280} height={720} />`;
  const isLoader = template.includes(file);
  // A signature is made for one URL by the private key: it belongs on a server.
  const snippets = isSigned
    ? []
    : [{ title: "HTML", code: image }, ...(isLoader ? [{ title: "next/image", code: next }] : []), ...code];
  return { url, signed: absolute(signed), picture, srcset, snippets };
}

/** @param {{ built: { built?: Built, error?: Error }, path: string }} props */
function Result({ built: { built, error }, path }) {
  const [failed, setFailed] = useState("");
  if (error) return html`<${Problem} error=${error} />`;
  if (!built)
    return html`<section class="card" aria-label="Picture"><div class="frame small-frame"><p class="soft">${path ? "Composing …" : "Enter the path of an original."}</p></div></section>`;
  const { picture, signed, url, snippets } = built;
  return html`<section class="card built" aria-label="Result">
      <div class="frame">
        ${
          failed === picture
            ? html`<p class="soft">This cannot be shown: <a href=${inspectPath(url)}>see why</a></p>`
            : html`<img key=${picture} src=${picture} alt=${`${path}, transformed`} onError=${() => setFailed(picture)} />`
        }
      </div>
      <div class="built-url"><code id="built-url">${signed}</code>
        <div><${Copy} text=${signed} label="Copy the URL" /><a class="button quiet" href=${inspectPath(url)}>Inspect</a></div></div>
    </section>
    ${snippets.map(
      ({ title, code }) => html`<section class="card snippet" key=${title} aria-label=${title}>
        <div class="snippet-head"><h2>${title}</h2><${Copy} text=${code} label=${`Copy ${title}`} /></div>
        <pre tabindex="0">${code}</pre>
      </section>`,
    )}
    ${snippets.length === 0 && html`<p class="soft small">This endpoint serves signed URLs: code has to sign each of them on a server.</p>`}`;
}
