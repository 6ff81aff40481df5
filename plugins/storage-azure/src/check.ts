import { isMediaError, MediaError } from "@mediatap/core";
import { assertAnswered, type FetchResponse } from "@mediatap/core/storage";
import type { Fields } from "./fields.ts";

/** Azure's code for a failure, such as `AuthenticationFailed`; "" if a response has none. */
export function errorCode(headers: FetchResponse["headers"]): string {
  const code = headers["x-ms-error-code"] ?? "";
  return /^\w{1,60}$/.test(code) ? code : "";
}

/** Whether a container answers as it should to the question for a blob that nobody has. Throws in plain words. */
export function assertWorks(response: FetchResponse, fields: Fields): void {
  const code = errorCode(response.headers);
  if (code === "ContainerNotFound") {
    throw new MediaError("EACCES", `The account ${fields.accountName} has no container ${fields.container}`);
  }
  try {
    assertAnswered(response);
  } catch (error) {
    if (code === "" || !isMediaError(error)) throw error;
    const reason = reasonOf(code, fields);
    const cause = new Error(reason === undefined ? code : `${reason} (${code})`);
    throw new MediaError(error.code, error.message, { cause, outage: error.outage });
  }
}

/** What Azure's code means for this origin ("Common REST API error codes" and what they ask for). */
function reasonOf(code: string, { sasToken, accountKey }: Fields): string | undefined {
  const credential =
    sasToken !== undefined ? "SAS token" : accountKey !== undefined ? "account key" : "identity's token";
  switch (code) {
    case "AuthenticationFailed":
    case "InvalidAuthenticationInfo":
      return endOf(sasToken) ?? `its ${credential} is wrong`;
    case "AuthorizationFailure":
      return (
        endOf(sasToken) ?? `its ${credential} is wrong, or the account's network rules keep this server out`
      );
    case "KeyBasedAuthenticationNotPermitted":
      return "the account allows no keys: leave sasToken and accountKey out, for the server's own identity";
    case "AuthorizationPermissionMismatch":
    case "AuthorizationProtocolMismatch":
    case "AuthorizationServiceMismatch":
    case "AuthorizationResourceTypeMismatch":
      return sasToken !== undefined
        ? "its SAS token does not allow to read blobs here"
        : "the server's identity needs the role Storage Blob Data Reader";
    default:
      return undefined;
  }
}

/** When a SAS token ended, by its own words. */
function endOf(sasToken: string | undefined): string | undefined {
  const end = new URLSearchParams(sasToken).get("se");
  return end !== null && Date.parse(end) < Date.now() ? `its SAS token ended on ${end}` : undefined;
}
