/**
 * body - the bytes of a message on their way out.
 *
 * Whole in memory up to 1 MiB; above that a stream, opened anew at each attempt.
 */
export type Body =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'stream'; readonly length: number; open(): NodeJS.ReadableStream }

/** All bytes of a body, in memory. */
export async function bytesOf(body: Body): Promise<Uint8Array> {
  if (body.kind === 'bytes') return body.bytes
  const chunks: Buffer[] = []
  for await (const chunk of body.open()) chunks.push(Buffer.from(chunk as Buffer))
  return Buffer.concat(chunks)
}
