import fc from "fast-check";

/** First addresses and prefix lengths of what is not public (IANA's registry of special-purpose IPv4 addresses). */
const PRIVATE = [
  [[0, 0, 0, 0], 8],
  [[10, 0, 0, 0], 8],
  [[100, 64, 0, 0], 10],
  [[127, 0, 0, 0], 8],
  [[169, 254, 0, 0], 16],
  [[172, 16, 0, 0], 12],
  [[192, 0, 0, 0], 24],
  [[192, 0, 2, 0], 24],
  [[192, 168, 0, 0], 16],
  [[198, 18, 0, 0], 15],
  [[198, 51, 100, 0], 24],
  [[203, 0, 113, 0], 24],
  [[224, 0, 0, 0], 4],
  [[240, 0, 0, 0], 4],
] as const;

type Bytes = readonly number[];
const numberOf = (bytes: Bytes) => bytes.reduce((sum, byte) => sum * 256 + byte, 0);
const bytesOf = (value: number): Bytes => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256);

/** An address that no client may reach, as four bytes. */
export const privateAddress: fc.Arbitrary<Bytes> = fc
  .constantFrom(...PRIVATE)
  .chain(([first, bits]) =>
    fc.integer({ min: 0, max: 2 ** (32 - bits) - 1 }).map((offset) => bytesOf(numberOf(first) + offset)),
  );

/** The spellings of an IPv4 address in a URL: by itself in one to four numbers, or inside an IPv6 address. */
export function spelled(bytes: Bytes): fc.Arbitrary<string> {
  const radix = fc.constantFrom(
    (n: number) => `${n}`,
    (n: number) => `0x${n.toString(16)}`,
    (n: number) => `0X${n.toString(16).toUpperCase()}`,
    (n: number) => `0${n.toString(8)}`,
    (n: number) => `0000${n.toString(8)}`,
  );
  const numbers = fc
    .constantFrom(1, 2, 3, 4)
    .map((count) => [...bytes.slice(0, count - 1), numberOf(bytes.slice(count - 1))]);
  const dot = fc.constantFrom(".", "。", "．", "｡", "%2e");
  const plain = fc
    .tuple(numbers, fc.array(radix, { minLength: 4, maxLength: 4 }), dot)
    .map(([parts, spell, between]) => parts.map((n, i) => spell[i]?.(n)).join(between));
  const wide = plain.map((text) =>
    text.replace(/[0-9](?!e)/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)),
  );
  const circled = plain.map((text) =>
    text.replace(/[1-9](?!e)/g, (digit) => String.fromCodePoint(0x245f + +digit)),
  );
  return fc.oneof(
    plain,
    wide,
    circled,
    plain.map((text) => `${text}.`),
    plain.map((text) => `me:secret@${text}`),
    plain.map((text) => `example.com@${text}`),
    fc.constantFrom(...insideIpv6(bytes)),
  );
}

/** IPv6 addresses that lead to an IPv4 address, or did. */
function insideIpv6(bytes: Bytes): string[] {
  const words = (all: Bytes) => {
    const hex = all.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 4)}:${hex.slice(4)}`;
  };
  const own = words(bytes);
  const inverted = words(bytes.map((byte) => byte ^ 0xff));
  return [
    `[::ffff:${own}]`,
    `[::FFFF:${bytes.join(".")}]`,
    `[0:0:0:0:0:ffff:${own}]`,
    `[::${own}]`,
    `[::ffff:0:${own}]`,
    `[64:ff9b::${own}]`,
    `[64:ff9b::${bytes.join(".")}]`,
    `[64:ff9b:1::${own}]`,
    `[2002:${own}::]`,
    `[2002:${own}::1]`,
    `[2001:0:4136:e378:8000:63bf:${inverted}]`,
    `[2001:0:${own}:8000:63bf:fefe:fefe]`,
    `[2606:4700::5efe:${own}]`,
    `[2606:4700::5efe:${bytes.join(".")}]`,
    `[2606:4700:0:1:200:5efe:${own}]`,
    `[fe80::${own}]`,
    `[fe80::${own}%25eth0]`,
    `[::ffff:${own}%25lo]`,
  ];
}

/** Hosts that are nobody's on the internet, and texts that readers take for different hosts. */
export const ODD_HOSTS = [
  "localhost",
  "LOCALHOST",
  "localhost.",
  "LocalHost..",
  "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
  "ｌｏｃａｌｈｏｓｔ",
  "local%68ost",
  "app.localhost",
  "printer.local",
  "metadata.google.internal",
  "metadata.google.internal.",
  "intranet",
  "[::]",
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
  "[fc00::1]",
  "[fd00:ec2::254]",
  "[fe80::1]",
  "[fec0::1]",
  "[ff02::1]",
  "[2001:db8::1]",
  "localhost\\@example.com",
  "127.0.0.1\\@example.com",
  "127.0.0.1\\.example.com",
  "example.com@localhost",
  "@localhost",
  ":@localhost",
  "loc\talhost",
  "localhost#@example.com",
  "localhost?@example.com",
  "localhost/@example.com",
  "xn--",
  "a..b.com",
  ".example.com",
  "example.com..",
  "exa mple.com",
  "loc\nalhost",
  "127.0.0.\r1",
  "127.0.0.1\0.example.com",
  "１２７．０．０．１",
  "0",
  "0x0",
  "00000000000000000000000177.1",
  "127.0.0.1.",
  "4294967295",
  "256.256.256.256",
  "127.0.0.0x1",
  `${"a".repeat(64)}.example.com`,
  `${"a.".repeat(130)}com`,
];
