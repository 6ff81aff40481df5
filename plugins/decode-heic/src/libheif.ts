import { createRequire } from "node:module";
import type { ThreadTools } from "@mediatap/core/decode";

/** Address in the library's memory. */
export type Pointer = number;

/** As much of libheif's C interface as is needed; results that are structures are written to the first argument. */
export interface Libheif {
  readonly HEAPU8: Uint8Array;
  readonly HEAPU32: Uint32Array;
  _malloc(bytes: number): Pointer;
  _heif_context_alloc(): Pointer;
  _heif_context_get_security_limits(context: Pointer): Pointer;
  _heif_context_read_from_memory(
    error: Pointer,
    context: Pointer,
    data: Pointer,
    size: number,
    options: 0,
  ): void;
  _heif_context_get_number_of_top_level_images(context: Pointer): number;
  _heif_context_get_list_of_top_level_image_IDs(context: Pointer, ids: Pointer, count: number): number;
  _heif_context_get_image_handle(error: Pointer, context: Pointer, id: number, handle: Pointer): void;
  _heif_image_handle_is_primary_image(handle: Pointer): number;
  _heif_image_handle_get_width(handle: Pointer): number;
  _heif_image_handle_get_height(handle: Pointer): number;
  _heif_image_handle_has_alpha_channel(handle: Pointer): number;
  _heif_image_handle_is_premultiplied_alpha(handle: Pointer): number;
  _heif_image_handle_get_luma_bits_per_pixel(handle: Pointer): number;
  _heif_image_handle_get_raw_color_profile_size(handle: Pointer): number;
  _heif_image_handle_get_raw_color_profile(error: Pointer, handle: Pointer, data: Pointer): void;
  _heif_image_handle_get_nclx_color_profile(error: Pointer, handle: Pointer, profile: Pointer): void;
  _heif_image_handle_get_list_of_metadata_block_IDs(
    handle: Pointer,
    type: Pointer,
    ids: Pointer,
    count: number,
  ): number;
  _heif_image_handle_get_metadata_size(handle: Pointer, id: number): number;
  _heif_image_handle_get_metadata(error: Pointer, handle: Pointer, id: number, data: Pointer): void;
  _heif_decoding_options_alloc(): Pointer;
  _heif_decode_image(
    error: Pointer,
    handle: Pointer,
    image: Pointer,
    colorspace: number,
    chroma: number,
    options: Pointer,
  ): void;
  _heif_image_get_primary_width(image: Pointer): number;
  _heif_image_get_primary_height(image: Pointer): number;
  _heif_image_get_plane_readonly(image: Pointer, channel: number, stride: Pointer): Pointer;
}

const FACTORY = "libheif-js/libheif-wasm/libheif.js";

/** The library's WebAssembly file. */
export const wasmFile = (): string =>
  createRequire(import.meta.url).resolve("libheif-js/libheif-wasm/libheif.wasm");

/** A fresh instance of the library. */
export function openLibheif({ instantiateWasm }: ThreadTools): Libheif {
  const create = createRequire(import.meta.url)(FACTORY) as (options: object) => Libheif;
  return create({ instantiateWasm });
}
