import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import fc from 'fast-check'
import t from 'tap'

import type { Io } from '../../src/cli/command.ts'
import { encodeForm } from '../../src/cli/form.ts'
import type { Form } from '../../src/cli/form.ts'

const LIMIT = 100_000

function encode(parts: readonly string[], limit = LIMIT, stdin = ''): Promise<Form> {
  return encodeForm(parts, { stdin: Readable.from([Buffer.from(stdin)]) } as Io, limit)
}

/** What a server makes of it: Node's own reader of forms. */
function read({ bytes, contentType }: Form): Promise<FormData> {
  return new Response(bytes, { headers: { 'content-type': contentType } }).formData()
}

async function text(value: ReturnType<FormData['get']>): Promise<string> {
  return typeof value === 'string'
    ? value
    : Buffer.from(await (value as File).arrayBuffer()).toString()
}

t.test('values come out as they went in, in their order', async (t) => {
  // A name has no sign that headers escape: readers differ in how they take them back.
  const name = fc.stringMatching(/^[a-zA-Z0-9 _.[\]-]{1,20}$/)
  const value = fc.string({ unit: 'binary' }).map((any) => any.replace(/^[@<]/, ''))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, value), { minLength: 1 }), async (pairs) => {
      const form = await read(await encode(pairs.map(([key, is]) => `${key}=${is}`)))
      const wanted = pairs.map(([key, is]) => [key, Buffer.from(is).toString()])
      t.strictSame([...form.entries()], wanted)
    }),
    { numRuns: 50 },
  )
})

t.test('a file has its name and its type', async (t) => {
  const file = join(t.testdir({ dir: {} }), 'dir', 'a "b".pdf')
  writeFileSync(file, 'a\nb\r\n\n')
  const encoded = await encode([
    `one=@${file}`,
    `two=@${file};type=application/pdf;filename=x.pdf`,
    `three=<${file}`,
  ])
  t.match(encoded.bytes.toString(), /name="one"; filename="a %22b%22\.pdf"\r\n/)
  const form = await read(encoded)
  t.match(form.get('one'), { type: 'application/octet-stream' })
  t.match(form.get('two'), { type: 'application/pdf', name: 'x.pdf' })
  for (const name of ['one', 'two', 'three'])
    t.equal(await text(form.get(name)), 'a\nb\r\n\n', name)
})

t.test('one part may be stdin', async (t) => {
  const form = await read(await encode(['a=1', 'log=@-;filename=log.txt'], LIMIT, 'hello'))
  t.equal(await text(form.get('log')), 'hello')
  await t.rejects(encode(['a=@-', 'b=<-'], LIMIT, 'x'), { code: 'usage', message: /stdin/ })
})

t.test('what is wrong with a part is said before anything is read', async (t) => {
  for (const part of ['a', '=x', '', 'a=@f;name=x', 'a=@f;type='])
    await t.rejects(encode([part]), { code: 'usage', message: `-F ${part}: ` }, part)
  await t.rejects(encode(['a=@/nowhere/f']), { code: 'no-input', message: /@\/nowhere\/f/ })
})

t.test('the limit counts for all parts together', async (t) => {
  await t.rejects(encode(['a=1234567890', 'b=1234567890'], 220), { code: 'data' })
  t.ok(await encode(['a=1234567890'], 220))
})
