/** The little of these parsers that is used here: they come without types. */
declare module "m3u8-parser" {
  export class Parser {
    push(text: string): void;
    end(): void;
    readonly manifest: unknown;
  }
}
declare module "mpd-parser" {
  export function parse(text: string, options: { readonly manifestUri: string }): unknown;
}
