import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from "node:tls";
import { makeCertificate } from "@mediatap/test";
import { DEFAULT_LIMITS } from "../../../src/model/limits.ts";
import { createFetcher } from "../../../src/origin/client/create.ts";
import { fetcherWith, type Server, serve } from "./servers.ts";

/** A proxy that leads every tunnel to one port of this machine, wherever it was to go. */
async function startProxy(port: number, answer = "HTTP/1.1 200 Fine\r\n\r\n") {
  const asked: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer().on("connect", (request, socket: Socket) => {
    asked.push(request);
    sockets.add(socket.on("error", () => {}));
    if (answer === "") return;
    socket.write(answer);
    if (!answer.includes(" 200 ")) return void socket.end();
    const way = connect(port, "127.0.0.1").on("error", () => socket.destroy());
    sockets.add(way);
    socket.pipe(way).pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const anywhere = async () => [{ address: "93.184.215.14", family: 4 }];

describe("a proxy on the way to origins", () => {
  let origin: Server;
  beforeEach(async () => {
    origin = await serve((_, response) => response.end("origin"));
  });
  afterEach(() => origin[Symbol.asyncDispose]());

  it("gets the address that was judged; the origin gets its own name", async () => {
    await using proxy = await startProxy(origin.port);
    await using fetcher = fetcherWith({ network: { proxy: proxy.url }, resolve: anywhere });
    const { body } = await fetcher.fetch("http://images.example.com/a.jpg");
    assert.equal((await buffer(body)).toString(), "origin");
    assert.deepEqual(
      proxy.asked.map(({ url }) => url),
      ["93.184.215.14:80"],
    );
    assert.equal(proxy.asked[0]?.headers.host, "93.184.215.14:80");
    assert.equal(origin.requests[0]?.headers.host, "images.example.com");
    assert.equal(origin.requests[0]?.url, "/a.jpg");
    assert.equal(origin.requests[0]?.headers["proxy-authorization"], undefined);
  });

  it("knows us by the user and password in its address", async () => {
    await using proxy = await startProxy(origin.port);
    const url = proxy.url.replace("//", "//ada:p%40ss@");
    await using fetcher = fetcherWith({ network: { proxy: url }, resolve: anywhere });
    await (await fetcher.fetch("http://images.example.com/")).body.toArray();
    const sent = proxy.asked[0]?.headers["proxy-authorization"];
    assert.equal(sent, `Basic ${Buffer.from("ada:p@ss").toString("base64")}`);
  });

  it("is passed by on the way to private places, and changes nothing of what is refused", async () => {
    await using proxy = await startProxy(origin.port);
    await using fetcher = fetcherWith({ network: { proxy: proxy.url } });
    const { body } = await fetcher.fetch(origin.url, { trusted: origin.url });
    assert.equal((await buffer(body)).toString(), "origin");
    for (const url of [origin.url, proxy.url, "http://169.254.169.254/", "http://[::ffff:7f00:1]/"])
      await assert.rejects(fetcher.fetch(url, { ports: [80, origin.port] }), { code: "EACCES" });
    assert.equal(proxy.asked.length, 0);
  });

  it("gets no request for a name that leads to private addresses", async () => {
    await using proxy = await startProxy(origin.port);
    await using fetcher = fetcherWith({
      network: { proxy: proxy.url },
      resolve: async () => [
        { address: "93.184.215.14", family: 4 },
        { address: "10.0.0.1", family: 4 },
      ],
    });
    await assert.rejects(fetcher.fetch("http://rebind.example.com/"), { code: "EACCES" });
    assert.equal(proxy.asked.length, 0);
  });

  it("cannot look into TLS: the certificate is judged by the name of the origin", async () => {
    const authority = makeCertificate({ names: ["authority"] });
    const before = getCACertificates("default");
    setDefaultCACertificates([...before, authority.cert]);
    const secure = createTlsServer(makeCertificate({ names: ["images.example.com"], issuer: authority }));
    secure.on("secureConnection", (socket) => void socket.end("HTTP/1.1 200 OK\r\n\r\nsecure"));
    secure.on("connection", (socket) => socket.on("error", () => {})).on("tlsClientError", () => {});
    secure.listen(0, "127.0.0.1");
    await once(secure, "listening");
    try {
      await using proxy = await startProxy((secure.address() as AddressInfo).port);
      await using fetcher = fetcherWith({ network: { proxy: proxy.url }, resolve: anywhere });
      const { body } = await fetcher.fetch("https://images.example.com/");
      assert.equal((await buffer(body)).toString(), "secure");
      assert.equal(proxy.asked[0]?.url, "93.184.215.14:443");
      await assert.rejects(fetcher.fetch("https://other.example.com/"), { code: "ECONNREFUSED" });
    } finally {
      setDefaultCACertificates(before);
      secure.close();
    }
  });

  for (const [what, answer] of [
    ["refuses", "HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n"],
    ["does not answer", ""],
    ["speaks another language", "SSH-2.0-OpenSSH\r\n"],
  ] as const) {
    it(`that ${what} makes an origin that cannot be reached`, async () => {
      await using proxy = await startProxy(origin.port, answer);
      await using fetcher = fetcherWith({
        network: { proxy: proxy.url },
        resolve: anywhere,
        limits: { originConnect: 100 },
      });
      await assert.rejects(fetcher.fetch("http://images.example.com/"), {
        code: "ECONNREFUSED",
        message: /^The origin (could not be reached|did not respond in time)$/,
      });
      assert.equal(origin.connections(), 0);
    });
  }

  it("is none where its address is empty, and must be an address", async () => {
    await using fetcher = fetcherWith({ network: { proxy: "" } });
    assert.equal((await fetcher.fetch(origin.url, { trusted: origin.url })).status, 200);
    for (const proxy of ["proxy:3128", "socks5://proxy", "http://proxy/path", "http://proxy?x", "nonsense"]) {
      assert.throws(() => createFetcher({ limits: DEFAULT_LIMITS, network: { proxy } }), {
        code: "ECONFIG",
        message: "network.proxy: Expected an http or https URL without path",
      });
    }
  });
});
