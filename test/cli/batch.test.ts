import { EventEmitter, once } from 'node:events'
import { PassThrough } from 'node:stream'

import fc from 'fast-check'
import t from 'tap'

import { ReaderLeft } from '../../src/cli/io.ts'
import { NOON, Sending } from './sending.ts'

const HOOK = 'https://example.com/hook'

const TOML = `
[send]
message_size_limit = "1k"

[destinations.crm]
type = "http"
url = "https://crm.example/hooks/in"

[destinations.ping]
type = "http"
url = "https://ping.example/"
method = "GET"
`

const batch = (...lines: (string | object)[]) => ({
  stdin: lines
    .map((line) => (typeof line === 'string' ? line : JSON.stringify(line)) + '\n')
    .join(''),
})

t.test(
  'each line is a message, answered with its id in the order of the lines',
  async (t) => {
    const sending = new Sending(t, TOML)
    const lines = Array.from({ length: 200 }, (_, n) => ({ body: `message ${n}` }))
    const { code, out, err, queued } = await sending.run(
      ['send', '--batch', 'crm'],
      batch(...lines),
    )
    t.equal(code, 0, err)
    t.equal(err, '')
    const bodies = new Map(queued.map(({ envelope, body }) => [envelope.id, String(body)]))
    t.strictSame(
      out
        .trimEnd()
        .split('\n')
        .map((id) => bodies.get(id)),
      lines.map(({ body }) => body),
    )
  },
)

t.test('a body is text, JSON as it was written, or Base64', async (t) => {
  const sending = new Sending(t, TOML)
  for (const [line, body, type] of [
    ['{"body":"é\\n"}', 'é\n', undefined],
    ['{"body":""}', '', undefined],
    [
      '{"body":{"id": 12345678901234567890, "x":1.0}}',
      '{"id": 12345678901234567890, "x":1.0}',
      'application/json',
    ],
    ['{"body":[1,2]}', '[1,2]', 'application/json'],
    ['{"body":false}', 'false', 'application/json'],
    ['{"body":null}', 'null', 'application/json'],
    ['{"body":"x","contentType":"a/b"}', 'x', 'a/b'],
    ['{"body":1,"contentType":"a/b"}', '1', 'a/b'],
    ['{"body":1,"headers":{"Content-Type":"a/b"}}', '1', 'a/b'],
    ['{"bodyBase64":"aGk="}', 'hi', undefined],
    ['{"bodyBase64":""}', '', undefined],
    ['{"method":"DELETE"}', '', undefined],
    ['{"to":"ping"}', '', undefined],
  ] as const) {
    const { code, err, queued } = await sending.run(['send', '--batch', 'crm'], batch(line))
    t.equal(code, 0, `${line}: ${err}`)
    t.equal(queued[0]?.body.toString(), body, line)
    t.equal(queued[0]?.envelope.contentType, type, line)
  }
  const binary = await sending.run(
    ['send', '--batch', 'crm'],
    batch('{"bodyBase64":"/w=="}'),
  )
  t.equal(binary.queued[0]?.envelope.contentType, 'application/octet-stream')
  t.strictSame(binary.queued[0]?.body, Buffer.from([0xff]))
})

t.test('what is asked for lies in the envelope', async (t) => {
  const sending = new Sending(t, TOML)
  const { queued } = await sending.run(
    ['send', '--batch'],
    batch({
      to: HOOK,
      body: 'x',
      method: 'PUT',
      headers: { 'X-A': '1', 'content-type': 'a/b' },
      subject: 's',
      level: 'error',
      delay: '1h',
      expires: '10m',
      hold: true,
    }),
  )
  t.match(queued[0]?.envelope, {
    to: HOOK,
    method: 'PUT',
    contentType: 'a/b',
    subject: 's',
    level: 'error',
    notBefore: new Date(NOON + 3_600_000).toISOString(),
    expiresAt: new Date(NOON + 4_200_000).toISOString(),
    hold: true,
  })
  t.strictSame(queued[0]?.envelope.headers, { 'X-A': '1' })
})

