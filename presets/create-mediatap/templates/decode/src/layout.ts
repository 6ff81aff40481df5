/** Bytes that the header of a file takes. */
export const HEAD_LENGTH = 16;

/** What the header says. */
export interface Layout {
  readonly width: number;
  readonly height: number;
}

/** `undefined`: the file has another format. */
export function layoutOf(head: Uint8Array): Layout | undefined {
  if (head.length < HEAD_LENGTH || Buffer.from(head.subarray(0, 8)).toString("latin1") !== "farbfeld")
    return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const [width, height] = [view.getUint32(8), view.getUint32(12)];
  return width > 0 && height > 0 ? { width, height } : undefined;
}
