import { text } from "node:stream/consumers";
import type { HttpOperationResponse, IHttpClient, WebResource } from "@azure/storage-blob";
import type { Fetcher, FetchOptions, FetchResponse } from "@mediatap/core/storage";

/**
 * The core's guarded fetcher as the network of Azure's client, for bodies that are in memory. `opening`: headers that
 * open the container, where the client itself has no credentials.
 */
export function networkOf(
  fetcher: Fetcher,
  trusted: string,
  opening: () => Promise<Readonly<Record<string, string>>> = async () => ({}),
): IHttpClient {
  return {
    async sendRequest(request) {
      const response = await fetcher.fetch(request.url, {
        method: request.method as NonNullable<FetchOptions["method"]>,
        headers: { ...request.headers.toJson(), ...(await opening()) },
        ...(request.body !== undefined && { body: request.body as string | Uint8Array }),
        signal: request.abortSignal as AbortSignal,
        trusted,
      });
      return responseOf(request, response);
    },
  };
}

async function responseOf(request: WebResource, response: FetchResponse): Promise<HttpOperationResponse> {
  const headers = request.headers.clone();
  for (const name of headers.headerNames()) headers.remove(name);
  for (const [name, value] of Object.entries(response.headers)) headers.set(name, value);
  return { request, status: response.status, headers, bodyAsText: await text(response.body) };
}
