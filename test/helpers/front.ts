import { Agent, type IncomingMessage, type RequestListener, request } from "node:http";
import { pipeline, type Readable } from "node:stream";

/** Connections are not kept: those to a server that is stopped and started again would be dead. */
const agent = new Agent({ keepAlive: false });

/** Gives other bytes in place of those that a server answers with; `undefined`: its own are good. */
export type Mend = (question: IncomingMessage, answer: IncomingMessage) => Promise<Readable> | undefined;

/**
 * Passes requests on to a server of the loopback interface, and its answers back, with nothing changed. Where that
 * server is not there, or breaks off, so does this.
 */
export function passOn(port: number, mend: Mend = () => undefined): RequestListener {
  return (question, response) => {
    const { method, url, rawHeaders } = question;
    const breakOff = () => response.destroy();
    const to = { host: "127.0.0.1", port, agent, method, path: url, headers: rawHeaders };
    const sent = request(to, (answer) => {
      // What goes wrong from here on is the answer's matter.
      sent.off("error", breakOff).on("error", () => undefined);
      response.writeHead(answer.statusCode ?? 500, answer.statusMessage, endToEnd(answer));
      const body = mend(question, answer) ?? Promise.resolve(answer);
      body.then((readable) => pipeline(readable, response, () => undefined), breakOff);
    });
    sent.on("error", breakOff);
    response.on("close", () => sent.destroy());
    pipeline(question, sent, () => undefined);
  };
}

/** The headers of an answer without those of its connection. */
function endToEnd({ rawHeaders }: IncomingMessage): string[] {
  const kept: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = rawHeaders.slice(at, at + 2);
    if (!/^(connection|keep-alive|transfer-encoding)$/i.test(name)) kept.push(name, value);
  }
  return kept;
}
