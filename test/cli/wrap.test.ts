/**
 * wrap - real commands under the real program: what they see, what is passed on, what is queued.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import t from 'tap'

import { MSGQ, published } from './program.ts'

const HOST = hostname()

/** Ended with this code, and said nothing. */
const silent = (code: number) => ({ code, signal: null, out: '', err: '' })

t.test('a command that works: as if nobody stood between', async (t) => {
  const program = await published(t)
  const line = 'cat; echo to stderr >/dev/stderr; echo to stdout >/dev/stdout'
  const ran = await program.msgq(['wrap', 'crm', '--', 'sh', '-c', line], 'from stdin\n')
  t.same(ran, {
    code: 0,
    signal: null,
    out: 'from stdin\nto stdout\n',
    err: 'to stderr\n',
  })
  t.same(program.messages(), [], 'and by default only failures are reported')
})

t.test('a command that fails keeps its exit code, and is reported', async (t) => {
  const program = await published(t)
  const ran = await program.msgq(['wrap', 'crm', '--', 'sh', '-c', 'echo oh; exit 3'])
  t.same(ran, { ...silent(3), out: 'oh\n' })
  const [message, ...others] = program.messages()
  t.same(others, [])
  t.match(message?.envelope, {
    to: 'crm',
    level: 'error',
    subject: `echo oh; exit 3 failed on ${HOST} (exit 3)`,
  })
  t.match(
    message?.body,
    /^sh -c 'echo oh; exit 3'\nexit 3 after \d+m?s, on \S+ as \S+, begun \d{4}-\d\d-\d\d [\d:]{8}\n\noh\n$/,
  )
})

t.test("options of the command are the command's", async (t) => {
  const program = await published(t)
  const ran = await program.msgq(['wrap', '--', 'echo', '--on', '-q', '--', '--help', '-V'])
  t.match(ran, { code: 0, out: '--on -q -- --help -V\n' })
})

t.test('the report as JSON', async (t) => {
  const program = await published(t)
  const line = 'printf x; kill -KILL $$'
  const args = ['wrap', '--json', '--level', 'critical', 'crm', '--', 'sh', '-c', line]
  t.match(await program.msgq(args), { code: 137, out: 'x' })
  const [message] = program.messages()
  t.match(message?.envelope, { contentType: 'application/json', level: 'critical' })
  const { startedAt, ms, ...report } = JSON.parse(message!.body)
  t.same(report, {
    command: ['sh', '-c', line],
    ok: false,
    reason: 'fail',
    code: 137,
    signal: 'SIGKILL',
    host: HOST,
    user: userInfo().username,
    output: 'x',
    outputBytes: 1,
    outputCut: 0,
  })
  t.equal(new Date(startedAt).toISOString(), startedAt)
  t.type(ms, 'number')
})

t.test('what cannot be started ends as in a shell', async (t) => {
  const program = await published(t)
  t.match(await program.msgq(['wrap', 'crm', '--', 'no-such-command']), {
    code: 127,
    err: 'msgq: wrap: no-such-command: command not found\n',
  })
  t.match(await program.msgq(['wrap', 'crm', '--', '/etc/passwd']), { code: 126 })
  t.match(
    program.messages().map(({ envelope }) => envelope.subject),
    [
      `no-such-command could not be started on ${HOST} (command not found)`,
      `passwd could not be started on ${HOST} (permission denied)`,
    ],
  )
})

t.test('--quiet, as in a crontab, and a name for what holds a secret', async (t) => {
  const program = await published(t)
  const args = ['wrap', '-q', '--on', 'always', '--name', 'nightly', 'crm', '--']
  const ran = await program.msgq([...args, 'sh', '-c', 'echo out; echo err >&2; : s3cret'])
  t.same(ran, silent(0))
  const [message] = program.messages()
  t.match(message?.envelope, { subject: `nightly worked on ${HOST}`, level: 'success' })
  t.match(message?.body, /^nightly\n/)
  t.match(message?.body, 'out\n')
  t.match(message?.body, 'err\n')
  t.notMatch(message?.body, 's3cret')
})

