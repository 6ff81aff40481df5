import { type ComponentOptions, createComponentUrls } from "@mediatap/html";

export interface ImageOptions extends ComponentOptions {
  /** Whether the server renders. @default if `NODE_ENV` is `production`: `nuxt dev` renders by itself */
  readonly enabled?: boolean | undefined;
}

/** The part of Nuxt Image's configuration that is set here. */
export interface ImageConfig {
  provider?: string;
  providers?: Record<string, { provider: string; options: ComponentOptions }>;
}

/** The field `image` of Nuxt's configuration: a server renders the images. Throws `TypeError` if an option is wrong. */
export function mediatapImages({ enabled, ...options }: ImageOptions): ImageConfig {
  createComponentUrls(options);
  return (enabled ?? process.env.NODE_ENV === "production")
    ? { provider: "mediatap", providers: { mediatap: { provider: "@mediatap/nuxt/provider", options } } }
    : {};
}