t.test('a bad line is refused with its number, and the good ones are kept', async (t) => {
  const sending = new Sending(t, TOML)
  const { code, out, err, queued } = await sending.run(
    ['send', '--batch', 'crm'],
    batch(
      { body: '1' },
      '',
      '{"body":',
      { body: '4' },
      { to: 'cmr', body: '5' },
      { body: '6' },
    ),
  )
  t.equal(code, 65)
  t.strictSame(
    queued.map(({ body }) => String(body)),
    ['1', '4', '6'],
  )
  t.equal(out, queued.map(({ envelope }) => `${envelope.id}\n`).join(''))
  t.match(err.split('\n')[0], /^msgq: send: line 3: is no JSON: /)
  t.equal(
    err.split('\n')[1],
    'msgq: send: line 5: no such destination: "cmr" (did you mean crm? there are crm, ping)',
  )
})

t.test('lines that are refused', async (t) => {
  const sending = new Sending(t, TOML)
  for (const [line, says] of [
    ['[]', 'is no JSON object'],
    ['null', 'is no JSON object'],
    ['"x"', 'is no JSON object'],
    ['{"to":"crm"}', 'body: is missing ("" is an empty message)'],
    ['{"to":1,"body":"x"}', 'to: is not a text'],
    ['{"to":null,"body":"x"}', 'to: is not a text'],
    ['{"to":"https://u:p@example.com/","body":"x"}', /^to: has a user or password/],
    ['{"body":"x","bodyBase64":"eA=="}', 'body and bodyBase64 exclude each other'],
    ['{"bodyBase64":"eA"}', 'bodyBase64: is no Base64'],
    ['{"bodyBase64":"e A="}', 'bodyBase64: is no Base64'],
    ['{"bodyBase64":7}', 'bodyBase64: is no Base64'],
    ['{"body":"\\ud800"}', 'body: has half a character'],
    ['{"to":"crm","body":"x","event":"a"}', 'to and event exclude each other'],
    ['{"body":"x","dealy":"1h"}', 'dealy: is no member of a message (did you mean delay?)'],
    ['{"body":"x","delay":60}', 'delay: is not a text'],
    ['{"body":"x","delay":"60"}', /^delay: is no span of time: "60"/],
    ['{"body":"x","at":"soon"}', /^at: is no time: "soon"/],
    ['{"body":"x","delay":"1h","at":"09:00"}', 'delay and at exclude each other'],
    ['{"body":"x","expires":"2020-01-01"}', 'expires: is over already'],
    ['{"body":"x","hold":"yes"}', /^hold: /],
    ['{"body":"x","level":"fatal"}', /^level: is not one of/],
    ['{"body":"x","subject":1}', /^subject: is not a text/],
    ['{"body":"x","subject":"a\\nb"}', /^subject: has a control character/],
    ['{"body":"x","method":"get"}', /^method: /],
    ['{"body":"x","headers":[]}', /^headers: /],
    ['{"body":"x","headers":{"a b":"c"}}', /^headers: has a bad name/],
    ['{"body":"x","headers":{"content-type":7}}', /^contentType: is not a text/],
    [
      '{"body":"x","contentType":"a/b","headers":{"Content-Type":"c/d"}}',
      /exclude each other$/,
    ],
    [`{"body":"${'x'.repeat(1025)}"}`, /^message: 1\.0K is over the limit of 1\.0K/],
    [`{"body":"${'x'.repeat(200_000)}"}`, /^is over the limit of .* for a line$/],
  ] as const) {
    const { code, out, err, queued } = await sending.run(
      ['send', '--batch', 'crm'],
      batch(line),
    )
    const shown = line.slice(0, 80)
    t.equal(code, 65, shown)
    t.ok(err.startsWith('msgq: send: line 1: '), err)
    const why = err.slice('msgq: send: line 1: '.length, -1)
    t.match(why, says, shown)
    if (typeof says === 'string') t.equal(why, says, shown)
    t.strictSame([out, queued.length], ['', 0], shown)
  }
  const latin = await sending.run(['send', '--batch', 'crm'], {
    stdin: Buffer.from('{"body":"\xe9"}\n', 'latin1'),
  })
  t.equal(latin.err, 'msgq: send: line 1: is not UTF-8\n')
  const nobody = await sending.run(['send', '--batch'], batch({ body: 'x' }))
  t.equal(nobody.err, 'msgq: send: line 1: to: is missing\n')
})

