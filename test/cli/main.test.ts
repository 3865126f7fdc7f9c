import t from 'tap'

import { COMMANDS } from '../../src/cli/commands.ts'
import { UnsureError } from '../../src/base/errors.ts'
import { VERSION } from '../../src/base/version.ts'
import { Sending } from './sending.ts'

t.test('without a command it shows them all, on stderr, and fails', async (t) => {
  const { code, out, err } = await new Sending(t).run([])
  t.equal(code, 64)
  t.equal(out, '')
  for (const { name, summary } of COMMANDS)
    t.match(err, new RegExp(`^ {2}${name}.*${summary}`, 'm'))
})

t.test('help and version are asked for, and go to stdout', async (t) => {
  const sending = new Sending(t)
  t.match(await sending.run(['--version']), { code: 0, out: `${VERSION}\n`, err: '' })
  for (const argv of [['--help'], ['-h'], ['help']])
    t.match(await sending.run(argv), {
      code: 0,
      out: /^Usage: msgq \[options\] \[command\]/,
      err: '',
    })
  for (const argv of [
    ['send', '--help'],
    ['send', '-h'],
    ['help', 'send'],
  ])
    t.match(await sending.run(argv), {
      code: 0,
      out: /^Usage: msgq send .*\n\nQueue a message/,
      err: '',
    })
})

t.test('what cannot be understood is one line, a hint, and 64', async (t) => {
  const sending = new Sending(t)
  for (const [argv, err] of [
    [['sned', 'x'], `msgq: unknown command 'sned'\n  hint: did you mean send?\n`],
    [
      ['frobnicate'],
      `msgq: unknown command 'frobnicate'\n  hint: msgq --help lists the commands\n`,
    ],
    [
      ['--spool', '/x', 'send', 'y'],
      `msgq: unknown option '--spool'\n  hint: options stand behind the command: msgq COMMAND --help\n`,
    ],
    [
      ['send', 'x', '--delya', '1h'],
      `msgq: send: unknown option '--delya' (Did you mean --delay?)\n  hint: msgq send --help\n`,
    ],
  ] as const)
    t.match(await sending.run(argv), { code: 64, out: '', err }, argv.join(' '))
})

t.test('a fault of ours is not called a fault of the caller', async (t) => {
  const sending = new Sending(t)
  await t.rejects(
    sending.run(['send', 'https://example.com/', 'x'], {
      print: async () => {
        throw new TypeError('a bug')
      },
    }),
    TypeError,
  )
})

t.test('what nobody knows is said, with what to do, and is none of 64 to 78', async (t) => {
  const sending = new Sending(t)
  const why = 'spool: x may be queued or not: input/output error'
  const print = async () => {
    throw new UnsureError(why)
  }
  t.match(await sending.run(['send', 'https://example.com/', 'x'], { print }), {
    code: 1,
    out: '',
    err: `msgq: send: ${why}\n  hint: look with msgq mailq; to send it again may be once too often\n`,
  })
  const batch = ['send', '--batch', 'https://example.com/']
  t.match(await sending.run(batch, { print, stdin: '{"body":"x"}\n' }), {
    code: 1,
    out: '',
    err: `msgq: send: line 1: ${why}\n`,
  })
})
