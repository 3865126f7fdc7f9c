/**
 * unpack - what a receiver said although we ask for no encoding: enough of it to be read.
 *
 * Works on the beginning of an answer, cut anywhere, and makes no more of it than of one that came
 * as it is: a few bytes can become a megabyte. What is none of gzip, deflate and br, broken, or
 * becomes more than that stays as it is, and then counts as unreadable.
 */
import { brotliDecompressSync, constants, gunzipSync, inflateSync } from 'node:zlib'

import type { Answer } from './answer.ts'

/** The most that is unpacked. */
const MOST = 1024 * 1024

/** The answer with at most so many bytes of a body that can be read, where that is possible. */
export function unpacked(answer: Answer, most: number): Answer {
  const encoding = answer.headers['content-encoding']
  if (typeof encoding !== 'string' || answer.bytes.length === 0) return answer
  const bytes = plain(answer.bytes, encoding.trim().toLowerCase())
  if (bytes === undefined) return answer
  const { 'content-encoding': _, ...headers } = answer.headers
  return { ...answer, headers, bytes: bytes.subarray(0, most) }
}

function plain(bytes: Uint8Array, encoding: string): Buffer | undefined {
  const cut = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MOST }
  try {
    switch (encoding) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(bytes, cut)
      case 'deflate':
        return inflateSync(bytes, cut)
      case 'br': {
        const flush = constants.BROTLI_OPERATION_FLUSH
        return brotliDecompressSync(bytes, { finishFlush: flush, maxOutputLength: MOST })
      }
    }
  } catch {
    // Broken, or far larger than it looks.
  }
  return undefined
}