t.test('what each line says for itself is refused on the command line', async (t) => {
  const sending = new Sending(t, TOML)
  for (const [argv, says] of [
    [['--json', '1'], '--json and --batch exclude each other'],
    [['-H', 'a: b'], '-H and --batch exclude each other'],
    [['-s', 'x'], '--subject and --batch exclude each other'],
    [['--delay', '1h'], '--delay and --batch exclude each other'],
    [['--hold'], '--hold and --batch exclude each other'],
    [['-X', 'PUT'], '-X and --batch exclude each other'],
    [['crm', 'text'], 'TEXT and --batch exclude each other'],
    [['crm,ping'], 'to: more than one receiver for many messages: crm,ping'],
    [['cmr'], 'no such destination: "cmr"'],
    [['https://u:p@example.com/'], 'to: has a user or password in the URL'],
    [['-d', '{}'], '-d: names no input'],
    [['-d', '@a', '-d', '@b'], 'the input is given twice'],
  ] as const) {
    const { code, err, queued } = await sending.run(
      ['send', '--batch', ...argv],
      batch({ to: HOOK, body: 'x' }),
    )
    t.equal(code, 64, argv.join(' '))
    t.equal(err.split('\n')[0], `msgq: send: ${says}`)
    t.equal(queued.length, 0)
  }
  const terminal = await sending.run(['send', '--batch'], { terminal: true })
  t.equal(terminal.code, 64)
})

t.test('the input may be a file', async (t) => {
  const sending = new Sending(t, TOML)
  const file = sending.put('all.jsonl', '{"to":"crm","body":"1"}\n{"to":"crm","body":"2"}')
  const { code, queued, stdinWasOpened } = await sending.run([
    'send',
    '--batch',
    '-d',
    `@${file}`,
  ])
  t.equal(code, 0)
  t.equal(queued.length, 2, 'the last line needs no newline')
  t.equal(stdinWasOpened, false)
  const missing = await sending.run(['send', '--batch', '-d', '@/no/such'])
  t.equal(missing.code, 66)
  const folder = await sending.run(['send', '--batch', '-d', '@/'])
  t.equal(folder.code, 66)
  t.match(folder.err, /is a directory/)
})

t.test('nothing in, nothing out', async (t) => {
  const sending = new Sending(t, TOML)
  for (const stdin of ['', '\n\n \r\n'])
    t.strictSame(await sending.run(['send', '--batch', 'crm'], { stdin }), {
      code: 0,
      out: '',
      err: '',
      stdinWasOpened: true,
      queued: [],
    })
})

t.test('-q prints no ids, -v ends with a count', async (t) => {
  const sending = new Sending(t, TOML)
  const { code, out, err, queued } = await sending.run(
    ['send', '--batch', '-qv', 'crm'],
    batch({ body: 'x' }, { body: 'y' }, '{'),
  )
  t.strictSame([code, out, queued.length], [65, '', 2])
  t.match(err, /\nmsgq: send: 2 queued, 1 refused, in the spool .*\n$/)
})

t.test('an id is printed as soon as its message is durable', async (t) => {
  const sending = new Sending(t, TOML)
  const printed: string[] = []
  const seen = new EventEmitter()
  const firstSeen = once(seen, 'id')
  async function* slowly() {
    yield Buffer.from('{"body":"1"}\n')
    await firstSeen
    yield Buffer.from('{"body":"2"}\n')
  }
  const { code, queued } = await sending.run(['send', '--batch', 'crm'], {
    stdin: slowly(),
    print: async (text) => {
      printed.push(text)
      seen.emit('id')
    },
  })
  t.equal(code, 0)
  t.equal(queued.length, 2)
  t.equal(printed.length, 2)
})

