import type { Tenant } from "../config/resolve.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import type { Target } from "../model/exchange.ts";

/** Throws `ENOENT` if no endpoint serves the URL. */
export type FindEndpoint = (
  host: string,
  url: string,
) => { readonly endpoint: Endpoint; readonly target: Target };

/** Endpoints and names of tenants by the host names of their own. */
export const hostTables = (endpoints: readonly Endpoint[], tenants: readonly Tenant[]) => ({
  byHost: new Map(endpoints.flatMap((endpoint) => endpoint.hosts.map((host) => [host, endpoint]))),
  tenantByHost: new Map(tenants.flatMap(({ name, hosts }) => hosts.map((host) => [host, name]))),
});

/**
 * Finds the endpoint of a request: by a host name of its own; else the tenant by a host name or by the first segment of
 * the path, and in it the endpoint by the next segment, else the default one.
 */
export function createFindEndpoint(endpoints: readonly Endpoint[], tenants: readonly Tenant[]): FindEndpoint {
  const { byHost, tenantByHost } = hostTables(endpoints, tenants);
  const tenantByName = new Set(tenants.filter(({ hosts }) => hosts.length === 0).map(({ name }) => name));
  const byId = new Map(
    endpoints.map((endpoint) => [endpointId({ tenant: endpoint.tenant, endpoint: endpoint.name }), endpoint]),
  );

  return (host, url) => {
    const queryStart = url.indexOf("?");
    const query = queryStart < 0 ? "" : url.slice(queryStart + 1);
    let path = queryStart < 0 ? url.slice(1) : url.slice(1, queryStart);
    let mount = "";
    const own = byHost.get(host);
    if (own) return { endpoint: own, target: { path, query, mount } };

    /** The first segment, where something follows it. */
    const first = () => path.slice(0, Math.max(0, path.indexOf("/")));
    const enter = (segment: string) => {
      mount += `${segment}/`;
      path = path.slice(segment.length + 1);
    };
    let tenant = tenantByHost.get(host);
    if (tenant === undefined) {
      const segment = first();
      tenant = tenantByName.has(segment) && !byId.has(segment) ? segment : "";
      if (tenant !== "") enter(segment);
    }
    const segment = first();
    const named =
      segment === "" || segment === "default"
        ? undefined
        : byId.get(endpointId({ tenant, endpoint: segment }));
    if (named) enter(segment);
    const endpoint = named ?? byId.get(endpointId({ tenant, endpoint: "default" }));
    if (!endpoint) throw new MediaError("ENOENT", "No endpoint serves this address");
    return { endpoint, target: { path, query, mount } };
  };
}
