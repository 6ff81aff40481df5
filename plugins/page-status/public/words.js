/** Figures in the words of people. */

export function count(value) {
  if (value >= 999_500) return `${(value / 1e6).toPrecision(3)} M`;
  if (value >= 9_995) return `${(value / 1000).toPrecision(3)} k`;
  if (value >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return value.toFixed(1);
}

/** The end of an axis: 1, 2 or 5 times a power of ten, at least `value`. */
export function axisTop(value) {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value);
}

export function bytes(value) {
  if (value < 1000) return `${Math.round(value)} B`;
  if (value < 999_500) return `${(value / 1000).toPrecision(3)} kB`;
  return value < 999.5e6 ? `${(value / 1e6).toPrecision(3)} MB` : `${(value / 1e9).toPrecision(3)} GB`;
}

export function duration(ms) {
  if (ms === null) return "–";
  if (ms < 9.95) return `${ms.toPrecision(2)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toPrecision(3)} s`;
}

/** A part as a percentage; what is not quite all never looks like all. */
export function part(value) {
  const percent = value * 100;
  if (percent === 100 || percent === 0) return `${percent}%`;
  return `${Math.min(99.9, percent).toFixed(percent < 90 ? 0 : 1)}%`;
}

export function span(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}
