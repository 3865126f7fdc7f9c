import { join } from 'node:path'
import t from 'tap'

import { ReaderLeft } from '../../src/cli/io.ts'
import { MsgqError } from '../../src/base/errors.ts'
import { loadConfig } from '../../src/config/load.ts'
import { publishLimits } from '../../src/config/limits.ts'
import { isId } from '../../src/message/id.ts'
import { put } from '../config/machine.ts'
import { NOON, Sending } from './sending.ts'

const HOOK = 'https://example.com/hook'

const TOML = `
[destinations.crm]
type = "http"
url = "https://crm.example/hooks/in"
content_type = "application/json"
auth = { bearer = { file = "crm-token" } }
headers = { x-source = "msgq", x-tenant = { env = "TENANT" } }

[destinations.ops]
type = "http"
url = { env = "OPS_URL" }

[destinations.ping]
type = "http"
url = "https://ping.example/uuid"
method = "GET"
`

t.test('a message for a URL is queued, and its id printed', async (t) => {
  const sending = new Sending(t)
  const { code, out, err, queued } = await sending.run(['send', HOOK, '-d', 'hi'])
  t.equal(code, 0, err)
  t.equal(err, '')
  t.equal(queued.length, 1)
  const { name, envelope, body } = queued[0]!
  t.equal(out, `${envelope.id}\n`)
  t.ok(isId(envelope.id))
  t.equal(envelope.to, HOOK)
  t.equal(envelope.sender.uid, process.getuid!())
  t.equal(envelope.createdAt, new Date(NOON).toISOString())
  t.equal(envelope.contentType, undefined, 'text is text/plain by itself')
  t.match(name, /,0,[0-9A-Z]{26}@=example\.com_443$/)
  t.equal(body.toString(), 'hi')
})

t.test(
  'the body stands on the line, in a file, or on stdin, and stays as it is',
  async (t) => {
    const sending = new Sending(t)
    const lines = 'a=1\r\nb=2\n\n'
    const file = sending.put('order.txt', lines)
    for (const [argv, stdin, body] of [
      [['disk full'], '', 'disk full'],
      [['disk', 'full on', 'db1'], '', 'disk full on db1'],
      [['--', '-5 degrees'], '', '-5 degrees'],
      [['@nobody is a name'], '', '@nobody is a name'],
      [['-d', 'x\\n'], '', 'x\\n'],
      [['-d', ''], '', ''],
      [['--data-binary', 'x'], '', 'x'],
      [['-d', `@${file}`], '', lines],
      [['--data-binary', `@${file}`], '', lines],
      [['-d', '@-'], lines, lines],
      [['-d', '@-'], '', ''],
      [[], lines, lines],
      [[], '\n', '\n'],
      [['--json', '{"a": 1.0}'], '', '{"a": 1.0}'],
      [['--json', '@-'], '[1]\n', '[1]\n'],
    ] as const) {
      const { code, err, queued } = await sending.run(['send', HOOK, ...argv], { stdin })
      t.equal(code, 0, `${argv.join(' ')}: ${err}`)
      t.equal(queued[0]?.body.toString(), body, argv.join(' '))
    }
  },
)

t.test('stdin is opened only when it is the body', async (t) => {
  const sending = new Sending(t, TOML)
  for (const [argv, opened] of [
    [['send', HOOK, 'text'], false],
    [['send', HOOK, '-d', 'x'], false],
    [['send', HOOK, '--json', '1'], false],
    [['send', HOOK, '-X', 'GET'], false],
    [['send', HOOK, '-X', 'HEAD'], false],
    [['send', HOOK, '-X', 'DELETE'], false],
    [['send', HOOK, '-X', 'OPTIONS'], false],
    [['send', 'ping'], false],
    [['send', HOOK, '-X', 'PUT'], true],
    [['send', 'ping', '-X', 'POST'], true],
    [['send', HOOK], true],
    [['send', HOOK, '-d', '@-'], true],
    // Refused before: a loop that feeds on the same stdin goes on.
    [['send', 'nowhere'], false],
    [['send', HOOK, '--delay', 'x'], false],
  ] as const) {
    const { stdinWasOpened } = await sending.run(argv, { stdin: 'host1\nhost2\n' })
    t.equal(stdinWasOpened, opened, argv.join(' '))
  }
})

