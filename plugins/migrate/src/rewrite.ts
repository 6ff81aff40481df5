import { readFile, rename, writeFile } from "node:fs/promises";
import { extname } from "node:path";
import type { PluginApi } from "@mediatap/core";
import { pathBelow, withoutEntities } from "./urls.ts";

type Jobs = Pick<PluginApi["jobs"], "rewrite">;

export interface RewriteOptions {
  /** Where the old URLs begin. */
  readonly from: URL;
  /** Where the new ones do. */
  readonly to: URL;
  /** Language of the new ones. */
  readonly language: string;
}

export interface Rewritten {
  readonly old: string;
  /** Left out: it stays. */
  readonly new?: string;
  /** Why it stays. */
  readonly message?: string;
}

/** Files whose URLs are written with entities. */
const MARKUP = new Set([".html", ".htm", ".xhtml", ".xml", ".svg"]);

/** What cannot be part of a URL in HTML, Markdown and JSON. */
const END = /["'`<>()[\]{}\\\s|]/;

/** A text with its URLs in the new language, and what became of each. */
export async function rewriteText(
  text: string,
  jobs: Jobs,
  options: RewriteOptions,
  isMarkup = false,
): Promise<{ readonly text: string; readonly urls: readonly Rewritten[] }> {
  const prefix = `${options.from.origin}${options.from.pathname.replace(/\/$/, "")}/`;
  const urls: Rewritten[] = [];
  let result = "";
  let at = 0;
  for (let start = text.indexOf(prefix); start >= 0; start = text.indexOf(prefix, at)) {
    const end = endOf(text, start);
    const old = text.slice(start, end);
    const rewritten = await rewriteUrl(isMarkup ? withoutEntities(old) : old, jobs, options);
    urls.push(rewritten);
    const shown =
      rewritten.new === undefined ? old : isMarkup ? rewritten.new.replaceAll("&", "&amp;") : rewritten.new;
    result += text.slice(at, start) + shown;
    at = end;
  }
  return { text: result + text.slice(at), urls };
}

/** Punctuation of the sentence or of a `srcset` that follows a URL is not part of it. */
function endOf(text: string, start: number): number {
  let end = start;
  while (end < text.length && !END.test(text[end] as string)) end++;
  while (/[.,;:!?]/.test(text[end - 1] as string)) end--;
  return end;
}

async function rewriteUrl(
  old: string,
  jobs: Jobs,
  { from, to, language }: RewriteOptions,
): Promise<Rewritten> {
  const path = pathBelow(old, from) ?? "/";
  try {
    return { old, new: `${to.origin}${to.pathname.replace(/\/$/, "")}${await jobs.rewrite(path, language)}` };
  } catch (error) {
    return { old, message: (error as Error).message };
  }
}

/** Rewrites a file; with `write` in place, whole or not at all. */
export async function rewriteFile(
  file: string,
  jobs: Jobs,
  options: RewriteOptions & { readonly write: boolean },
): Promise<readonly Rewritten[]> {
  const text = await readFile(file, "utf8");
  const rewritten = await rewriteText(text, jobs, options, MARKUP.has(extname(file).toLowerCase()));
  if (options.write && rewritten.text !== text) {
    await writeFile(`${file}.tmp`, rewritten.text);
    await rename(`${file}.tmp`, file);
  }
  return rewritten.urls;
}
