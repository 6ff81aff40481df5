import { assertAnswered, type FetchResponse, MediaError } from "@mediatap/core";
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
  } catch (cause) {
    const reason = reasonOf(fields) ?? word;
    if (reason === "" || !(cause instanceof MediaError)) throw cause;
    throw new MediaError(cause.code, `${cause.message}: ${reason}`);
  }
}

/** What is wrong with a SAS token by its own words. */
function reasonOf({ sasToken }: Fields): string | undefined {
  const words = new URLSearchParams(sasToken);
  const [end, permissions] = [words.get("se"), words.get("sp")];
  if (end !== null && Date.parse(end) < Date.now()) return `its SAS token ended on ${end}`;
  if (permissions !== null && !permissions.includes("r")) return "its SAS token does not allow to read";
  return undefined;
}