t.test('the type of a message is what was said, and never sniffed', async (t) => {
  const sending = new Sending(t, TOML)
  const binary = sending.put('x.gz', Buffer.from([0x1f, 0x8b, 0xff]))
  for (const [to, argv, type] of [
    [HOOK, ['-d', '{"a":1}'], undefined],
    [HOOK, ['--json', '{"a":1}'], 'application/json'],
    [HOOK, ['-d', `@${binary}`], 'application/octet-stream'],
    [HOOK, ['-d', `@${binary}`, '--content-type', 'application/gzip'], 'application/gzip'],
    [HOOK, ['-d', 'a=1', '-H', 'Content-Type: text/csv'], 'text/csv'],
    [
      HOOK,
      ['--json', '1', '-H', 'content-type: application/geo+json'],
      'application/geo+json',
    ],
    // The type of the destination counts, and is looked up when the message goes out.
    ['crm', ['-d', 'x'], undefined],
    ['crm', ['-d', `@${binary}`], undefined],
    ['crm', ['--json', '1'], 'application/json'],
    ['ops', ['-d', `@${binary}`], 'application/octet-stream'],
  ] as const) {
    const { code, err, queued } = await sending.run(['send', to, ...argv])
    t.equal(code, 0, err)
    t.equal(queued[0]?.envelope.contentType, type, `${to} ${argv.join(' ')}`)
    t.notOk(
      Object.keys(queued[0]?.envelope.headers ?? {}).length,
      'the type is no header beside it',
    )
  }
})

t.test('what was asked for lies in the envelope', async (t) => {
  const sending = new Sending(t)
  const { queued } = await sending.run([
    'send',
    HOOK,
    'x',
    '-X',
    'PUT',
    '-H',
    'X-A: 1',
    '-H',
    '__proto__: y:z ',
    '-s',
    'Backup failed',
    '--level',
    'critical',
    '--delay',
    '1h',
    '--expires',
    '10m',
    '--hold',
  ])
  t.match(queued[0]?.envelope, {
    method: 'PUT',
    subject: 'Backup failed',
    level: 'critical',
    notBefore: new Date(NOON + 3_600_000).toISOString(),
    expiresAt: new Date(NOON + 4_200_000).toISOString(),
    hold: true,
  })
  t.strictSame(Object.entries(queued[0]?.envelope.headers ?? {}), [
    ['X-A', '1'],
    ['__proto__', 'y:z'],
  ])
  t.match(queued[0]?.name, /^20\d{6}T\d{6}/)
})

t.test('--at is the next such time; one that is over is at once, and said', async (t) => {
  const sending = new Sending(t)
  const next = await sending.run(['send', HOOK, 'x', '--at', '13:00'])
  t.equal(next.queued[0]?.envelope.notBefore, new Date(NOON + 3_600_000).toISOString())
  t.equal(next.err, '')
  const over = await sending.run(['send', HOOK, 'x', '--at', '2026-11-01'])
  t.equal(over.code, 0)
  t.equal(over.queued[0]?.envelope.notBefore, undefined)
  t.equal(over.err, 'msgq: send: --at is over: it goes out at once\n')
})

t.test('a message without a receiver goes to $MSGQ_TO, else to [send] to', async (t) => {
  const sending = new Sending(t, `[send]\nto = "crm"\n${TOML}`)
  const to = async (env: Record<string, string>, argv: string[] = []) =>
    (await sending.run(['send', ...argv, '-d', 'x'], { env })).queued.map(
      ({ envelope }) => envelope.to,
    )
  t.strictSame(await to({}), ['crm'])
  t.strictSame(await to({ MSGQ_TO: '' }), ['crm'])
  t.strictSame(await to({ MSGQ_TO: 'ops' }), ['ops'])
  t.strictSame(await to({ MSGQ_TO: 'ops,ping' }), ['ops', 'ping'])
  t.strictSame(await to({ MSGQ_TO: 'ops' }, ['ping']), ['ping'])
})

t.test('several receivers get a message each, in their order', async (t) => {
  const sending = new Sending(t, TOML)
  const { code, out, queued } = await sending.run(['send', `ops,${HOOK}?a=1%2C2,crm`, 'x'])
  t.equal(code, 0)
  t.strictSame(
    queued.map(({ envelope }) => envelope.to),
    ['ops', `${HOOK}?a=1%2C2`, 'crm'],
  )
  t.equal(out, queued.map(({ envelope }) => `${envelope.id}\n`).join(''))
})

