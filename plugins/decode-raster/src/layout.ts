import { type PnmLayout, readPnm } from "./pnm.ts";
import { type QoiLayout, readQoi } from "./qoi.ts";
import { readTga, type TgaLayout } from "./tga.ts";

export type Layout = TgaLayout | QoiLayout | PnmLayout;

/** Bytes at the start of a file within which its header ends. */
export const HEAD_LENGTH = 4096;

/** `undefined`: none of these formats. `size`: bytes of the whole file, if they are known. */
export const layoutOf = (head: Uint8Array, size: number | undefined): Layout | undefined =>
  readQoi(head) ?? readPnm(head) ?? readTga(head, size);
