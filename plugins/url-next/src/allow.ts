import picomatch from "picomatch";
import type { NextSettings } from "./options.ts";

type Test = (url: URL) => boolean;

/** Imported images are always allowed. */
const STATIC = ["/_next/static/media/**", "/_next/static/immutable/media/**"].map((pathname) => ({
  pathname,
  search: "",
}));

const pathTest = (pathname = "**"): Test => {
  const pattern = picomatch.makeRe(pathname, { dot: true });
  return (url) => pattern.test(url.pathname);
};

const searchTest =
  (search: string | undefined): Test =>
  (url) =>
    search === undefined || search === url.search;

const all =
  (...tests: readonly Test[]): Test =>
  (url) =>
    tests.every((test) => test(url));

/** Whether `localPatterns` allow a path with its query. Without any, paths without a query are allowed. */
export function createLocalTest({ localPatterns }: Pick<NextSettings, "localPatterns">) {
  const patterns = localPatterns ? [...localPatterns, ...STATIC] : [{ pathname: "**", search: "" }];
  const tests = patterns.map(({ pathname, search }) => all(pathTest(pathname), searchTest(search)));
  return (path: string): boolean => {
    // The host is of no account.
    const url = URL.parse(path, "http://localhost");
    return url !== null && tests.some((test) => test(url));
  };
}

const withoutColon = (protocol: string) => protocol.replace(/:$/, "");

/** Whether `remotePatterns` allow a URL. */
export function createRemoteTest({ remotePatterns }: Pick<NextSettings, "remotePatterns">): Test {
  const tests = remotePatterns.map(({ protocol, hostname, port, pathname, search }) => {
    const host = picomatch.makeRe(hostname);
    return all(
      (url) => protocol === undefined || withoutColon(protocol) === withoutColon(url.protocol),
      (url) => port === undefined || port === url.port,
      (url) => host.test(url.hostname),
      searchTest(search),
      pathTest(pathname),
    );
  });
  return (url) => tests.some((test) => test(url));
}
