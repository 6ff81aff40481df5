import { type Exchange, printable, type Reply } from "@mediatap/core";

/** Names the error in the header by which clients of the language tell one from another. */
export function respond(reply: Reply, { error }: Exchange): void {
  if (error) reply.headers["ik-error"] = `${error.code} - ${printable(error.message, 200)}`;
}
