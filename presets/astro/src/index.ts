import { type ComponentOptions, createComponentUrls } from "@mediatap/html";

export interface ImageServiceOptions extends ComponentOptions {
  /** Whether the server renders. @default if `NODE_ENV` is `production`: `astro dev` renders by itself */
  readonly enabled?: boolean | undefined;
}

/** The field `image.service` of Astro's configuration. */
export interface ImageServiceConfig {
  entrypoint: string;
  config: Record<string, unknown>;
}

/** Has a server render the images of Astro's components. Throws `TypeError` if an option is wrong. */
export function mediatapImageService({ enabled, ...options }: ImageServiceOptions): ImageServiceConfig {
  createComponentUrls(options);
  return (enabled ?? process.env.NODE_ENV === "production")
    ? { entrypoint: "@mediatap/astro/service", config: { ...options } }
    : { entrypoint: "astro/assets/services/sharp", config: {} };
}
