/**
 * compress - a body as gzip, where a destination wants that and the body is worth it.
 *
 * A body in memory is packed whole, and goes as it was where that makes it no shorter. A stream
 * is packed on its way, in pieces of unknown length in all.
 */
import { pipeline } from 'node:stream'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { createGzip, gzip } from 'node:zlib'

import type { Body } from '../message/body.ts'

const packed = promisify(gzip)
/** Where a destination does not say from which length on (bytes). */
const ABOVE = 1024

/** True for a body that is worth it. */
export function isWorthPacking(length: number, above = ABOVE): boolean {
  return length > above
}

/** The body packed; undefined where it goes as it is. */
export async function compressed(body: Body, above = ABOVE): Promise<Body | undefined> {
  const length = body.kind === 'bytes' ? body.bytes.length : body.length
  if (!isWorthPacking(length, above)) return undefined
  if (body.kind === 'bytes') {
    const bytes = await packed(body.bytes)
    return bytes.length < length ? { kind: 'bytes', bytes } : undefined
  }
  return {
    kind: 'stream',
    length,
    // What goes wrong with the source ends the stream that is read here.
    open: () => pipeline(body.open() as Readable, createGzip(), () => {}),
  }
}
