export type Style = "regular" | "bold" | "italic" | "boldItalic";

/** The style of a font file by its name, as the packages known write it; `undefined`: none that text is set in. */
export function styleOf(file: string): Style | undefined {
  const match = /[_-](?:400)?(Regular|Bold|700Bold|Italic|BoldItalic)(_Italic)?\.(?:ttf|otf)$/.exec(file);
  if (!match) return undefined;
  const bold = match[1]?.includes("Bold");
  const italic = match[2] !== undefined || match[1]?.endsWith("Italic");
  if (bold) return italic ? "boldItalic" : "bold";
  return italic ? "italic" : "regular";
}
