import { session } from "./api.js";
import { Copy, html, Icon, Pill } from "./ui.js";
import { ago, bytes, cacheName, count, duration, formatOf, pairs, span } from "./words.js";

/**
 * @typedef {"good" | "warn" | "bad" | "idle"} Tone
 * @typedef {import("@mediatap/core").Explanation} Explanation
 * @typedef {{ [K in keyof Explanation]-?: K extends "plan" ? any : NonNullable<Explanation[K]> }} Seen as the page reads it: it shows
 *   a part only if that is there
 */

const ICON = /** @type {const} */ ({ good: "check", warn: "warn", bad: "cross", idle: "dot" });

/** @param {{ title: string, tone?: Tone, value?: unknown, children?: unknown }} props */
const Step = ({ title, tone = "good", value, children }) =>
  html`<li class=${`step ${tone}`}>
    <span class="mark"><${Icon} name=${ICON[tone]} /></span>
    <div class="step-head"><h3>${title}</h3><div class="step-value">${value}</div></div>
    ${children && html`<div class="step-body">${children}</div>`}
  </li>`;

const BY = /** @type {const} */ ({
  host: "found by its host name",
  path: "found by the start of the path",
  default: "no other endpoint matches",
});

/**
 * What the server does for a URL, from the endpoint to the plan.
 * @param {{ explanation: Seen, client: { title: string } }} props
 */
export function Journey({ explanation, client }) {
  const { endpoint, asset, errors } = explanation;
  return html`<section class="card" aria-labelledby="journey-title">
    <h2 id="journey-title">What the server does</h2>
    <ol class="journey">
      ${endpoint && html`<${EndpointStep} endpoint=${endpoint} />`}
      ${asset && html`<${Step} title="Asset" value=${html`<code>${asset.path}</code>`}><p class="soft">${asset.kind === "url" ? "an address on the web" : `${asset.media === "image" ? "an" : "a"} ${asset.media} by its name`}, read by ${explanation.language}</p><//>`}
      ${explanation.signature && html`<${Signature} explanation=${explanation} />`}
      ${explanation.transformation && html`<${TransformationStep} explanation=${explanation} client=${client} />`}
      ${explanation.tiers && html`<${Caches} explanation=${explanation} />`}
      ${endpoint && html`<${Origins} origins=${explanation.origins} />`}
      ${explanation.source && html`<${Source} explanation=${explanation} />`}
      ${explanation.plan !== "pending" && html`<${Plan} explanation=${explanation} />`}
      ${explanation.fallback && html`<${Step} title="Default image" tone="idle" value=${html`<code>${explanation.fallback}</code>`} />`}
      ${explanation.notes && html`<${Step} title="Notes" tone="warn"><ul class="plain">${explanation.notes.map((note) => html`<li>${note}</li>`)}</ul><//>`}
      ${
        errors.length > 0 &&
        html`<${Step} title=${errors.length > 1 ? "Errors" : "Error"} tone="bad"><ul class="plain">
        ${errors.map((error) => html`<li><code class="code">${error.status} ${error.code}</code> ${error.message}${error.plugin ? html` <span class="soft">(${error.plugin})</span>` : ""}</li>`)}
      </ul><//>`
      }
    </ol>
  </section>`;
}

/** @param {{ endpoint: { name: string, by: keyof typeof BY } }} props */
function EndpointStep({ endpoint }) {
  const known = session.value?.endpoints?.find(({ name }) => name === endpoint.name);
  const rules = [
    known &&
      known.restrictUnsigned !== "none" &&
      `signed URLs only${known.restrictUnsigned === "all" ? "" : ` (${known.restrictUnsigned})`}`,
    known?.restrictUnnamed && "named transformations only",
  ].filter(Boolean);
  return html`<${Step} title="Endpoint" value=${html`<b>${endpoint.name}</b>`}>
    <p class="soft">${BY[endpoint.by]}${rules.length > 0 ? `; ${rules.join(", ")}` : ""}</p>
  <//>`;
}

