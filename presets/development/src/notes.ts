import { type Plugin, printable } from "@mediatap/core";

const NAME = "notes-development";

/**
 * Tells authors of URLs what does not do what they probably meant, such as `?w=400` without `tr`: in the log, and in the
 * response header `x-mediatap-note`.
 */
export function notesDevelopment(): Plugin {
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.respond.tap(NAME, (reply, { job, request, log }) => {
        const notes = job?.notes?.filter(({ ifMissing }) => !ifMissing || reply.status === 404) ?? [];
        if (notes.length === 0) return;
        const text = notes.map((note) => note.text).join("; ");
        reply.headers["x-mediatap-note"] = printable(text, 500);
        log.warn({ url: printable(request.url, 500) }, text);
      });
    },
  };
}
