// What goes wrong while a program reads from our own address, it hears of only as a connection that breaks off, or not at all.
// Who runs the program learns it here, by the address among the program's arguments.

const troubles = new Map<string, { error?: unknown }>();

/** An address that a program may be given. */
export interface Watched {
  /** Notes what went wrong; the first counts. */
  note(error: unknown): void;
  forget(): void;
}

export function watch(address: string): Watched {
  const entry: { error?: unknown } = {};
  troubles.set(address, entry);
  return {
    note(error) {
      entry.error ??= error;
    },
    forget: () => troubles.delete(address),
  };
}

/** What went wrong with an input of a program. `undefined`: nothing. */
export function troubleOf(args: readonly string[]): unknown {
  if (troubles.size === 0) return undefined;
  return args.map((arg) => troubles.get(arg)?.error).find((error) => error !== undefined);
}
