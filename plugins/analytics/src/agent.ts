const DEVICES = [
  ["iPhone", /\biPhone\b|\biPod\b/],
  ["iPad", /\biPad\b/],
  ["Android phone", /\bAndroid\b.*\bMobile\b|\bDalvik\b/],
  ["Android tablet", /\bAndroid\b|\bSilk\//],
  ["Windows PC", /\bWindows NT\b/],
  ["Mac", /\bMacintosh\b/],
  ["Chromebook", /\bCrOS\b/],
  ["Linux PC", /\bX11\b/],
] as const;

type Device = (typeof DEVICES)[number][0] | "robot" | "other";

/** What a `User-Agent` header says of a client. */
export interface Agent {
  /** Family and major version: `Chrome 126`, `Googlebot`. */
  readonly name: string;
  readonly device: Device;
}

/** Characters of a header that are looked at. */
const MAX_LENGTH = 512;

/** Headers whose meaning is kept; there are some hundred in use at a time. */
const MAX_KNOWN = 500;

/** Robots by the names that they give themselves, before browsers: they name those, too. */
const BOT = /\b([\w-]{0,30}?(?:bot|spider|crawler|slurp)|facebookexternalhit|Mediapartners-Google)\b/i;

/** Browsers, the more special first: each also names those that it descends from. */
const BROWSERS: readonly (readonly [name: string, version: RegExp])[] = [
  ["Samsung Internet", /\bSamsungBrowser\/(\d{1,4})/],
  ["Edge", /\bEdg(?:e|A|iOS)?\/(\d{1,4})/],
  ["Opera", /\b(?:OPR|OPT|Opera)\/(\d{1,4})/],
  ["Yandex", /\bYaBrowser\/(\d{1,4})/],
  ["UC Browser", /\bUCBrowser\/(\d{1,4})/],
  ["Firefox", /\b(?:Firefox|FxiOS)\/(\d{1,4})/],
  ["Chrome", /\b(?:Chrome|CriOS|HeadlessChrome)\/(\d{1,4})/],
  ["Safari", /\bVersion\/(\d{1,4})(?:\.\d+)* (?:Mobile\/\w+ )?Safari\//],
  ["Safari", /\bAppleWebKit\/.*\bMobile\/()/],
  ["Internet Explorer", /\b(?:MSIE |Trident\/.*\brv:)(\d{1,4})/],
  ["Android WebView", /\bDalvik\/(\d{1,4})/],
  ["iOS app", /\bCFNetwork\/()/],
  ["okhttp", /\bokhttp\/(\d{1,4})/i],
  ["curl", /^curl\/(\d{1,4})/],
  ["Wget", /^Wget\/(\d{1,4})/],
  ["Python", /^(?:python|aiohttp)\b[^/]*\/(\d{1,4})/i],
  ["Go", /^Go-http-client\/(\d{1,4})/],
  ["Java", /^(?:Java|Apache-HttpClient)\/(\d{1,4})/],
  ["Node.js", /^(?:node|undici|axios)\b()/i],
];

const UNKNOWN: Agent = { name: "other", device: "other" };

/** The family of a client by its `User-Agent` header. */
export function agentOf(header: string): Agent {
  const text = header.slice(0, MAX_LENGTH);
  const bot = BOT.exec(text)?.[1];
  if (bot !== undefined) return { name: bot.slice(0, 40), device: "robot" };
  const match = BROWSERS.find(([, version]) => version.test(text));
  if (!match) return { name: "other", device: deviceOf(text) };
  const [name, pattern] = match;
  const version = pattern.exec(text)?.[1] ?? "";
  return { name: version === "" ? name : `${name} ${version}`, device: deviceOf(text) };
}

function deviceOf(text: string): Device {
  return DEVICES.find(([, pattern]) => pattern.test(text))?.[0] ?? "other";
}

/** The same, memoized in bounded memory. Without a header the client is unknown. */
export function createAgents(): (header: string | undefined) => Agent {
  const known = new Map<string, Agent>();
  return (header) => {
    if (header === undefined) return UNKNOWN;
    const before = known.get(header);
    if (before) return before;
    const agent = agentOf(header);
    if (header.length > MAX_LENGTH) return agent;
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(header, agent);
    return agent;
  };
}
