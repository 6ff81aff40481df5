import { MediaError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";

/** Whether private files are open to a request: it is signed, or asks for named transformations only. */
export function isTrusted({ claims }: Exchange): boolean {
  return claims.signature === "valid" || claims.transformation === "named";
}

/** One text for a signature that is missing and for private files, so that it reveals nothing about the file. */
export function signatureRequired(): MediaError {
  return new MediaError("ESIGNATURE", "A valid signature is required");
}
