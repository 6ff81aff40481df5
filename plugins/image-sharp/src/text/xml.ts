/** Text as XML, and as Pango's markup, of itself: nothing in it is a tag or an entity. */
export const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.codePointAt(0)};`);