t.test('it works again', async (t) => {
  const program = await published(t)
  const flag = join(program.folder, 'broken')
  const args = ['wrap', 'crm', '--on', 'recover', '--', 'sh', '-c', `! test -e ${flag}`]
  const run = async (code: number) => t.same(await program.msgq(args), silent(code))
  await run(0)
  writeFileSync(flag, '')
  for (const _ of [1, 2, 3]) await run(1)
  t.same(program.messages(), [], 'failures alone are not reported by it')
  rmSync(flag)
  await run(0)
  await run(0)
  const [message, ...others] = program.messages()
  t.same(others, [], 'once')
  t.match(message?.envelope.subject, new RegExp(`works again on ${HOST} after 3 failures$`))
  t.match(message?.body, /^works again after 3 failures, failing since \d{4}-/m)

  const folder = join(program.folder, '.local/state/msgq-wrap')
  const [file, ...rest] = readdirSync(folder)
  t.same(rest, [], 'one small file, and nothing half-written beside it')
  writeFileSync(join(folder, file!), 'garbage')
  await run(0)
  t.equal(program.messages().length, 1, 'a broken memory is none')
})

t.test('a recovery that could not be queued is told by the next run', async (t) => {
  const program = await published(t)
  const args = ['wrap', 'crm', '--on', 'recover', '--name', 'x', '--']
  t.match(await program.msgq([...args, 'false']), { code: 1 })
  const incoming = join(program.spool, 'incoming')
  rmSync(incoming, { recursive: true })
  t.match(await program.msgq([...args, 'true']), {
    code: 0,
    err: /could not be queued[^]*x works again on/,
  })
  t.match(await program.sh(`mkdir ${incoming}`), { code: 0 })
  t.same(await program.msgq([...args, 'true']), silent(0))
  t.match(program.messages(), [{ envelope: { subject: /after 1 failure$/ } }])
})

t.test('a change', async (t) => {
  const program = await published(t)
  const said = join(program.folder, 'said')
  const args = ['wrap', '-q', 'crm', '--on', 'change', '--', 'cat', said]
  for (const text of ['a', 'a', 'b', 'b', 'a']) {
    writeFileSync(said, text)
    t.same(await program.msgq(args), silent(0))
  }
  t.same(
    program.messages().map(({ body }) => body.trimEnd().at(-1)),
    ['a', 'b', 'a'],
  )
})

t.test('the command goes before the report', async (t) => {
  const program = await published(t)
  const command = ['--', 'sh', '-c', 'echo out; echo ran >>"$HOME/ran"; exit 4']
  const ran = () => readFileSync(join(program.folder, 'ran'), 'utf8').split('\n').length - 1

  const unknown = await program.msgq(['wrap', '-q', 'cmr', ...command])
  t.match(unknown, {
    code: 4,
    out: '',
    err: /no such destination: "cmr"\n.*did you mean crm/,
  })
  t.match(unknown.err, /failed on \S+ \(exit 4\)\n\n[^]*\nout\n$/, 'cron has the report')

  rmSync(join(program.spool, 'incoming'), { recursive: true })
  const nowhere = await program.msgq(['wrap', '-q', 'crm', ...command])
  t.match(nowhere, { code: 4, err: /could not be queued: spool: [^]*\nout\n$/ })

  writeFileSync(program.configFile, 'not = [toml')
  const broken = await program.msgq(['wrap', '-q', 'crm', ...command])
  t.match(broken, { code: 4, err: /unchecked, the configuration has a fault[^]*\nout\n$/ })
  t.equal(ran(), 3)
})

t.test('a line that is wrong is 64, and nothing is run', async (t) => {
  const program = await published(t)
  const touch = ['touch', join(program.folder, 'ran')]
  for (const [args, err] of [
    [['crm', ...touch], 'the command stands behind --'],
    [['crm', 'x', '--', ...touch], 'the command stands behind --'],
    [['crm', '--'], 'no command'],
    [['crm', '--on', 'fial', '--', ...touch], 'did you mean fail?'],
    [['crm', '-s', 'a\nb', '--', ...touch], 'subject: has a control character'],
    [['crm', '--level', 'bad', '--', ...touch], 'level'],
  ] as const)
    t.match(
      await program.msgq(['wrap', ...args]),
      { code: 64, out: '', err },
      args.join(' '),
    )
  t.notOk(existsSync(join(program.folder, 'ran')))
})

t.test('signals go on to the command', async (t) => {
  const program = await published(t)
  const line = 'trap "echo caught; exit 9" TERM; echo ready; while :; do sleep 0.1; done'
  const running = program.start([MSGQ, 'wrap', 'crm', '--', 'sh', '-c', line])
  await running.printed(1)
  running.child.kill('SIGTERM')
  t.match(await running.ended, { code: 9, signal: null, out: 'ready\ncaught\n' })
  t.match(program.messages(), [{ envelope: { subject: /\(exit 9\)$/ } }])
})

