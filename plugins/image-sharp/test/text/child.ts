// Renders a few texts and prints the results, for `text-fonts.test.ts`.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Fonts } from "../../src/text/index.ts";
import { LOBSTER, textRenderer } from "./helpers.ts";

const fonts = new Fonts();
const render = textRenderer(fonts);
const custom = readFileSync(LOBSTER);
const hash = createHash("sha256");
for (const [text, style] of [
  ["Hägj Привет Γειά שלום مرحبا नमस्ते สวัสดี", {}],
  ["Hägj Привет Γειά שלום مرحبا नमस्ते สวัสดี", { bold: true, italic: true }],
  ["你好 \u{12345} 😀 Z\u0337", {}],
  ["Hägj 你 Привет", { font: custom, bold: true, italic: true }],
  ["Hägj", { font: "Lobster", bold: true, italic: true }],
  ["Hägj", { font: "Arial", strikethrough: true, width: 70 }],
] as const) {
  const { data, width, height } = await render(text, style);
  hash.update(`${width}x${height}`).update(data);
}
await fonts.close();
console.log(hash.digest("hex"));
