/**
 * message-files - any bytes are a message, disproved, made by hand or newer: never a crash, and
 * never a body that nobody sealed.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import fc from 'fast-check'

import { NewerFormatError, seal } from '../../src/message/envelope.ts'
import { formatTrailLine } from '../../src/message/trail.ts'
import type { MessageFile } from '../../src/queue/spool/read.ts'
import {
  Defect,
  Unsealed,
  bodyOf,
  isUnsealed,
  readEnvelope,
  readMessage,
  readTail,
} from '../../src/queue/spool/read.ts'
import { damage } from './damage.ts'
import { aTrail, someDraft } from './envelopes.ts'
import { law } from './law.ts'
import type { Law } from './law.ts'

const ID = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'
const accepted = { id: ID, now: 1_795_169_700_123, sender: { uid: 1000, user: 'ann' } }

const sealed = fc
  .tuple(someDraft, fc.uint8Array({ maxLength: 600, size: 'max' }), aTrail)
  .map(([draft, body, trail]) => ({
    body: Buffer.from(body),
    trail,
    bytes: Buffer.concat([
      Buffer.from(`${JSON.stringify(seal(draft, body, accepted))}\n`),
      body,
      Buffer.from(`\n${trail.map(formatTrailLine).join('')}`),
    ]),
  }))

const firstLine = fc.oneof(
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('{"to":"ops"}', '{"v":2}', '{"v":1}', '{}', '[]', ''),
  fc
    .record({ v: fc.nat(3), id: fc.constant(ID), bytes: fc.integer(), to: fc.string() })
    .map((some) => JSON.stringify(some)),
)
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 400, size: 'max' }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(firstLine, fc.uint8Array({ maxLength: 60 }))
    .map(([line, rest]) => Buffer.concat([Buffer.from(`${line}\n`), rest])),
)

/** What a reading comes to: undefined where the bytes are no message of ours. */
function read<T>(act: (path: string) => T, path: string): T | undefined {
  try {
    return act(path)
  } catch (error) {
    const known = [Defect, Unsealed, NewerFormatError].some((it) => error instanceof it)
    if (known) return undefined
    throw error
  }
}

async function bytesOf(path: string, file: MessageFile): Promise<Buffer> {
  const body = await bodyOf(path, file)
  if (body.kind === 'bytes') return Buffer.from(body.bytes)
  throw new Error('a short body is streamed')
}

/** Every reading of the file; the proven message, where there is one. */
function readAll(path: string): MessageFile | undefined {
  read(isUnsealed, path)
  read(readTail, path)
  const envelope = read(readEnvelope, path)
  const message = read(readMessage, path)
  if (
    message !== undefined &&
    JSON.stringify(message.envelope) !== JSON.stringify(envelope)
  )
    throw new Error('two readings, two envelopes')
  return message
}

/** The laws of the file format; files are written into the folder. */
export function messageFileLaws(folder: string): Law[] {
  const path = join(folder, 'message')
  return [
    law('file: what was sealed reads back, body and trail', 10, sealed, async (it) => {
      writeFileSync(path, it.bytes)
      const message = readMessage(path)
      const trail = message.trail.map(formatTrailLine).join('')
      return (
        (await bytesOf(path, message)).equals(it.body) &&
        trail === it.trail.map(formatTrailLine).join('')
      )
    }),
    law('file: any bytes are a message or say why not', 12, anyBytes, async (bytes) => {
      writeFileSync(path, bytes)
      const message = readAll(path)
      if (message === undefined) return true
      return (await bytesOf(path, message)).length === message.envelope.bytes
    }),
    law(
      'file: a damaged one never yields another body',
      15,
      fc.tuple(sealed, damage),
      async ([{ body, bytes }, blow]) => {
        writeFileSync(path, blow(bytes))
        const message = readAll(path)
        return message === undefined || (await bytesOf(path, message)).equals(body)
      },
    ),
  ]
}