t.test('who dies of a signal ends as in a shell', async (t) => {
  const program = await published(t)
  const running = program.start([
    MSGQ,
    'wrap',
    'crm',
    '--',
    'sh',
    '-c',
    'echo a; exec sleep 600',
  ])
  await running.printed(1)
  running.child.kill('SIGINT')
  t.match(await running.ended, { code: 130 })
  t.match(program.messages(), [{ envelope: { subject: /\(SIGINT\)$/ } }])
})

t.test('much output: passed on whole, kept in little', async (t) => {
  const program = await published(t)
  const bytes = 300_000_000
  const line = `head -c ${bytes} /dev/zero; grep VmHWM /proc/$PPID/status >&2; exit 1`
  const wrap = `msgq wrap crm -- sh -c '${line}' | wc -c`
  const { out, err } = await program.sh(wrap)
  t.equal(Number(out), bytes)
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(err)?.[1]) * 1024
  t.ok(peak < 200e6, `${peak} bytes at most`)
  t.ok(program.messages()[0]!.envelope.bytes < 5_000)
})

t.test('who stops reading stops the command', async (t) => {
  const program = await published(t)
  const { out } = await program.sh('{ msgq wrap crm -- yes; echo $? >&3; } 3>&1 | head -1')
  t.match(out, /^y\n/)
  t.match(program.messages(), [
    { envelope: { subject: `yes failed on ${HOST} (SIGPIPE)` } },
  ])
})

t.test('what stays in the background delays no report, and loses no output', async (t) => {
  const program = await published(t)
  const fifo = join(program.folder, 'fifo')
  await program.sh(`mkfifo ${fifo}`)
  const line = `{ read x <${fifo}; echo "late $x"; } & echo first; exit 2`
  const running = program.start([MSGQ, 'wrap', 'crm', '--', 'sh', '-c', line])
  await running.printed(1)
  while (program.messages().length === 0) await new Promise((next) => setTimeout(next, 20))
  t.match(program.messages(), [{ body: /\n\nfirst\n$/ }])
  writeFileSync(fifo, 'word\n')
  t.match(await running.ended, { code: 2, out: 'first\nlate word\n' })
})

const isRoot = process.getuid!() === 0
const skip = !isRoot && 'only root becomes another'
t.test("root reports as the spool's owner, and remembers as root", { skip }, async (t) => {
  const program = await published(t)
  for (const name of ['', 'incoming', 'run']) {
    chownSync(join(program.spool, name), 65534, 65534)
    chmodSync(join(program.spool, name), 0o750)
  }
  const args = ['wrap', 'crm', '--on', 'recover,fail', '--name', 'x', '--']
  t.same(
    await program.msgq([...args, 'sh', '-c', 'test "$(id -u)" = 0 && exit 5']),
    silent(5),
  )
  t.same(await program.msgq([...args, 'true']), silent(0))
  t.match(program.messages(), [
    { envelope: { sender: { uid: 0 } } },
    { envelope: { subject: /works again/ } },
  ])
  const { out } = await program.sh(
    `stat -c %u ${program.spool}/incoming/* $HOME/.local/state/msgq-wrap/*`,
  )
  t.equal(out, '65534\n65534\n0\n')
})

t.test('--stdout: what a command printed that worked is the message', async (t) => {
  const program = await published(t)
  const archive = (script: string) =>
    program.msgq(['wrap', 'crm', '--on', 'ok', '--stdout', '--', 'sh', '-c', script])
  const bytes = String.raw`printf '\037\213\000\377'; echo warning >&2`
  t.same(await archive(bytes), { ...silent(0), err: 'warning\n' })
  t.same(await archive(`${bytes}; exit 3`), { ...silent(3), err: 'warning\n' })
  t.match(program.messages(), [{ envelope: { contentType: 'application/octet-stream' } }])
  t.equal(program.messages()[0]?.envelope.bytes, 4)

  const large = await archive('head -c 11000000 /dev/zero; echo done >&2')
  t.match(large, { code: 65, err: /^done\nmsgq: wrap: what .* is not queued: .*10M/ })
  rmSync(join(program.spool, 'incoming'), { recursive: true })
  t.match(await archive('echo x'), { code: 75, out: '', err: /is not queued/ })
  for (const args of [['--stdout'], ['--on', 'ok', '--stdout', '--json']])
    t.match(await program.msgq(['wrap', 'crm', ...args, '--', 'true']), { code: 64 })
})
