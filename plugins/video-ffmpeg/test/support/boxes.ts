/** A box of an ISO file (ISO 14496-12 §4.2). */
const box = (type: string, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat([Buffer.from(type, "latin1"), ...parts]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length + 4);
  return Buffer.concat([size, body]);
};

/** An MP4 whose index stands at its end, with the pictures said to lie in another file (§8.7.2). */
export function pointingElsewhere(file: Buffer, place: string): Buffer {
  const entry = box("url ", Buffer.from([0, 0, 0, 0]), Buffer.from(`${place}\0`));
  const dref = box("dref", Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]), entry);
  const change = (bytes: Buffer): Buffer => {
    const out: Buffer[] = [];
    for (let at = 0; at + 8 <= bytes.length; ) {
      const size = bytes.readUInt32BE(at);
      const type = bytes.toString("latin1", at + 4, at + 8);
      const body = bytes.subarray(at + 8, at + size);
      if (type === "dref") out.push(dref);
      else if (["moov", "trak", "mdia", "minf", "dinf"].includes(type)) out.push(box(type, change(body)));
      else out.push(bytes.subarray(at, at + size));
      at += size;
    }
    return Buffer.concat(out);
  };
  return change(file);
}
