import { assertAnswered, type FetchResponse, isMediaError, MediaError } from "@mediatap/core";
import type { Fields } from "./fields.ts";

/** Azure's words for a failure, such as `AuthenticationFailed`; "" where an answer has none. */
export function wordOf(headers: FetchResponse["headers"]): string {
  const word = headers["x-ms-error-code"] ?? "";
  return /^\w{1,60}$/.test(word) ? word : "";
}

/** Whether a container answers as it should to the question for a blob that nobody has. Throws in plain words. */
export function assertWorks(response: FetchResponse, fields: Fields): void {
  const word = wordOf(response.headers);
  if (word === "ContainerNotFound") {
    throw new MediaError("EACCES", `The account ${fields.accountName} has no container ${fields.container}`);
  }
  try {
    assertAnswered(response);
  } catch (error) {
    if (word === "" || !isMediaError(error)) throw error;
    const reason = reasonOf(word, fields);
    const cause = new Error(reason === undefined ? word : `${reason} (${word})`);
    throw new MediaError(error.code, error.message, { cause, outage: error.outage });
  }
}

/** What Azure's word means for this origin ("Common REST API error codes" and what they ask for). */
function reasonOf(word: string, { sasToken, accountKey }: Fields): string | undefined {
  const credential =
    sasToken !== undefined ? "SAS token" : accountKey !== undefined ? "account key" : "identity's token";
  switch (word) {
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
