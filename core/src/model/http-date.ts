const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const TIME = "(?<hours>\\d{2}):(?<minutes>\\d{2}):(?<seconds>\\d{2})";
const MONTH = `(?<month>${MONTHS.join("|")})`;

/** The three forms of an HTTP date (RFC 9110 §5.6.7), case-insensitive as caches should read them (RFC 9111 §4.2). */
const FORMS = [
  `(?:mon|tue|wed|thu|fri|sat|sun), (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} gmt`,
  `(?:mon|tues|wednes|thurs|fri|satur|sun)day, (?<day>\\d{2})-${MONTH}-(?<ending>\\d{2}) ${TIME} gmt`,
  `(?:mon|tue|wed|thu|fri|sat|sun) ${MONTH} (?<day>\\d{2}| \\d) ${TIME} (?<year>\\d{4})`,
].map((form) => new RegExp(`^${form}$`, "i"));

/**
 * Milliseconds since 1970 of an HTTP date in one of its three forms; `undefined` for anything else. A year of two digits
 * that is more than 50 years ahead of `now` is the last one that ended so.
 */
export function parseHttpDate(text: string, now = Date.now()): number | undefined {
  const date = text.trim();
  const parts = FORMS.find((form) => form.test(date))?.exec(date)?.groups;
  if (!parts) return undefined;
  const number = (name: string) => Number(parts[name]);
  const year = parts.ending === undefined ? number("year") : fullYear(number("ending"), now);
  const [day = 0, hours = 0, minutes = 0, seconds = 0] = ["day", "hours", "minutes", "seconds"].map(number);
  // 60: a leap second.
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const at = Date.UTC(year, MONTHS.indexOf(parts.month?.toLowerCase() ?? ""), day, hours, minutes, seconds);
  // Years below 100 would mean those after 1900; a day that the month has not would be one of the next month.
  return year >= 100 && new Date(at - seconds * 1000).getUTCDate() === day ? at : undefined;
}

function fullYear(ending: number, now: number): number {
  const year = new Date(now).getUTCFullYear();
  const inCentury = year - (year % 100) + ending;
  if (inCentury > year + 50) return inCentury - 100;
  return inCentury <= year - 50 ? inCentury + 100 : inCentury;
}
