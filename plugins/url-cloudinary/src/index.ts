import { type Endpoint, MediaError, type Plugin, parseOptions } from "@mediatap/core";
import { defineLanguage, languagePlugin } from "@mediatap/core/language";
import { z } from "zod";
import { isNamed } from "./expand.ts";
import { createGrammar, HEADS, headOf, isProtected } from "./grammar.ts";
import { PARAMETERS } from "./parameters.ts";
import { createRead } from "./read.ts";
import { createSignature } from "./signature.ts";
import { ORDER } from "./steps.ts";

export { PARAMETERS };

const extension = z.string().regex(/^[a-z0-9]{0,5}$/, "Expected an extension such as jpg");

/** Paths of files of protected types. File systems that ignore case find them in any. */
const PROTECTED_FILE = /^(?:image|video|raw)\/(?:private|authenticated)\//i;

const schema = z.strictObject({
  cloudName: z
    .string()
    .regex(/^[\w-]+$/, "Expected a cloud name such as demo")
    .optional(),
  extension: extension.optional(),
  videoExtension: extension.min(1).default("mp4"),
  preserveAssetDeliveryTypes: z.boolean().default(false),
});

export interface UrlCloudinaryOptions {
  /** First segment of the path: the product environment. Left out: URLs do not contain it, as with a private CDN or CNAME. */
  readonly cloudName?: string;
  /**
   * Extension of the files of images: `jpg` if they are called `<public ID>.jpg`, `""` if `<public ID>`. That of a URL is then the
   * format alone. Left out: a URL contains the extension of its file.
   */
  readonly extension?: string;
  /**
   * Extension of the files of videos, for URLs of their pictures (`video/upload/dog.jpg`) and streams.
   * @default "mp4"
   */
  readonly videoExtension?: string;
  /**
   * Files are in folders by asset type and delivery type: `image/upload/…`, `image/authenticated/…`. Those of protected types then need
   * a signature in every language, on every endpoint.
   * @default false
   */
  readonly preserveAssetDeliveryTypes?: boolean;
}

/** Cloudinary's URL language: `/image/upload/w_300,c_fill/v1/photo.jpg`, as its transformation reference describes it. */
export function urlCloudinary(options: UrlCloudinaryOptions = {}): Plugin {
  const names = parseOptions(schema, options, "url-cloudinary");
  const plugin = languagePlugin(
    defineLanguage({
      name: "url-cloudinary",
      version: "0.1.0",
      grammar: createGrammar(names),
      parameters: PARAMETERS,
      order: ORDER,
      signature: createSignature(names.cloudName),
      read: createRead(names),
      isNamed,
    }),
  );
  return {
    ...plugin,
    apply(core) {
      plugin.apply(core);
      let endpoints: readonly Endpoint[] = [];
      core.hooks.start.tap(plugin.name, (runtime) => {
        endpoints = runtime.endpoints;
      });
      core.hooks.diagnose.tap(plugin.name, (diagnosis) => {
        for (const text of clashes(endpoints, plugin.name, names.cloudName)) {
          const advice = "choose another prefix, or other languages for that endpoint";
          diagnosis.add({ what: plugin.name, state: "bad", text, advice });
        }
      });
      core.hooks.admit.tap(plugin.name, ({ target, claims }) => {
        const head = headOf(target.path.split("/"), names.cloudName);
        if (head && isProtected(head) && claims.signature !== "valid") {
          throw new MediaError("ESIGNATURE", `Expected a signature for files of the type ${head.type}`);
        }
      });
      if (!names.preserveAssetDeliveryTypes) return;
      // Other languages reach the files, too: as assets, layers and default images.
      core.hooks.authorize.tap(plugin.name, ({ claims }, sources) => {
        if (claims.signature !== "valid" && sources.some(({ path }) => PROTECTED_FILE.test(path))) {
          throw new MediaError("ESIGNATURE", "Expected a signature for files of a protected type");
        }
      });
    },
  };
}

/** Endpoints whose prefix is the first segment of Cloudinary's URLs of another endpoint: these URLs never reach it. */
function clashes(endpoints: readonly Endpoint[], language: string, cloudName: string | undefined): string[] {
  const heads = cloudName === undefined ? HEADS : [cloudName];
  return endpoints
    .filter(({ languages }) => languages.length === 0 || languages.includes(language))
    .flatMap(({ name, address }) => {
      const taken = heads.map((head) => `${address.path}${head}/`);
      const others = endpoints.filter(
        (other) => other.address.host === address.host && taken.includes(other.address.path),
      );
      return others.map(
        (other) => `the prefix of the endpoint ${other.name} hides Cloudinary's URLs of the endpoint ${name}`,
      );
    });
}

export default urlCloudinary;
