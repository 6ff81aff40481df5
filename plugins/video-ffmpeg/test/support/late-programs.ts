import { basename } from "node:path";
import { codeOf } from "@mediatap/core";
import { useUpDescriptors } from "@mediatap/test";
import { sandbox } from "../../src/process/sandbox.ts";
import { Toolbox } from "../../src/process/tools.ts";

// A server that begins without descriptors: what it cannot find out then it finds out later.

const toolbox = new Toolbox({});
const bounds = () => sandbox({ niceness: 10, cpu: 1, fileBytes: 1 });
const codes: unknown[] = [];
const release = useUpDescriptors(0);
for (const work of [bounds, () => toolbox.program(), () => toolbox.tools()]) {
  try {
    await work();
  } catch (error) {
    codes.push(codeOf(error));
  }
}
release();
const { ffmpeg, encoders } = await toolbox.tools();
const later = [basename(bounds()[0] ?? ""), basename(ffmpeg), encoders.has("libx264")];
process.stdout.write(JSON.stringify({ short: codes, later }));
