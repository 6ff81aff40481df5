import { MediaError, type Plugin, printable, Stage } from "@mediatap/core";

const NAME = "notes-development";

/** Published documentation of error codes, each below its own heading. */
const HELP = "https://mediatap.github.io/mediatap/reference/errors.html";

export interface NotesDevelopmentOptions {
  /** A response to a wrong signature names the mistake. */
  readonly signatures: boolean;
}

/**
 * Shows authors of URLs what does not do what they probably meant, such as `?w=400` without `tr`: in the log, and in the
 * response header `x-mediatap-note`. Errors get a link to what their code means (RFC 8288, `rel="help"`). The 401 of a wrong
 * signature names the usual mistake that explains it.
 */
export function notesDevelopment({ signatures }: NotesDevelopmentOptions): Plugin {
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ hooks, jobs }) {
      if (signatures) {
        hooks.admit.tapPromise({ name: NAME, stage: Stage.last }, async (exchange, job) => {
          if (exchange.claims.signature !== "wrong") return;
          const fault = await jobs.signatureFault(job, exchange);
          if (fault === undefined) return;
          throw new MediaError("ESIGNATURE", `The signature does not match this URL. ${fault}`);
        });
      }
      hooks.respond.tap(NAME, (reply, { job, request, log, error }) => {
        if (error) reply.headers.link = `<${HELP}#${error.code.toLowerCase()}>; rel="help"`;
        const notes = job?.notes?.filter(({ ifMissing }) => !ifMissing || reply.status === 404) ?? [];
        if (notes.length === 0) return;
        const text = notes.map((note) => note.text).join("; ");
        reply.headers["x-mediatap-note"] = printable(text, 500);
        log.warn({ url: printable(request.url, 500) }, text);
      });
    },
  };
}