t.test('a reader of the ids who leaves stops no message', async (t) => {
  const sending = new Sending(t, TOML)
  const { code, queued } = await sending.run(['send', '--batch', 'crm'], {
    ...batch({ body: '1' }, { body: '2' }, { body: '3' }),
    print: async () => {
      throw new ReaderLeft()
    },
  })
  t.equal(code, 0)
  t.equal(queued.length, 3)
})

t.test(
  'trouble with the spool ends the batch, and its code is not that of a line',
  async (t) => {
    const sending = new Sending(
      t,
      TOML.replace('[send]', '[send]\nmin_free = "1048576GiB"'),
    )
    const many = Array.from({ length: 100 }, () => ({ body: 'x' }))
    const { code, err, queued } = await sending.run(
      ['send', '--batch', 'crm'],
      batch(...many),
    )
    t.equal(code, 75)
    t.match(err, /^msgq: send: line 1: spool: .* min_free/)
    t.match(err, /\nmsgq: send: stopped behind line \d+: what follows was not read\n$/)
    t.ok(err.split('\n').length < 40, 'no line for each of the input')
    t.equal(queued.length, 0)
  },
)

t.test('trouble ends a batch whose input stays open', async (t) => {
  const sending = new Sending(t, TOML.replace('[send]', '[send]\nmin_free = "1048576GiB"'))
  const stdin = new PassThrough()
  stdin.write('{"body":"1"}\n')
  const { code } = await sending.run(['send', '--batch', 'crm'], { stdin })
  t.equal(code, 75)
  t.equal(stdin.destroyed, true)
})

t.test('a reader of the requests who leaves ends a dry run', async (t) => {
  const sending = new Sending(t, TOML)
  const { code, err } = await sending.run(['send', '--batch', '--dry-run', 'crm'], {
    ...batch({ body: '1' }, { body: '2' }, { body: '3' }),
    print: async () => {
      throw new ReaderLeft()
    },
  })
  t.strictSame([code, err], [0, ''])
})

t.test('--dry-run shows a request a line, and queues nothing', async (t) => {
  const sending = new Sending(t, TOML)
  const { code, out, queued } = await sending.run(
    ['send', '--batch', '--dry-run', 'crm'],
    batch({ body: 'one' }, { body: { two: 2 } }),
  )
  t.strictSame([code, queued.length], [0, 0])
  t.match(out, /^POST https:\/\/crm\.example\/hooks\/\.\.\.\n/)
  t.match(out, /\n\none\n\nPOST /)
  t.match(out, /\n\n\{"two":2\}\n\n$/)
})

t.test('any JSON comes through a batch byte by byte', async (t) => {
  const sending = new Sending(t, TOML)
  await fc.assert(
    fc.asyncProperty(fc.json({ maxDepth: 3 }), async (json) => {
      const { code, queued } = await sending.run(
        ['send', '--batch', 'crm'],
        batch(`{"body": ${json} }`),
      )
      const expected = json.startsWith('"') ? (JSON.parse(json) as string) : json
      const refused = /\p{Cs}/u.test(expected) || Buffer.byteLength(expected) > 1024
      return refused ? code === 65 : code === 0 && String(queued[0]?.body) === expected
    }),
    { numRuns: 50 },
  )
})

async function* broken() {
  yield Buffer.from('{"body":"1"}\n{"bo')
  throw Object.assign(new Error('EIO'), { code: 'EIO' })
}

t.test('an input that breaks off keeps what came before', async (t) => {
  const sending = new Sending(t, TOML)
  const { code, err, queued } = await sending.run(['send', '--batch', 'crm'], {
    stdin: broken(),
  })
  t.equal(code, 66)
  t.equal(err, 'msgq: send: input: input/output error\n')
  t.strictSame(
    queued.map(({ body }) => String(body)),
    ['1'],
  )
})
