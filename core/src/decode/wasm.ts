/** As much of the WebAssembly interface as decoders need; Node's types leave it to the browser's. */
export interface Module {
  readonly [Symbol.toStringTag]: string;
}

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    compile(bytes: Uint8Array): Promise<Module>;
    readonly Instance: new (module: Module, imports: object) => { readonly exports: object };
    readonly Memory: { readonly prototype: Memory };
  };
};

/** Bytes of a page of memory. */
export const PAGE_BYTES = 65_536;
