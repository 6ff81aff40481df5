import type { ThreadTools } from "../../src/decode/thread.ts";

// A program for threads that does what its input says.

export interface Options {
  readonly does: "draw" | "fail" | "break" | "spin" | "grow" | "hoard" | "leave" | "look" | "count";
  readonly size?: number;
  /** Shared memory whose first number becomes 1 when the program begins. */
  readonly begun?: Int32Array;
}

const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Memory: new (limits: { initial: number }) => { grow(pages: number): number } };
};

let runs = 0;

export default async function program(
  { does, size = 1, begun }: Options,
  tools: ThreadTools,
): Promise<unknown> {
  runs++;
  if (begun) Atomics.store(begun, 0, 1);
  switch (does) {
    case "draw": {
      const { file, pixels } = tools.tiff({ width: size, height: size, colors: "rgb", alpha: false });
      pixels.fill(7);
      return { file, size };
    }
    case "count":
      return runs;
    case "fail":
      return tools.fail("EUNSUPPORTED", "Not this one");
    case "break":
      throw new RangeError("broken");
    case "spin":
      for (;;);
    case "grow": {
      const memory = new WebAssembly.Memory({ initial: 1 });
      return memory.grow(size);
    }
    case "hoard": {
      const held: object[] = [];
      for (;;) held.push({ held: held.length });
    }
    case "leave":
      return process.exit(0);
    case "look":
      console.log("said aloud");
      console.error("said aloud");
      return process.env;
  }
}