t.test('-E sends nothing of nothing, and says nothing', async (t) => {
  const sending = new Sending(t)
  for (const argv of [[], ['-d', '@-'], ['--json', '@-'], ['-q']]) {
    const { code, out, err, queued } = await sending.run(['send', '-E', HOOK, ...argv])
    t.strictSame([code, out, err, queued.length], [0, '', '', 0], argv.join(' '))
  }
  t.equal((await sending.run(['send', '-E', HOOK], { stdin: 'x' })).queued.length, 1)
  t.equal((await sending.run(['send', '-E', HOOK, '-d', ''])).queued.length, 1)
})

t.test('-q prints nothing, -v says where it lies', async (t) => {
  const sending = new Sending(t)
  const quiet = await sending.run(['send', '-qE', HOOK], { stdin: 'x' })
  t.strictSame([quiet.code, quiet.out, quiet.err, quiet.queued.length], [0, '', '', 1])
  const verbose = await sending.run(['send', '-v', HOOK, 'xyz'])
  t.equal(verbose.out, `${verbose.queued[0]?.envelope.id}\n`)
  t.equal(verbose.err, `msgq: send: 3 bytes of body, in the spool ${sending.spool}\n`)
})

t.test('a message that is on disk is a success, whoever reads the id', async (t) => {
  const sending = new Sending(t)
  const left = await sending.run(['send', HOOK, 'x'], {
    print: async () => {
      throw new ReaderLeft()
    },
  })
  t.strictSame([left.code, left.err, left.queued.length], [0, '', 1])
  const full = await sending.run(['send', HOOK, 'x'], {
    print: async () => {
      throw new MsgqError('cannot-create', 'stdout: no space left on device')
    },
  })
  const id = full.queued[0]?.envelope.id
  t.equal(full.code, 0)
  t.equal(full.err, `msgq: send: queued as ${id}, but stdout: no space left on device\n`)
})

t.test('a secret in a header is taken, with a word on a terminal', async (t) => {
  const sending = new Sending(t)
  const argv = ['send', HOOK, 'x', '-H', 'Authorization: Bearer abc']
  t.equal((await sending.run(argv)).err, '')
  const { code, err } = await sending.run(argv, { terminal: true })
  t.equal(code, 0)
  t.match(err, /^msgq: send: Authorization lies in the spool as it is.*\n$/)
})

t.test('a configuration with faults stops no message', async (t) => {
  const sending = new Sending(t, `[send]\nto = "crm"\nmesage_size_limit = "1k"\n${TOML}`)
  const { code, err, queued } = await sending.run(['send', 'crm', 'x'])
  t.equal(code, 0)
  t.equal(queued.length, 1)
  t.match(
    err,
    /^msgq: send: taken unchecked, the configuration has a fault: .*msgq\.toml:3: /,
  )
  t.equal(err.split('\n').length, 2, 'one line')
  sending.configure('this is no toml')
  const binary = sending.put('x.gz', Buffer.from([0xff]))
  const worse = await sending.run(['send', 'unheard-of', '-d', `@${binary}`])
  t.equal(worse.code, 0)
  t.equal(worse.queued[0]?.envelope.contentType, undefined, 'the destination may have one')
})

t.test('what the daemon published counts while it is current', async (t) => {
  const sending = new Sending(t, TOML)
  put(join(sending.spool, 'run/wake'), '')
  const config = loadConfig(sending.environment, {})
  const destinations = new Map(config.destinations)
  destinations.set('published', destinations.get('ops')!)
  const published = {
    ...config,
    destinations,
    send: { ...config.send, messageSizeLimit: 5 },
  }
  await publishLimits(sending.spool, published, Date.now() + 60_000)
  t.equal((await sending.run(['send', 'published', 'x'])).code, 0)
  t.equal((await sending.run(['send', 'published', '123456'])).code, 65)
  sending.configure(`${TOML}\n# changed\n`)
  await publishLimits(sending.spool, published, Date.now() - 60_000)
  t.equal((await sending.run(['send', 'published', 'x'])).code, 64, 'the file is newer')
  t.equal((await sending.run(['send', 'crm', '123456'])).code, 0)
})

