import type { Diagnosis } from "@mediatap/core";
import type { Settings } from "./options.ts";
import { examineSandbox } from "./process/sandbox.ts";
import { absolute } from "./process/spawn.ts";
import { type Toolbox, versionOf } from "./process/tools.ts";
import { CODECS } from "./stream/codecs.ts";

/** Encoders that videos need. */
const ENCODERS: readonly (readonly [name: string, encoders: readonly string[], needed: boolean])[] = [
  ["H.264", ["libx264", "libopenh264", "h264_videotoolbox"], true],
  ["AAC", ["aac", "libfdk_aac"], true],
  ["VP9", ["libvpx-vp9"], false],
  ["AV1", ["libsvtav1", "librav1e"], false],
  ["Opus", ["libopus"], false],
];
const FILTERS: readonly (readonly [name: string, what: string])[] = [
  ["zscale", "high dynamic range is shown pale"],
  ["drawtext", "no texts"],
  ["ass", "no subtitles"],
];

/** Reports the programs, and what they support. */
export async function examine(
  toolbox: Toolbox,
  { ffmpeg, ffprobe, ladders }: Pick<Settings, "ffmpeg" | "ffprobe" | "ladders">,
  { add, local }: Diagnosis,
): Promise<void> {
  const program = await toolbox.program();
  // An earlier start may have run it last.
  const version = local ? program?.version : program && (await versionOf(program.ffmpeg));
  if (!program || version === undefined) {
    add({
      what: "ffmpeg",
      state: "bad",
      text: `${ffmpeg ?? process.env.FFMPEG_BIN ?? "ffmpeg"} does not run: no videos, and no stills of them`,
      advice: "install ffmpeg, or the package ffmpeg-static, or set FFMPEG_BIN",
    });
    return;
  }
  // What follows runs programs.
  if (local) return;
  const isOld = Number.parseInt(version.replace(/^n/, ""), 10) < 5;
  add({
    what: "ffmpeg",
    state: isOld || program.broken.length > 0 ? "poor" : "good",
    text: `${version}, ${program.ffmpeg}${program.broken.map((name) => `, because ${name} does not run`).join("")}`,
    ...(isOld && { advice: "use ffmpeg 5 or newer" }),
  });
  const tools = await toolbox.tools();
  const isConfigured = ffprobe !== undefined && tools.ffprobe !== absolute(ffprobe);
  add({
    what: "ffprobe",
    state: tools.ffprobe && !isConfigured ? "good" : "poor",
    text: tools.ffprobe
      ? `${tools.ffprobe}${isConfigured ? `, because ${ffprobe} does not run` : ""}`
      : "none: the report of ffmpeg is read instead, and no rung is packaged without encoding",
  });
  const { encoders, filters } = tools;
  const requestedCodecs = ladders
    .slice(1)
    .map((ladder) => [`ladder ${ladder}`, [CODECS[ladder].encoder], true] as const);
  for (const [name, all, needed] of [...ENCODERS, ...requestedCodecs]) {
    const usable = all.filter((encoder) => encoders.has(encoder));
    add({
      what: `video ${name}`,
      state: usable.length > 0 ? "good" : needed ? "bad" : "poor",
      text:
        usable.length > 0
          ? usable.join(", ")
          : `cannot be written: this ffmpeg has none of ${all.join(", ")}`,
      ...(usable.length === 0 && { advice: "use an ffmpeg that is built with it" }),
    });
  }
  const missingFilters = FILTERS.filter(([name]) => !filters.has(name));
  add({
    what: "video filters",
    state: missingFilters.length > 0 ? "poor" : "good",
    text:
      missingFilters.length > 0
        ? missingFilters.map(([name, what]) => `no ${name}: ${what}`).join("; ")
        : FILTERS.map(([name]) => name).join(", "),
  });
  const { available, missing } = examineSandbox();
  add({
    what: "video bounds",
    state: missing.length > 0 ? "poor" : "good",
    text: `${available.length > 0 ? available.join(", ") : "none"}${missing.length > 0 ? `; not ${missing.join(", ")}` : ""}`,
    ...(missing.length > 0 && {
      advice:
        "install util-linux: without it the system does not bound what ffmpeg takes, nor end it with a killed server",
    }),
  });
}
