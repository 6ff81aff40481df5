const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const TIME = "(\\d{2}):(\\d{2}):(\\d{2})";
const MONTH = `(${MONTHS.join("|")})`;

/** The three forms of an HTTP date (RFC 9110 §5.6.7), case-insensitive as caches should read them (RFC 9111 §4.2). */
const IMF_FIXDATE = new RegExp(
  `^(?:mon|tue|wed|thu|fri|sat|sun), (\\d{2}) ${MONTH} (\\d{4}) ${TIME} gmt$`,
  "i",
);
const RFC_850 = new RegExp(
  `^(?:mon|tues|wednes|thurs|fri|satur|sun)day, (\\d{2})-${MONTH}-(\\d{2}) ${TIME} gmt$`,
  "i",
);
const ASCTIME = new RegExp(`^(?:mon|tue|wed|thu|fri|sat|sun) ${MONTH} (\\d{2}| \\d) ${TIME} (\\d{4})$`, "i");

/**
 * Milliseconds since 1970 of an HTTP date in one of its three forms; `undefined` for anything else. A year of two digits
 * that is more than 50 years ahead of `now` is the last one that ended so.
 */
export function parseHttpDate(text: string, now = Date.now()): number | undefined {
  const date = text.trim();
  const fixed = IMF_FIXDATE.exec(date);
  if (fixed) return timeOf(fixed[3], fixed[2], fixed[1], fixed.slice(4));
  const old = RFC_850.exec(date);
  if (old) return timeOf(fullYear(Number(old[3]), now), old[2], old[1], old.slice(4));
  const plain = ASCTIME.exec(date);
  return plain ? timeOf(plain[6], plain[1], plain[2], plain.slice(3, 6)) : undefined;
}

function fullYear(ending: number, now: number): number {
  const year = new Date(now).getUTCFullYear();
  const inCentury = year - (year % 100) + ending;
  if (inCentury > year + 50) return inCentury - 100;
  return inCentury <= year - 50 ? inCentury + 100 : inCentury;
}

function timeOf(
  year: string | number | undefined,
  month: string | undefined,
  day: string | undefined,
  time: readonly (string | undefined)[],
): number | undefined {
  const [hours = Number.NaN, minutes = Number.NaN, seconds = Number.NaN] = time.map(Number);
  const monthAt = MONTHS.indexOf((month ?? "").toLowerCase());
  // 60: a leap second.
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const at = Date.UTC(Number(year), monthAt, Number(day), hours, minutes, seconds);
  // Years below 100 would mean those after 1900; a day that the month has not would be one of the next month.
  return Number(year) >= 100 && new Date(at - seconds * 1000).getUTCDate() === Number(day) ? at : undefined;
}