/** @type {Readonly<Record<string, readonly [Tone, string]>>} */
const SIGNATURES = {
  valid: ["good", "valid"],
  unsigned: ["idle", "none"],
  wrong: ["bad", "does not match"],
  expired: ["bad", "expired"],
};

/** @param {{ explanation: Seen }} props */
function Signature({ explanation: { signature, signatureFault, errors } }) {
  const [tone, words] = SIGNATURES[signature] ?? ["idle", signature];
  const isMissing = signature === "unsigned" && errors.some(({ code }) => code === "ESIGNATURE");
  return html`<${Step} title="Signature" tone=${isMissing ? "bad" : signatureFault && tone === "idle" ? "warn" : tone} value=${html`<b>${isMissing ? "missing" : words}</b>`}>
    ${signatureFault && html`<p>${signatureFault}</p>`}
  <//>`;
}

/** @param {{ explanation: Seen, client: { title: string } }} props */
function TransformationStep({ explanation, client }) {
  const { steps, output } = explanation.transformation;
  const { accept, plan } = explanation;
  const why = plan?.explanation?.why;
  return html`<${Step} title="Transformation" tone=${steps.length > 0 ? "good" : "idle"} value=${steps.length === 0 ? "no steps" : `${steps.length} ${steps.length === 1 ? "step" : "steps"}`}>
    ${
      steps.length > 0 &&
      html`<ol class="ops">
        ${steps.map(({ op, ...fields }) => html`<li class="op"><b>${op}</b> <${Fields} fields=${fields} /></li>`)}
      </ol>`
    }
    <p class="soft output">Output: <${Fields} fields=${output} /></p>
    ${accept?.negotiated && html`<p class="soft">The format depends on the client (${client.title})${why ? `: ${why}` : ""}.</p>`}
  <//>`;
}

/** @param {{ fields: object }} props */
const Fields = ({ fields }) =>
  html`<span class="fields">${pairs(fields).map(([name, value]) => html`<span><i>${name}</i> ${value}</span>`)}</span>`;

/** @type {Readonly<Record<string, Tone>>} */
const TIER_TONES = { fresh: "good", stale: "warn", miss: "idle", unusable: "bad" };

/** @param {{ explanation: Seen }} props */
function Caches({ explanation: { tiers, key } }) {
  const found = tiers.find(({ state }) => state !== "miss");
  const now = Date.now();
  return html`<${Step} title="Caches, before this request" tone=${found ? (TIER_TONES[found.state] ?? "idle") : "idle"} value=${tiers.length === 0 ? "none configured" : (found?.state ?? "nothing stored")}>
    ${
      tiers.length > 0 &&
      html`<ul class="tiers">
        ${tiers.map(
          (
            /** @type {any} */ { name, state, stored, freshUntil, bytes: length },
          ) => html`<li class="tier" key=${name}>
            <b class="tier-name">${cacheName(name)}</b>
            <${Pill} tone=${TIER_TONES[state]}>${state}<//>
            <span class="soft">${
              stored === undefined
                ? ""
                : `${ago(stored, now)}, ${freshUntil > now ? `fresh for ${span((freshUntil - now) / 1000)}` : `stale for ${span((now - freshUntil) / 1000)}`}${length === undefined ? "" : `, ${bytes(length)}`}`
            }</span>
          </li>`,
        )}
      </ul>`
    }
    ${key && html`<p class="soft key"><span>Key</span> <code>${key}</code> <${Copy} text=${key} label="Copy the cache key" /></p>`}
  <//>`;
}

/** @type {Readonly<Record<string, Tone>>} */
const ORIGIN_TONES = { found: "good", "not here": "idle", failed: "bad", "not asked": "idle" };

