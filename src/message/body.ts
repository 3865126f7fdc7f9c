/**
 * body - the bytes of a message on their way out.
 *
 * Whole in memory up to 1 MiB; above that a stream, opened anew at each attempt.
 */
export type Body =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'stream'; readonly length: number; open(): NodeJS.ReadableStream }