t.test(
  'who has no configuration takes the word of the daemon that serves the spool',
  async (t) => {
    const sending = new Sending(t, TOML)
    put(join(sending.spool, 'run/wake'), '')
    await publishLimits(
      sending.spool,
      loadConfig(sending.environment, {}),
      Date.now() + 60_000,
    )
    const elsewhere = { etc: join(sending.folder, 'no-etc') }
    t.equal((await sending.run(['send', 'crm', 'x'], { elsewhere })).code, 0)
    t.equal((await sending.run(['send', 'cmr', 'x'], { elsewhere })).code, 64)
  },
)

t.test(
  '--dry-run shows the request with its secrets masked, and queues nothing',
  async (t) => {
    const sending = new Sending(t, TOML)
    const { code, out, err, queued } = await sending.run([
      'send',
      'crm',
      '--json',
      '{"id":7}',
      '--dry-run',
      '-H',
      'X-Api-Key: 12345',
      '-s',
      'Order',
      '--delay',
      '1h',
    ])
    t.strictSame([code, err, queued.length], [0, '', 0])
    t.match(out, /^POST https:\/\/crm\.example\/hooks\/\.\.\.\n/)
    t.match(out, /^authorization: \*{4}$/m)
    t.match(out, /^x-tenant: \*{4}$/m)
    t.match(out, /^x-api-key: \*{4}$/m)
    t.match(out, /^x-source: msgq$/m)
    t.match(out, /^content-type: application\/json$/m)
    t.match(out, /^idempotency-key: \(the id\)$/m)
    t.match(out, /^# not before 20/m)
    t.match(out, /\n\n\{"id":7\}\n$/)
    t.notMatch(out, /12345/)
    const hidden = await sending.run(['send', `ops,${HOOK}/T/B/KEY`, 'x', '--dry-run'])
    t.match(hidden.out, /^POST \*{4}\n/)
    t.match(hidden.out, /^POST https:\/\/example\.com\/hook\/\.\.\.\n/m)
    t.notMatch(hidden.out, /KEY|invalid/)
    const binary = sending.put('x.gz', Buffer.from([0x1f, 0x8b, 0xff]))
    const counted = await sending.run(['send', HOOK, '-d', `@${binary}`, '--dry-run'])
    t.match(counted.out, /\n\(3 that are no text\)\n$/)
  },
)

t.test('--dry-run refuses what would be refused', async (t) => {
  const sending = new Sending(t, TOML)
  t.equal((await sending.run(['send', 'cmr', 'x', '--dry-run'])).code, 64)
  t.equal((await sending.run(['send', 'crm', '--json', '{', '--dry-run'])).code, 65)
  sending.configure(`[send]\nmessage_size_limit = "3B"\n${TOML}`)
  t.equal((await sending.run(['send', 'crm', '1234', '--dry-run'])).code, 65)
})

t.test('a key goes into the envelope, and stands for one message', async (t) => {
  const sending = new Sending(t)
  const { queued, code } = await sending.run(['send', HOOK, '--key', 'order 42', 'x'])
  t.equal(code, 0)
  t.match(queued, [{ envelope: { key: 'order 42' } }])
  const two = await sending.run(['send', `${HOOK},${HOOK}2`, '--key', '42', 'x'])
  t.match(two, { code: 64, queued: [], err: /--key and more than one receiver exclude/ })
  const twice = await sending.run([
    'send',
    HOOK,
    'x',
    '--key',
    '1',
    '-H',
    'idempotency-Key: 2',
  ])
  t.match(twice, { code: 64, queued: [], err: /key: and the header Idempotency-Key/ })
  for (const bad of ['', 'a\nb', 'x'.repeat(1001), '\u{1f600}'])
    t.match(await sending.run(['send', HOOK, 'x', '--key', bad]), { code: 64, queued: [] })
  const batch = await sending.run(['send', HOOK, '--batch'], {
    stdin: '{"body":"x","key":"7"}\n',
  })
  t.match(batch, { code: 0, queued: [{ envelope: { key: '7' } }] })
  t.equal((await sending.run(['send', HOOK, '--batch', '--key', '7'])).code, 64)
})
