/**
 * Failures of inputs that programs read from a loopback URL, by that URL. A program sees them only as a connection that breaks, or as
 * the end of the file; whoever runs the program finds them by its arguments.
 */
export const inputErrors = new Map<string, unknown>();

/** The failure of an input of a program with these arguments. `undefined`: there is none. */
export const inputErrorOf = (args: readonly string[]): unknown =>
  args.map((arg) => inputErrors.get(arg)).find((error) => error !== undefined);
