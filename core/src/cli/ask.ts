import { InvalidArgumentError } from "commander";

/** A header as written on the command line, `name: value`, added to those before it. */
export function headerOption(text: string, before: Readonly<Record<string, string>> = {}) {
  const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Expected "name: value".');
  return { ...before, [name.toLowerCase()]: value };
}
