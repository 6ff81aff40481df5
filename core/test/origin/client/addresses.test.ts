import assert from "node:assert/strict";
import fc from "fast-check";
import { isPublicAddress } from "../../../src/origin/client/addresses.ts";

const PRIVATE = {
  "this network": ["0.0.0.0", "0.1.2.3"],
  loopback: ["127.0.0.1", "127.255.255.254"],
  "private use": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1"],
  "link-local": ["169.254.0.1", "169.254.169.254"],
  "carrier NAT": ["100.64.0.1", "100.127.255.255"],
  "protocol assignments": ["192.0.0.1", "192.0.0.170"],
  documentation: ["192.0.2.1", "198.51.100.1", "203.0.113.1"],
  benchmarks: ["198.18.0.1", "198.19.255.255"],
  "6to4 relays": ["192.88.99.1"],
  multicast: ["224.0.0.1", "239.255.255.255"],
  reserved: ["240.0.0.1", "255.255.255.255"],
  "IPv6 unspecified and loopback": ["::", "::1"],
  "IPv6 unique local": ["fc00::1", "fd12:3456::1"],
  "IPv6 link- and site-local": ["fe80::1", "febf::1", "fec0::1"],
  "IPv6 multicast": ["ff02::1"],
  "IPv6 documentation, benchmarks and discard": ["2001:db8::1", "3fff::1", "2001:2::1", "100::1"],
  "mapped, in any spelling": [
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:a9fe:a9fe",
    "0:0:0:0:0:ffff:a00:1",
  ],
  "NAT64 of a private address": ["64:ff9b::7f00:1", "64:ff9b::10.0.0.1"],
  "6to4 of a private address": ["2002:7f00:1::", "2002:a00:1::1"],
  "Teredo of a private client or server": [
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "2001:0:4136:e378::f5ff:fffe",
    "2001:0:a00:1:8000:63bf:fefe:fefe",
  ],
  "ISATAP of a private address": [
    "2606:4700::5efe:10.0.0.1",
    "2606:4700::5efe:a9fe:a9fe",
    "2606:4700:0:1:200:5efe:127.0.0.1",
    "2002:101:101::5efe:192.168.0.1",
  ],
  "ISATAP below a private prefix": ["fe80::5efe:1.1.1.1", "fd00::200:5efe:1.1.1.1", "2001:db8::5efe:1.1.1.1"],
  "IPv4-translated (SIIT), of any address": ["::ffff:0:127.0.0.1", "::ffff:0:1.1.1.1"],
  "IPv4-compatible, of any address": ["::1.1.1.1", "::101:101", "::127.0.0.1"],
  "local-use NAT64, of any address": ["64:ff9b:1::10.0.0.1", "64:ff9b:1::1.1.1.1", "64:ff9b:1:fffe::1.1.1.1"],
  "6over4 (RFC 2529)": ["fe80::10.0.0.1", "fe80::1.1.1.1"],
  "no address": ["", "localhost", "1.2.3", "1.2.3.4.5", "::g"],
};

describe("an address", () => {
  for (const [kind, addresses] of Object.entries(PRIVATE)) {
    it(`is not public: ${kind}`, () => {
      for (const address of addresses) assert.equal(isPublicAddress(address), false, address);
    });
  }

  it("is public anywhere else, also inside another", () => {
    for (const address of [
      "1.1.1.1",
      "93.184.215.14",
      "100.63.255.255",
      "100.128.0.0",
      "172.15.255.255",
      "172.32.0.0",
      "223.255.255.255",
      "2606:4700::1111",
      "2a00:1450:4001::200e",
      "::ffff:1.1.1.1",
      "64:ff9b::101:101",
      "2002:101:101::1",
      "2001:0:4136:e378:8000:63bf:fefe:fefe",
      "2606:4700::5efe:1.1.1.1",
      "2606:4700::200:5efe:1.1.1.1",
      // Neither of these is ISATAP: another OUI, another place.
      "2606:4700::5eff:10.0.0.1",
      "2606:4700:0:5efe:a00:1:0:1",
    ]) {
      assert.equal(isPublicAddress(address), true, address);
    }
  });

  it("is judged alike as itself, mapped, by NAT64, by 6to4, by Teredo and by ISATAP", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const hex = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
        const words = `${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`;
        const inverted = words.replace(/[0-9a-f]/g, (digit) =>
          (15 - Number.parseInt(digit, 16)).toString(16),
        );
        const itself = isPublicAddress(address);
        for (const form of [
          `::ffff:${address}`,
          `::ffff:${words}`,
          `64:ff9b::${words}`,
          `2002:${words}::1`,
          `2001:0:4136:e378:8000:63bf:${inverted}`,
          `2001:0:${words}:8000:63bf:fefe:fefe`,
          `2606:4700::5efe:${words}`,
          `2606:4700::200:5efe:${words}`,
        ]) {
          assert.equal(isPublicAddress(form), itself, form);
        }
      }),
    );
  });
});
