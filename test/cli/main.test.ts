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
  t.match(await sending.run(['help', 'list']), { code: 0, out: /^ {2}--count /m, err: '' })
  t.match(await sending.run(['help', 'help']), { code: 0, out: /^Usage: msgq /, err: '' })
})

t.test('what cannot be understood is one line, a hint, and 64', async (t) => {
  const sending = new Sending(t)
  for (const [argv, err] of [
    [['sned', 'x'], `msgq: unknown command 'sned'\n  hint: did you mean send?\n`],
    [['help', 'sned'], `msgq: unknown command 'sned'\n  hint: did you mean send?\n`],
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

t.test('an error names its command once, then what and why, and what to do', async (t) => {
  const sending = new Sending(t)
  sending.configure('[destinations.log]\ntype = "file"\npath = "/x"\n')
  const folder = sending.put('full/file', '').replace(/\/file$/, '')
  const inside = `${sending.spool}/backup`
  for (const [argv, code, err] of [
    ['token frob', 64, 'token: is none of add, list and remove: "frob"'],
    [`backup ${folder}`, 73, `backup: ${folder}: is not empty`],
    [`backup ${inside}`, 64, `backup: ${inside}: lies inside the spool`],
    ['sink 99999', 64, 'sink: PORT: is no number from 0 to 65535: "99999"'],
    [
      'sink 0 --bind 192.0.2.1',
      69,
      'sink: 192.0.2.1 port 0: is no address of this machine',
    ],
    ['config retri', 64, 'config: no such option or destination: "retri"'],
  ] as const) {
    const ran = await sending.run(argv.split(' '))
    t.equal(ran.code, code, argv)
    t.ok(ran.err.startsWith(`msgq: ${err}\n`), ran.err)
  }
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
