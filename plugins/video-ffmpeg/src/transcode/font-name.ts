import { open } from "node:fs/promises";

const MAX_NAME_TABLE_BYTES = 1024 * 1024;

/** The family's name in a TrueType or OpenType file (name 1 of the table `name`). `undefined`: there is none to be read. */
export async function familyIn(path: string): Promise<string | undefined> {
  const handle = await open(path, "r");
  try {
    const read = async (at: number, length: number) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at);
      return buffer.subarray(0, bytesRead);
    };
    const start = await read(0, 16);
    const first = start.toString("latin1", 0, 4) === "ttcf" ? start.readUInt32BE(12) : 0;
    const head = await read(first, 12);
    const tables = await read(first + 12, head.readUInt16BE(4) * 16);
    for (let at = 0; at + 16 <= tables.length; at += 16) {
      if (tables.toString("latin1", at, at + 4) !== "name") continue;
      return nameIn(
        await read(tables.readUInt32BE(at + 8), Math.min(MAX_NAME_TABLE_BYTES, tables.readUInt32BE(at + 12))),
      );
    }
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  } finally {
    await handle.close();
  }
}

const WINDOWS = 3;
const FAMILY = 1;

function nameIn(table: Buffer): string | undefined {
  const [count, texts] = [table.readUInt16BE(2), table.readUInt16BE(4)];
  for (let at = 0; at < count; at++) {
    const record = 6 + at * 12;
    if (table.readUInt16BE(record) !== WINDOWS || table.readUInt16BE(record + 6) !== FAMILY) continue;
    const from = texts + table.readUInt16BE(record + 10);
    const name = Buffer.from(table.subarray(from, from + table.readUInt16BE(record + 8)));
    if (name.length % 2 === 0) return name.swap16().toString("utf16le");
  }
  return undefined;
}
