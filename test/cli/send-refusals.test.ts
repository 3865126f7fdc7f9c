import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import { asNobody } from '../config/machine.ts'
import { Sending } from './sending.ts'
import type { Setting } from './sending.ts'

const HOOK = 'https://example.com/hook'

const TOML = `
[send]
message_size_limit = "1k"

[destinations.crm]
type = "http"
url = "https://crm.example/hooks/in"

[destinations.ops]
type = "http"
url = "https://ops.example/"
`

interface Row {
  readonly argv: readonly string[]
  readonly code: number
  /** What follows `msgq: send: ` on the first line. */
  readonly says: string | RegExp
  readonly hint?: string | RegExp
  readonly setting?: Setting
}

const ROWS: Readonly<Record<string, readonly Row[]>> = {
  'no receiver and no known one': [
    {
      argv: [],
      code: 64,
      says: 'nobody to send to',
      hint: 'msgq send TO TEXT; there are crm, ops',
    },
    {
      argv: ['cmr', 'x'],
      code: 64,
      says: 'no such destination: "cmr"',
      hint: 'did you mean crm? there are crm, ops',
    },
    {
      argv: ['disk full', 'x'],
      code: 64,
      says: 'no such destination: "disk full"',
      hint: /first: msgq send TO TEXT/,
    },
    {
      argv: ['example.com/hook', 'x'],
      code: 64,
      says: 'no such destination: "example.com/hook"',
      hint: 'a URL begins with https:// or http://',
    },
    { argv: ['', 'x'], code: 64, says: 'to: an empty name in ""' },
    { argv: ['ops,', 'x'], code: 64, says: 'to: an empty name in "ops,"' },
    { argv: ['ops,crm,ops', 'x'], code: 64, says: 'to: "ops" stands twice' },
    {
      argv: ['https://example.com/a,b', 'x'],
      code: 64,
      says: 'no such destination: "b"',
      hint: 'a comma within a URL is written %2C',
    },
    { argv: ['ops,cmr', 'x'], code: 64, says: 'no such destination: "cmr"' },
    {
      argv: ['-d', 'x'],
      code: 64,
      says: 'no such destination: "nope"',
      setting: { env: { MSGQ_TO: 'nope' } },
    },
  ],
  'bad URLs': [
    { argv: ['https://', 'x'], code: 64, says: 'to: is not a valid URL: "https://"' },
    {
      argv: ['ftp://example.com/', 'x'],
      code: 64,
      says: 'to: has a scheme that msgq does not speak: "ftp:"',
      hint: 'use https or http',
    },
    {
      argv: ['https://u:p@example.com/', 'x'],
      code: 64,
      says: 'to: has a user or password in the URL',
      hint: /auth/,
    },
    {
      argv: ['https://example.com/\n', 'x'],
      code: 64,
      says: /^to: has a control character/,
    },
    { argv: [' https://example.com/', 'x'], code: 64, says: /^no such destination/ },
  ],
  'a body given twice, or in no way that can be meant': [
    { argv: ['ops', '-d', 'a=1', '-d', 'b=2'], code: 64, says: /twice: -d and -d$/ },
    { argv: ['ops', '-d', 'a', '--json', '1'], code: 64, says: /twice: -d and --json$/ },
    { argv: ['ops', 'text', '-d', 'a'], code: 64, says: /twice: -d and TEXT$/ },
    { argv: ['ops', '--json', '1', '--json', '2'], code: 64, says: /twice/ },
    { argv: ['ops', '-d', 'a', '--data-binary', 'b'], code: 64, says: /twice/ },
    { argv: ['ops', '-d', 'a', '--json', '1', 'x'], code: 64, says: /given 3 times/ },
    { argv: ['ops', '-d', '-'], code: 64, says: '-d -: is one dash', hint: /-d @-/ },
    { argv: ['ops', '-'], code: 64, says: 'TEXT is one dash', hint: /-d @-/ },
    { argv: ['ops', '-d', '@'], code: 64, says: '-d @: names no file' },
    {
      argv: ['ops', '-X', 'GET', '-d', '@-'],
      code: 64,
      says: /^@-: stdin is never read for GET/,
    },
  ],
  stdin: [
    {
      argv: ['ops'],
      code: 64,
      says: 'no message',
      hint: /TEXT/,
      setting: { terminal: true },
    },
    {
      argv: ['ops', '-E'],
      code: 64,
      says: 'no message',
      setting: { terminal: true },
    },
    {
      argv: ['ops'],
      code: 65,
      says: 'nothing on stdin, nothing queued',
      hint: `-d '' sends an empty message; -E: stay silent`,
    },
    {
      argv: ['ops'],
      code: 65,
      says: 'message: is over the limit of 1.0K',
      hint: /message_size_limit/,
      setting: { stdin: 'x'.repeat(1025) },
    },
    {
      argv: ['ops'],
      code: 66,
      says: 'stdin: is a directory',
      setting: {
        stdin: (async function* () {
          yield Buffer.from('x')
          throw Object.assign(new Error('EISDIR'), { code: 'EISDIR' })
        })(),
      },
    },
  ],
  'what is no message': [
    {
      argv: ['ops', '-d', 'x'.repeat(1025)],
      code: 65,
      says: /^message: is over the limit/,
    },
    { argv: ['ops', '--json', '{'], code: 65, says: /^--json: is no JSON: / },
    { argv: ['ops', '--json', ''], code: 65, says: /^--json: is no JSON: / },
    {
      argv: ['ops', '--json', '{"a":1}\n{"a":2}'],
      code: 65,
      says: /^--json: is no JSON: /,
    },
    { argv: ['ops', '--json', '\u{feff}1'], code: 65, says: /^--json: is no JSON: / },
    {
      argv: ['ops', '--json', '@-'],
      code: 65,
      says: '--json: is no JSON: is not UTF-8',
      setting: { stdin: Buffer.from([0x22, 0xff, 0x22]) },
    },
    {
      argv: [
        'ops',
        'x',
        ...Array.from({ length: 70 }, (_, n) => [
          '-H',
          `x-${n}: ${'y'.repeat(1000)}`,
        ]).flat(),
      ],
      code: 65,
      says: /^message: its headers take more than 64K$/,
    },
  ],
  'files that cannot be read': [
    {
      argv: ['ops', '-d', '@/no/such/file'],
      code: 66,
      says: '@/no/such/file: no such file or directory',
    },
    { argv: ['ops', '--json', '@/no/such/file'], code: 66, says: /^@\/no/ },
    { argv: ['ops', '-d', '@/'], code: 66, says: '@/: is a directory' },
    {
      argv: ['ops', '-d', '@/dev/zero'],
      code: 65,
      says: 'message: is over the limit of 1.0K',
    },
  ],
  times: [
    {
      argv: ['ops', 'x', '--delay', '5'],
      code: 64,
      says: '--delay: is no span of time: "5"',
      hint: /90s/,
    },
    { argv: ['ops', 'x', '--delay', '-5m'], code: 64, says: /^--delay/ },
    {
      argv: ['ops', 'x', '--at', 'tomorrow 9:00'],
      code: 64,
      says: '--at: is no time: "tomorrow 9:00"',
      hint: /09:00/,
    },
    {
      argv: ['ops', 'x', '--expires', 'soon'],
      code: 64,
      says: '--expires: is neither a span nor a time: "soon"',
    },
    {
      argv: ['ops', 'x', '--expires', '2020-01-01'],
      code: 64,
      says: '--expires: is over already',
    },
    {
      argv: ['ops', 'x', '--delay', '1h', '--at', '09:00'],
      code: 64,
      says: '--delay and --at exclude each other',
    },
  ],
  'headers and the like': [
    {
      argv: ['ops', 'x', '-H', 'secret-without-colon'],
      code: 64,
      says: '-H: names no header',
      hint: `write -H 'Name: value'`,
    },
    { argv: ['ops', 'x', '-H', 'X-A:'], code: 64, says: '-H X-A: has no value' },
    { argv: ['ops', 'x', '-H', 'X A: 1'], code: 64, says: '-H: has a bad name: "X A"' },
    {
      argv: ['ops', 'x', '-H', 'Host: a'],
      code: 64,
      says: /^-H: sets Host, which belongs to/,
    },
    {
      argv: ['ops', 'x', '-H', 'X-Token: a\r\nX-B: 1'],
      code: 64,
      says: '-H X-Token: has a character that no header may have',
    },
    {
      argv: ['ops', 'x', '-H', 'X-A: 1', '-H', 'x-a: 2'],
      code: 64,
      says: '-H x-a: stands twice',
    },
    {
      argv: ['ops', 'x', '-H', 'content-type: a/b', '--content-type', 'c/d'],
      code: 64,
      says: /exclude each other$/,
    },
    {
      argv: ['ops', 'x', '--content-type', 'a\nb'],
      code: 64,
      says: /^contentType: has a control character/,
    },
    {
      argv: ['ops', 'x', '-X', 'post'],
      code: 64,
      says: 'method: is not a method: "post"',
      hint: /POST/,
    },
    { argv: ['ops', 'x', '-X', 'CONNECT'], code: 64, says: /^method: CONNECT/ },
    {
      argv: ['ops', 'x', '-s', 'two\nlines'],
      code: 64,
      says: /^subject: has a control character/,
    },
    {
      argv: ['ops', 'x', '--level', 'fatal'],
      code: 64,
      says: /^level: is not one of info, success, warning/,
    },
  ],
  'options that there are not': [
    {
      argv: ['ops', 'x', '--subjet', 'a'],
      code: 64,
      says: /^unknown option '--subjet'/,
      hint: 'msgq send --help',
    },
    { argv: ['ops', '-d'], code: 64, says: /^option '-d, --data <data>' argument missing/ },
  ],
  'options of curl': [
    {
      argv: ['-fsS', HOOK],
      code: 64,
      says: '-f, --fail: is an option of curl',
      hint: /msgq show/,
    },
    { argv: ['-S', HOOK], code: 64, says: /^-S, --show-error: / },
    { argv: ['-k', HOOK], code: 64, says: /^-k, --insecure: /, hint: /verifies/ },
    {
      argv: ['--cacert', 'ca.pem', HOOK],
      code: 64,
      says: /^--cacert: /,
      hint: /tls = { ca/,
    },
    { argv: ['--cert', 'c.pem', HOOK], code: 64, says: /^--cert: /, hint: /tls = { cert/ },
    { argv: ['-x', 'p', HOOK], code: 64, says: /^-x, --proxy: /, hint: /^proxy of a dest/ },
    { argv: ['-L', HOOK], code: 64, says: /^-L, --location: /, hint: /redirect/ },
    { argv: ['-o', '/dev/null', HOOK], code: 64, says: /^-o, --output: / },
    { argv: ['-m', '10', HOOK], code: 64, says: /^-m, --max-time: / },
    { argv: ['-u', 'me:secret', HOOK], code: 64, says: /^-u, --user: /, hint: /auth/ },
    { argv: ['-O', HOOK], code: 64, says: /^-O, --remote-name: / },
    {
      argv: ['--form-string', 'a=b', HOOK],
      code: 64,
      says: /^--form-string: /,
      hint: /-F NAME=TEXT/,
    },
    {
      argv: ['--retry', '5', HOOK],
      code: 64,
      says: /^--retry: /,
      hint: /msgqd tries again/,
    },
    { argv: ['--retry=5', HOOK], code: 64, says: /^--retry: / },
    { argv: ['--max-time=5', HOOK], code: 64, says: /^-m, --max-time: / },
    { argv: ['-sS', HOOK, 'x'], code: 64, says: /^-sS: looks like curl's/ },
    { argv: ['-sfL', HOOK, 'x'], code: 64, says: /^-sfL: looks like curl's/ },
  ],
}

for (const [title, rows] of Object.entries(ROWS))
  t.test(`refused: ${title}`, async (t) => {
    const sending = new Sending(t, TOML)
    for (const { argv, code, says, hint, setting } of rows) {
      const what = argv.join(' ').slice(0, 100)
      const sent = await sending.run(['send', ...argv], setting)
      const [first = '', second = '', ...others] = sent.err.split('\n')
      t.equal(sent.code, code, what)
      t.ok(first.startsWith('msgq: send: '), `${what}: ${sent.err}`)
      t.match(first.slice('msgq: send: '.length), says, what)
      if (typeof says === 'string') t.equal(first, `msgq: send: ${says}`, what)
      if (hint !== undefined) t.match(second.replace(/^ {2}hint: /, ''), hint, what)
      if (typeof hint === 'string') t.equal(second, `  hint: ${hint}`, what)
      t.ok(others.length <= 1, `one line and a hint: ${sent.err}`)
      t.equal(sent.out, '', what)
      t.equal(sent.queued.length, 0, `nothing queued, nothing half-written: ${what}`)
    }
  })

t.test('-s S is a subject', async (t) => {
  const sending = new Sending(t)
  const { code, queued } = await sending.run(['send', HOOK, 'x', '-s', 'S'])
  t.equal(code, 0)
  t.equal(queued[0]?.envelope.subject, 'S')
})

t.test('an input without end is refused at the limit, and left', async (t) => {
  const sending = new Sending(t, TOML)
  let given = 0
  let left = false
  async function* endless() {
    try {
      for (;;) {
        given += 512
        yield Buffer.alloc(512, 'x')
      }
    } finally {
      left = true
    }
  }
  const { code, err } = await sending.run(['send', 'ops'], { stdin: endless() })
  t.equal(code, 65)
  t.match(err, /over the limit of 1\.0K/)
  t.ok(given < 512 * 1024, 'no more than a stream reads ahead')
  t.equal(left, true)
})

t.test('secrets of a refused line are not repeated', async (t) => {
  const sending = new Sending(t, TOML)
  for (const argv of [
    ['-H', 'hunter2'],
    ['-H', 'Authorization: hunter2\u0001'],
    ['-u', 'me:hunter2'],
  ])
    t.notMatch((await sending.run(['send', HOOK, 'x', ...argv])).err, /hunter2/)
  t.notMatch(
    (await sending.run(['send', 'https://me:hunter2@example.com/', 'x'])).err,
    /hunter2/,
  )
})

t.test('of several receivers none is served when one cannot be', async (t) => {
  const sending = new Sending(t, TOML)
  for (const to of ['ops,cmr', `crm,${HOOK},https://u:p@example.com/`, 'ops,ftp://x/']) {
    const { code, queued } = await sending.run(['send', to, 'x'])
    t.equal(code, 64, to)
    t.equal(queued.length, 0, to)
  }
})

const on = (spool: string) => ({ env: { MSGQ_SPOOL: spool } })

t.test('a spool that cannot be used is said, with its own code', async (t) => {
  const sending = new Sending(t, TOML)
  const missing = await sending.run(['send', 'ops', 'x'], on('/no/such/spool'))
  t.equal(missing.code, 73)
  t.match(missing.err, /^msgq: send: spool: \/no\/such\/spool is not there/)

  const file = sending.put('a-file', '')
  t.equal((await sending.run(['send', 'ops', 'x'], on(file))).code, 73)

  const inModules = join(sending.folder, 'node_modules/spool')
  mkdirSync(join(inModules, 'incoming'), { recursive: true })
  const refused = await sending.run(['send', 'ops', 'x'], {
    env: { MSGQ_SPOOL: inModules, MSGQ_ANY_FILESYSTEM: '0' },
  })
  t.equal(refused.code, 78)

  const full = new Sending(t, TOML.replace('[send]', '[send]\nmin_free = "1048576GiB"'))
  const { code, err, queued } = await full.run(['send', 'ops', 'x'])
  t.equal(code, 75)
  t.match(err, /^msgq: send: spool: .* min_free/)
  t.equal(queued.length, 0)
})

t.test('a spool or a configuration of another user is said (77)', async (t) => {
  const sending = new Sending(t, TOML)
  const incoming = join(sending.spool, 'incoming')
  chmodSync(sending.folder, 0o755)
  chmodSync(incoming, 0o555)
  const readOnly = await asNobody(() => sending.run(['send', 'ops', 'x']))
  t.equal(readOnly.code, 77, readOnly.err)
  t.match(readOnly.err, /permission denied\n {2}hint: it belongs to another user/)
  t.equal(readOnly.queued.length, 0)

  chmodSync(join(sending.environment.etc, 'msgq/msgq.toml'), 0)
  const unread = await asNobody(() => sending.run(['send', 'ops', 'x']))
  t.equal(unread.code, 77, unread.err)
  t.match(unread.err, /msgq\.toml: permission denied/)
  chmodSync(incoming, 0o755)
})

t.test('the default spool is made when it is missing, any other is not', async (t) => {
  const sending = new Sending(t)
  rmSync(sending.spool, { recursive: true })
  mkdirSync(join(sending.spool, 'incoming'), { recursive: true })
  const { code, out } = await sending.run(['send', HOOK, 'x'], { env: { MSGQ_SPOOL: '' } })
  t.equal(code, 0)
  t.match(out, /^[0-9A-Z]{26}\n$/)
})