/** @param {{ origins: Seen["origins"] }} props */
function Origins({ origins }) {
  const found = origins.find(({ answer }) => answer === "found");
  const failed = origins.find(({ answer }) => answer === "failed");
  const wasAsked = origins.some(({ answer }) => answer !== "not asked");
  return html`<${Step} title="Origins" tone=${found ? (failed ? "warn" : "good") : wasAsked ? "bad" : "idle"} value=${found ? html`found in <b>${found.name}</b>` : origins.length === 0 ? "none for this kind of address" : wasAsked ? "not found" : "not asked"}>
    <ol class="tiers">
      ${origins.map(
        ({ name, type, label, answer, error }) => html`<li class="tier" key=${name}>
          <b class="tier-name">${name}</b>
          <${Pill} tone=${ORIGIN_TONES[answer]}>${answer}<//>
          <span class="soft">${label ?? type}${error ? `: ${error.message}${error.cause && error.cause !== error.message ? `: ${error.cause}` : ""}` : ""}</span>
        </li>`,
      )}
    </ol>
  <//>`;
}

/** @param {{ explanation: Seen }} props */
function Source({ explanation: { source, metadata } }) {
  const { header } = metadata;
  const isKnown = typeof header === "object";
  const rows = [
    ["Size", bytes(source.size)],
    isKnown && [
      "Pixels",
      `${header.width} × ${header.height}${header.frames > 1 ? `, ${header.frames} frames` : ""}`,
    ],
    isKnown && [
      "Colours",
      `${header.depth ?? 8} bits${header.alpha ? ", with alpha" : ""}${header.palette ? ", palette" : ""}`,
    ],
    isKnown && header.orientation > 1 && ["EXIF orientation", String(header.orientation)],
    source.type && ["Type", source.type],
    source.etag && ["ETag", source.etag],
    source.lastModified !== undefined && ["Modified", `${ago(source.lastModified)}`],
    source.cacheControl && ["Cache-Control", source.cacheControl],
    source.copy && [
      "Read from",
      `${source.copy.stale ? "a stale" : "a"} copy in ${cacheName(source.copy.by)}`,
    ],
    source.private && ["Access", "private: signed URLs only"],
  ].filter((row) => Array.isArray(row));
  return html`<${Step} title="Source" value=${isKnown ? html`<b>${formatOf(header.format)}</b>` : "read by no engine"} tone=${isKnown ? "good" : "idle"}>
    <dl class="facts">${rows.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  <//>`;
}

/** Limits in words. @type {Readonly<Record<string, readonly [string, (value: number) => string]>>} */
const LIMITS = {
  imageBytes: ["Source size", bytes],
  svgBytes: ["SVG size", bytes],
  pdfBytes: ["PDF size", bytes],
  megapixels: ["Megapixels", count],
  frames: ["Frames", count],
  frameMegapixels: ["Megapixels of a frame", count],
  imageWork: ["Work", duration],
  memory: ["Memory", bytes],
};

/** @param {{ explanation: Seen }} props */
function Plan({ explanation: { plan, limits } }) {
  if (plan === "none")
    return html`<${Step} title="Plan" tone="idle" value="the file is delivered as it is" />`;
  const { passes = [], ...more } = plan.explanation ?? {};
  const uses = Array.isArray(limits) ? limits : [];
  const isOver = uses.some(({ exceeded }) => exceeded);
  return html`<${Step} title="Plan and price" tone=${isOver ? "bad" : "good"} value=${html`about <b>${duration(plan.cost)}</b> of one core`}>
    <p class="soft">${plan.engine}, queue class ${plan.lane}, about ${bytes(plan.memory)} of memory</p>
    ${passes.length > 0 && html`<ol class="ops">${passes.map((/** @type {string} */ pass) => html`<li class="op">${pass}</li>`)}</ol>`}
    <ul class="limits" aria-label="Limits">
      ${uses.map(({ name, used, allowed, exceeded }) => {
        const [words, unit] = LIMITS[name] ?? [name, count];
        return html`<li key=${name} class=${`limit ${exceeded ? "over" : ""}`}>
          <span>${words}</span>
          <span class="track" aria-hidden="true"><i style=${{ width: `${Math.min(100, Math.max(1, (used / allowed) * 100))}%` }}></i></span>
          <span class="soft">${unit(used)} of ${unit(allowed)}</span>
        </li>`;
      })}
    </ul>
    <details><summary>All of the plan</summary><pre tabindex="0">${JSON.stringify(more, null, 2)}</pre></details>
  <//>`;
}
