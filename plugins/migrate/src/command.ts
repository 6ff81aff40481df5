import { writeFile } from "node:fs/promises";
import { MediaError, type PluginApi } from "@mediatap/core";
import type { Checked } from "./check.ts";
import type { Gallery } from "./report.ts";

type Api = Pick<PluginApi, "command" | "jobs">;
type Program = Parameters<Parameters<PluginApi["command"]>[0]>[0];

/** As current browsers send it for images. */
const ACCEPT = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";

/** Milliseconds between two lines that tell how far it is. */
const PROGRESS_INTERVAL_MS = 1_000;

/** Adds `mediatap migrate`. */
export function addMigrate({ command, jobs }: Api): void {
  command((program) => {
    const group = program.command("migrate").description("compare with an old service, and rewrite its URLs");
    addCheck(group, jobs);
    addShadow(group);
    addRewrite(group, jobs);
  });
}

interface CheckFlags {
  readonly from: string;
  readonly to: string;
  readonly urls: string;
  readonly sample: string;
  readonly accept: string;
  readonly ssim: string;
  readonly ssimulacra2: boolean;
  readonly concurrency: string;
  readonly json?: string;
  readonly html?: string;
}

function addCheck(group: Program, jobs: Api["jobs"]): void {
  group
    .command("check")
    .description("request URLs from the old service and from the new server, and compare the responses")
    .requiredOption("--from <url>", "the old service: https://res.cloudinary.com/demo")
    .option("--to <url>", "the new server", "http://localhost:3000")
    .requiredOption("--urls <file>", "access log, sitemap, or list of URLs")
    .option("--sample <count>", "how many of the distinct URLs", "500")
    .option("--accept <types>", "the header Accept of the requests", ACCEPT)
    .option("--ssim <value>", "least structural similarity of equal pictures, 0–1", "0.9")
    .option(
      "--ssimulacra2",
      "also report the SSIMULACRA 2 score of pictures, about a second for each megapixel",
      false,
    )
    .option("--concurrency <count>", "URLs that are requested at a time", "4")
    .option("--json <file>", "also write all results as JSON")
    .option("--html <file>", "also write a report with pictures, as one page")
    .action(async (flags: CheckFlags) => {
      const { check } = await import("./check.ts");
      const { readUrls, sampleOf } = await import("./urls.ts");
      const { createGallery } = await import("./report.ts");
      const options = {
        from: httpUrl(flags.from, "--from"),
        to: httpUrl(flags.to, "--to"),
        accept: flags.accept,
        ssim: numberIn(flags.ssim, "--ssim", 0, 1),
        ssimulacra2: flags.ssimulacra2,
        concurrency: count(flags.concurrency, "--concurrency"),
        timeout: 60_000,
      };
      const all = await readUrls(flags.urls, options.from);
      const urls = sampleOf(all, count(flags.sample, "--sample"));
      const gallery = createGallery();
      const onProgress = progress(urls.length);
      const results = await check(urls, jobs, { ...options, onProgress }, async (checked, pictures) => {
        if (flags.html !== undefined) await gallery.add(checked, pictures);
      });
      await report(results, gallery.pictures, flags, {
        head: `${urls.length} of ${all.length} URLs`,
        from: options.from.href,
        to: options.to.href,
      });
    });
}

interface ReportFlags {
  readonly json?: string;
  readonly html?: string;
}

/** What was compared: for people, and what it is called in files. */
interface Subject {
  readonly head: string;
  readonly from: string;
  readonly to: string;
}

/** Writes and prints results. Throws `ECONFIG` if they are not all equal. */
async function report(
  results: readonly Checked[],
  pictures: Gallery["pictures"],
  { html, json }: ReportFlags,
  { head, from, to }: Subject,
): Promise<void> {
  const { countsOf, htmlReport, printReport } = await import("./report.ts");
  const { configurationFor } = await import("./configuration.ts");
  const configuration = configurationFor(results, new URL(from));
  if (html !== undefined)
    await writeFile(html, htmlReport(results, { pictures }, configuration, { from, to }));
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ from, to, results }, null, 2)}\n`);
  console.log(`${head}\n\n${printReport(results, configuration)}`);
  const others = results.length - countsOf(results).equal;
  if (others > 0) throw new MediaError("ECONFIG", `${others} of ${results.length} URLs are not equal`);
}

interface ShadowFlags extends ReportFlags {
  readonly endpoint?: string;
}

function addShadow(group: Program): void {
  group
    .command("shadow")
    .description("print what a server has compared in the background while the old service answered")
    .argument("<folder>", "the endpoint's migrate.report")
    .option("--endpoint <name>", "only of this endpoint")
    .option("--json <file>", "also write all results as JSON")
    .option("--html <file>", "also write a report with pictures, as one page")
    .action(async (folder: string, flags: ShadowFlags) => {
      const { readShadow } = await import("./shadow-log.ts");
      const { entries, count, first, from } = await readShadow(folder, flags.endpoint);
      const pictures = new Map(
        entries.flatMap(({ result, pictures }) => (pictures ? [[result.url, pictures] as const] : [])),
      );
      await report(
        entries.map(({ result }) => result),
        pictures,
        flags,
        {
          head: `${entries.length} URLs, compared ${count} times since ${first}`,
          from,
          to: "this server",
        },
      );
    });
}

interface RewriteFlags {
  readonly from: string;
  readonly to: string;
  readonly language: string;
  readonly write: boolean;
}

function addRewrite(group: Program, jobs: Api["jobs"]): void {
  group
    .command("rewrite")
    .description("print, or replace in files, URLs in another URL language of this configuration")
    .argument("<files...>", "HTML, Markdown, JSON or other text files")
    .requiredOption("--from <url>", "where the old URLs begin: https://res.cloudinary.com")
    .requiredOption("--to <url>", "where the new ones begin: https://img.example.com")
    .option("--language <name>", "URL language of the new ones", "url-imagekit")
    .option("--write", "replace them in the files", false)
    .action(async (files: string[], flags: RewriteFlags) => {
      const { rewriteFile } = await import("./rewrite.ts");
      const { language, write } = flags;
      const options = { from: httpUrl(flags.from, "--from"), to: httpUrl(flags.to, "--to"), language, write };
      let [done, left] = [0, 0];
      for (const file of files) {
        for (const { old, new: own, message } of await rewriteFile(file, jobs, options)) {
          if (own === undefined) {
            left++;
            console.error(`${file}: ${old}: ${message}`);
          } else {
            done++;
            console.log(`${old} → ${own}`);
          }
        }
      }
      console.error(`${done} URLs ${write ? "were rewritten" : "can be rewritten"}`);
      if (left > 0) throw new MediaError("ECONFIG", `${left} of ${done + left} URLs cannot be rewritten`);
    });
}

function httpUrl(text: string, flag: string): URL {
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new MediaError("ECONFIG", `Expected http or https URL for ${flag} but received '${text}'`);
}

function numberIn(text: string, flag: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= min && value <= max) return value;
  throw new MediaError(
    "ECONFIG",
    `Expected number between ${min} and ${max} for ${flag} but received '${text}'`,
  );
}

function count(text: string, flag: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new MediaError("ECONFIG", `Expected positive integer for ${flag} but received '${text}'`);
}

function progress(total: number): (done: number) => void {
  let shown = performance.now();
  return (done) => {
    if (done < total && performance.now() - shown < PROGRESS_INTERVAL_MS) return;
    shown = performance.now();
    console.error(`${done} of ${total} URLs`);
  };
}
