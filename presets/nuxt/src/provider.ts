// Nuxt Image loads this module by its name, in the page and on the server. It is what `defineProvider` of `@nuxt/image/runtime` returns.
import { type ComponentImage, type ComponentOptions, createComponentUrls } from "@mediatap/html";

/** What an image requests: Nuxt Image's modifiers, `position` and `transformation`. */
export type ImageModifiers = Omit<ComponentImage, "ratio">;

export interface ProviderOptions extends ComponentOptions {
  readonly modifiers?: ImageModifiers;
}

const MODIFIERS = {
  width: true,
  height: true,
  fit: true,
  position: true,
  background: true,
  format: true,
  quality: true,
  blur: true,
  transformation: true,
} satisfies Readonly<Record<keyof ImageModifiers, true>>;

const provider = {
  /** Throws `TypeError` for modifiers that no URL can express. */
  getImage(src: string, { modifiers = {}, server, widths }: ProviderOptions): { url: string } {
    const unknown = Object.entries(modifiers).find(
      ([name, value]) => value !== undefined && !Object.hasOwn(MODIFIERS, name),
    );
    if (unknown) {
      const names = Object.keys(MODIFIERS).join(", ");
      throw new TypeError(`Expected one of ${names} as a modifier but received '${unknown[0]}'`);
    }
    return { url: createComponentUrls({ server, widths }).url(src, modifiers) };
  },
};

export default () => provider;
