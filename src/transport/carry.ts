/**
 * carry - makes a message, whole and as it is, into one member of a JSON object: as Base64.
 *
 * A body that is a stream stays one, of a length that is known before.
 */
import { Readable } from 'node:stream'

import type { Body } from '../message/body.ts'

/** The object as bytes, with the body as its member `bodyBase64`. */
export function carried(members: object, body: Body): Body {
  const head = `${JSON.stringify(members).slice(0, -1)},"bodyBase64":"`
  if (body.kind === 'bytes') {
    const text = Buffer.from(body.bytes).toString('base64')
    return { kind: 'bytes', bytes: Buffer.from(`${head}${text}${TAIL}`) }
  }
  const { length, open } = body
  return {
    kind: 'stream',
    length: Buffer.byteLength(head) + 4 * Math.ceil(length / 3) + TAIL.length,
    open: () => Readable.from(pieces(head, open()), { objectMode: false }),
  }
}

const TAIL = '"}'

async function* pieces(head: string, body: NodeJS.ReadableStream): AsyncGenerator<Buffer> {
  yield Buffer.from(head)
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of body as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    // Three bytes are four characters: what is over waits for the next chunk.
    const whole = bytes.length - (bytes.length % 3)
    rest = bytes.subarray(whole)
    if (whole > 0) yield Buffer.from(bytes.toString('base64', 0, whole))
  }
  yield Buffer.from(rest.toString('base64') + TAIL)
}
