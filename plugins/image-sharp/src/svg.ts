import type { Limits } from "@mediatap/core";

export function checkSvg(_bytes: Uint8Array, _limits: Limits): void {}
