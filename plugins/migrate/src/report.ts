import { printable } from "@mediatap/core";
import type { Checked, Pictures, Verdict } from "./check.ts";
import type { ResponseSummary } from "./compare.ts";

/** Pairs of pictures that the report shows at most: of URLs that differ, and of equal ones. */
const MAX_PICTURES = { different: 60, equal: 12 };

/** Width of a picture in the report. */
const SHOWN_WIDTH = 480;

/** In the order in which they matter. */
const VERDICTS: readonly Verdict[] = ["different", "refused", "unknown", "failed", "equal"];

const MEANINGS: Readonly<Record<Verdict, string>> = {
  different: "the responses differ",
  refused: "understood, and refused by name",
  unknown: "no URL language of the new server has such URLs",
  failed: "a server sent no response",
  equal: "same status, type and size, and pictures that are alike",
};

export type Counts = Readonly<Record<Verdict, number>>;

export function countsOf(results: readonly Checked[]): Counts {
  const counts: Record<Verdict, number> = { different: 0, refused: 0, unknown: 0, failed: 0, equal: 0 };
  for (const { verdict } of results) counts[verdict]++;
  return counts;
}

/** A table of the verdicts, then the differing groups with an example each. */
export function printReport(results: readonly Checked[], configuration: string): string {
  const counts = countsOf(results);
  const share = (count: number) => `${((count / results.length) * 100).toFixed(1)} %`;
  const lines = VERDICTS.filter((verdict) => counts[verdict] > 0).map(
    (verdict) =>
      `${String(counts[verdict]).padStart(7)} ${share(counts[verdict]).padStart(8)}  ${verdict.padEnd(9)}  ${MEANINGS[verdict]}`,
  );
  const groups = groupsOf(results.filter(({ verdict }) => verdict !== "equal"));
  const examples = groups.map(([group, [first, ...others]]) => {
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    return `${group}${more}\n  ${printable(first.url, 500)}\n  ${printable(reasonOf(first), 500)}`;
  });
  return [lines.join("\n"), ...examples, configuration].join("\n\n");
}

/** By what the URLs ask for, the largest group first. */
function groupsOf(results: readonly Checked[]): [group: string, results: [Checked, ...Checked[]]][] {
  const groups = new Map<string, [Checked, ...Checked[]]>();
  for (const result of results) {
    const group = groups.get(result.group);
    if (group) group.push(result);
    else groups.set(result.group, [result]);
  }
  return [...groups].sort(([, a], [, b]) => b.length - a.length);
}

export function reasonOf(result: Checked): string {
  if (!("comparison" in result)) return result.message;
  const { differences, notes } = result.comparison;
  return [...differences, ...notes].join("; ");
}

/** Small copies of the pictures of a URL, as `data:` URLs. */
export interface PicturePair {
  readonly old: string;
  readonly new: string;
}

/** Collects what the HTML report shows: small copies of pictures, for some URLs of each verdict. */
export function createGallery() {
  const shown = new Map<string, PicturePair>();
  const remainingPictures = { ...MAX_PICTURES };
  return {
    pictures: shown as ReadonlyMap<string, PicturePair>,
    async add({ url, verdict }: Checked, pictures: Pictures): Promise<void> {
      if ((verdict !== "different" && verdict !== "equal") || remainingPictures[verdict] === 0) return;
      remainingPictures[verdict]--;
      const [old, own] = await Promise.all([dataUrl(pictures.old.body), dataUrl(pictures.new.body)]);
      if (old !== "" || own !== "") shown.set(url, { old, new: own });
    },
    /** The pictures of a URL, which are not kept any longer. */
    take(url: string): PicturePair | undefined {
      const pair = shown.get(url);
      shown.delete(url);
      return pair;
    },
  };
}

/** A small copy of a picture; empty: the bytes are none. */
async function dataUrl(body: Buffer): Promise<string> {
  const { default: sharp } = await import("sharp");
  try {
    const small = sharp(body).autoOrient().resize({ width: SHOWN_WIDTH, withoutEnlargement: true });
    return `data:image/webp;base64,${(await small.webp({ quality: 80 }).toBuffer()).toString("base64")}`;
  } catch {
    return "";
  }
}

