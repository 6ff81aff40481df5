import type { Plugin } from "@mediatap/core";
import { languagePlugin } from "@mediatap/core/language";
import { AKAMAI } from "./language.ts";

export { PARAMETERS } from "./parameters.ts";

/**
 * The URL language of Akamai's Image & Video Manager: `/photo.jpg?im=AspectCrop=(1,1);Resize,width=300` and `/photo.jpg?imwidth=300`, as
 * https://techdocs.akamai.com/ivm/docs/imquery describes it.
 */
export const urlAkamai = (): Plugin => languagePlugin(AKAMAI);

export default urlAkamai;
