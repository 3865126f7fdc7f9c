/**
 * form - the parts of a form as one body, written as with curl: -F name=TEXT, -F name=@FILE.
 *
 * RFC 7578, in the order of the line. Nothing is guessed: a file without ;type= is
 * application/octet-stream. Its name is sent, and never the folder it lies in.
 */
import { randomBytes } from 'node:crypto'
import { basename } from 'node:path'

import { MsgqError } from '../base/errors.ts'
import { readSource, sourceOf, tooLarge } from './body.ts'
import type { Source } from './body.ts'
import type { Io } from './command.ts'

interface Part {
  readonly name: string
  readonly source: Source
  /** Undefined, as the type, for a plain value. */
  readonly fileName?: string
  readonly type?: string
}

/** A body and how it is to be read. */
export interface Form {
  readonly bytes: Buffer
  readonly contentType: string
}

/** The whole body of a form; throws a usage error for a part that cannot be read. */
export async function encodeForm(
  values: readonly string[],
  io: Io,
  limit: number,
): Promise<Form> {
  const parts = values.map(partOf)
  if (parts.filter(({ source }) => source.kind === 'stdin').length > 1)
    throw new MsgqError('usage', '-F: more than one part reads stdin')
  const boundary = `msgq-${randomBytes(16).toString('hex')}`
  const chunks: Buffer[] = []
  for (const part of parts) {
    const edge = chunks.length === 0 ? '' : '\r\n'
    const head = Buffer.from(edge + headOf(part, boundary))
    chunks.push(head, await readSource(part.source, io, limit))
    if (lengthOf(chunks) > limit) throw tooLarge(limit)
  }
  chunks.push(Buffer.from(`\r\n--${boundary}--\r\n`))
  if (lengthOf(chunks) > limit) throw tooLarge(limit)
  return {
    bytes: Buffer.concat(chunks),
    contentType: `multipart/form-data; boundary=${boundary}`,
  }
}

function lengthOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0)
}

/** What stands before the bytes of a part. Node's own FormData would change their newlines. */
function headOf({ name, fileName, type }: Part, boundary: string): string {
  const file = fileName === undefined ? '' : `; filename="${escaped(fileName)}"`
  return [
    `--${boundary}`,
    `content-disposition: form-data; name="${escaped(name)}"${file}`,
    ...(type === undefined ? [] : [`content-type: ${type}`]),
    '\r\n',
  ].join('\r\n')
}

/** As browsers and curl do: https://html.spec.whatwg.org/#multipart-form-data */
function escaped(text: string): string {
  return text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

/** NAME=TEXT, NAME=<FILE, or NAME=@FILE, and behind a file ;type=TYPE and ;filename=NAME. */
function partOf(value: string): Part {
  const [, name, mark, rest] = /^([^=]+)=([@<]?)([^]*)$/.exec(value) ?? []
  if (name === undefined || rest === undefined)
    throw new MsgqError(
      'usage',
      `-F ${value}: has no name`,
      'write NAME=TEXT or NAME=@FILE',
    )
  if (mark === '') return { name, source: { kind: 'bytes', bytes: Buffer.from(rest) } }
  const [file = '', ...words] = rest.split(';')
  const source = sourceOf('-F', `@${file}`)
  if (mark === '<' && words.length === 0) return { name, source }
  const said = Object.fromEntries(words.map((word) => settingOf(value, word)))
  const type = 'application/octet-stream'
  return { name, source, type, fileName: basename(file), ...said }
}

function settingOf(value: string, word: string): ['fileName' | 'type', string] {
  const [, what, is] = /^\s*(type|filename)=(.+)$/.exec(word) ?? []
  if (is === undefined)
    throw new MsgqError(
      'usage',
      `-F ${value}: "${word}" means nothing here`,
      'behind a file there may be ;type=TYPE and ;filename=NAME',
    )
  return [what === 'type' ? 'type' : 'fileName', is]
}