export type Gallery = Pick<ReturnType<typeof createGallery>, "pictures">;

/** One page without anything from elsewhere: differences first, grouped, with pictures side by side. */
export function htmlReport(
  results: readonly Checked[],
  { pictures }: Gallery,
  configuration: string,
  { from, to }: { readonly from: string; readonly to: string },
): string {
  const counts = countsOf(results);
  const rows = VERDICTS.map(
    (verdict) =>
      `<tr><th scope="row">${verdict}</th><td>${counts[verdict]}</td><td>${percent(counts[verdict], results.length)}</td><td>${MEANINGS[verdict]}</td></tr>`,
  );
  const parts = VERDICTS.map((verdict) => part(verdict, results, pictures)).filter(Boolean);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Migration check</title>
<style>${STYLE}</style>
<main>
<h1>Migration check</h1>
<p>${results.length} URLs of <code>${escaped(from)}</code>, compared with <code>${escaped(to)}</code>.</p>
<table><thead><tr><th>Result</th><th>URLs</th><th>Share</th><th>Meaning</th></tr></thead><tbody>${rows.join("")}</tbody></table>
${parts.join("\n")}
<h2>Configuration</h2>
<pre>${escaped(configuration)}</pre>
</main>
</html>
`;
}

const percent = (count: number, all: number) => `${((count / Math.max(1, all)) * 100).toFixed(1)} %`;

function part(verdict: Verdict, results: readonly Checked[], pictures: Gallery["pictures"]): string {
  const groups = groupsOf(results.filter((result) => result.verdict === verdict));
  if (groups.length === 0) return "";
  const inner = groups.map(
    ([group, members]) =>
      `<details${verdict === "equal" ? "" : " open"}><summary>${escaped(group)} <small>${members.length}</small></summary>${members.map((result) => item(result, pictures)).join("\n")}</details>`,
  );
  return `<h2>${verdict[0]?.toUpperCase()}${verdict.slice(1)}</h2>\n${inner.join("\n")}`;
}

function item(result: Checked, pictures: Gallery["pictures"]): string {
  const pair = pictures.get(result.url);
  const summary = "comparison" in result ? result.comparison : undefined;
  const sides = [
    ["old", summary?.old, pair?.old],
    ["new", summary?.new, pair?.new],
  ] as const;
  const figures = summary
    ? `<div class="sides">${sides.map(([side, fact, picture]) => figure(side, fact, picture)).join("")}</div>`
    : "";
  const scores = [
    ...(summary?.ssim === undefined ? [] : [`similarity ${summary.ssim.toFixed(3)}`]),
    ...(summary?.ssimulacra2 === undefined ? [] : [`SSIMULACRA 2 ${summary.ssimulacra2.toFixed(1)}`]),
  ];
  const likeness = scores.length === 0 ? "" : ` <small>${scores.join(", ")}</small>`;
  return `<article><p><code>${escaped(result.url)}</code></p><p>${escaped(reasonOf(result) || "equal")}${likeness}</p>${figures}</article>`;
}

function figure(side: string, summary: ResponseSummary | undefined, picture: string | undefined): string {
  const { status = "", type = "", bytes = 0, width, height, time } = summary ?? {};
  const size = width === undefined ? "" : `${width} × ${height}, `;
  const image = picture ? `<img src="${picture}" alt="the ${side} picture" loading="lazy">` : "";
  return `<figure>${image}<figcaption>${side}: ${status} ${escaped(type)}, ${size}${(bytes / 1024).toFixed(1)} KiB, ${time} ms</figcaption></figure>`;
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

const STYLE = `
:root { font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 1100px; margin: 0 auto; padding: 24px 16px; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: 4px 16px 4px 0; border-bottom: 1px solid #8884; }
summary { cursor: pointer; padding: 8px 0; font-weight: 600; }
article { padding: 12px 0; border-top: 1px solid #8884; }
article p { margin: 0 0 4px; overflow-wrap: anywhere; }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 16px; }
figure { margin: 8px 0; }
img { max-width: 100%; background: #8882; }
figcaption, small { font-size: 14px; opacity: 0.8; }
pre { padding: 12px; overflow: auto; background: #8882; }
`;
