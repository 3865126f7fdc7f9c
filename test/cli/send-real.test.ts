import {
  accessSync,
  chownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import { asNobody } from '../config/machine.ts'
import { MSGQ, Program, ROOT, published } from './program.ts'
import { Sending } from './sending.ts'

const NOBODY = 65_534

t.test('the id is printed, and the message lies in the spool', async (t) => {
  const program = await published(t)
  const { code, out, err } = await program.msgq(['send', 'crm', '-d', 'x'])
  t.equal(code, 0, err)
  t.equal(err, '')
  t.match(program.incoming(), [new RegExp(`,0,${out.trim()}@crm$`)])
})

t.test(
  'with stdout closed, or full, or left by its reader, the message is durable',
  async (t) => {
    const program = await published(t)
    const closed = await program.sh(`msgq send crm 1 >&-`)
    t.equal(closed.code, 0, closed.err)
    const full = await program.sh(`msgq send crm 2 >/dev/full`)
    t.equal(full.code, 0)
    t.match(
      full.err,
      /^msgq: send: queued as [0-9A-Z]{26}, but stdout: no space left on device\n$/,
    )
    const running = program.start([MSGQ, 'send', 'crm', '3'])
    running.child.stdout.destroy()
    const left = await running.ended
    t.strictSame([left.code, left.err], [0, ''])
    t.equal(program.incoming().length, 3)
  },
)

t.test('a body that does not fit where it is put is no success', async (t) => {
  const program = await published(t)
  const { out } = await program.msgq(['send', 'crm', '-d', 'x'])
  for (const option of ['--body', '--raw', '--json'])
    t.match(await program.sh(`msgq show ${out.trim()} ${option} >/dev/full`), {
      code: 73,
      err: 'msgq: show: stdout: no space left on device\n',
    })
})

t.test('a loop that feeds on stdin keeps it', async (t) => {
  const program = await published(t)
  const { code } = await program.sh(
    'while read host; do msgq send -q crm "$host down"; done',
    'h1\nh2\nh3\n',
  )
  t.equal(code, 0)
  t.equal(program.incoming().length, 3)
})

t.test('a signal while stdin is read ends it, and nothing is queued', async (t) => {
  const program = await published(t)
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
    const running = program.start([MSGQ, 'send', 'crm'])
    await running.reads()
    running.child.kill(signal)
    const ended = await running.ended
    t.match(
      ended,
      { code: null, signal, out: '', err: '' },
      `the shell says 128+n for ${signal}`,
    )
    t.strictSame(program.incoming(), [])
  }
})

t.test('stdin that is closed is empty', async (t) => {
  const program = await published(t)
  const { code, err } = await program.sh('msgq send crm <&-')
  t.equal(code, 65)
  t.match(err, /^msgq: send: nothing on stdin, nothing queued\n/)
})

t.test('an input without end is refused, and its writer hears of it', async (t) => {
  const program = await published(t)
  const { code, out, err } = await program.sh('yes | msgq send crm; echo "code $?"')
  t.equal(code, 0)
  t.equal(out, 'code 65\n')
  t.match(err, /^msgq: send: message: is over the limit of 10M\n/)
  t.strictSame(program.incoming(), [])
})

t.test('a signal does not break into the writing of a message', async (t) => {
  const program = new Program(t)
  const script = `import { shielded } from '${join(ROOT, 'dist/cli/signals.js')}'
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    await shielded(async () => {
      process.kill(process.pid, 'SIGTERM')
      await wait(50)
      process.stdout.write('written\\n')
    })
    process.kill(process.pid, 'SIGTERM')
    await wait(5000)`
  const running = program.start(['--input-type=module', '-e', script])
  t.match(await running.ended, { out: 'written\n', signal: 'SIGTERM' })
  const twice = script.replace(
    "'SIGTERM')\n",
    "'SIGTERM')\nawait wait(50)\nprocess.kill(process.pid, 'SIGINT')\n",
  )
  t.match(await program.start(['--input-type=module', '-e', twice]).ended, {
    out: '',
    signal: 'SIGINT',
  })
})

t.test(
  'a batch that gets a signal answers what it took, and reads no further',
  async (t) => {
    const program = await published(t)
    for (const [signal, exitCode] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
      ['SIGHUP', 129],
    ] as const) {
      const running = program.start([MSGQ, 'send', '--batch', 'crm'])
      running.child.stdin.write('{"body":"1"}\n{"body":"2"}\n{"body":"3"}\n')
      await running.printed(3)
      running.child.kill(signal)
      const { code, out, err } = await running.ended
      t.equal(code, exitCode)
      t.equal(out.split('\n').length, 4)
      t.equal(err, 'msgq: send: stopped behind line 3: what follows was not read\n')
    }
    t.equal(program.incoming().length, 9)
  },
)

t.test('a batch takes little memory, whatever is on stdin', async (t) => {
  const program = await published(t)
  const report = `process.on('exit', () => console.error('rss', process.resourceUsage().maxRSS))`
  const running = program.start([
    '--import',
    `data:text/javascript,${encodeURIComponent(report)}`,
    MSGQ,
    'send',
    '--batch',
    'crm',
  ])
  const { stdin } = running.child
  const write = (bytes: string | Buffer) =>
    new Promise<void>((resolve) => {
      stdin.write(bytes, () => resolve())
    })
  await write('{"body":"1"}\n')
  // One line of 400 MB, then 20,000 lines that are no messages.
  for (let n = 0; n < 400; n++) await write(Buffer.alloc(1_000_000, 'x'))
  for (let n = 0; n < 20; n++) await write('\n{}'.repeat(1000))
  stdin.end('\n{"body":"2"}\n')
  const { code, out, err } = await running.ended
  t.equal(code, 65)
  t.equal(out.split('\n').length, 3)
  t.match(err, /^msgq: send: line 2: is over the limit of 20M for a line\n/)
  const rss = Number(/rss (\d+)/.exec(err)?.[1]) / 1024
  t.ok(rss < 200, `${rss} MiB`)
})

t.test('of two receivers one is named when the other could not be served', async (t) => {
  // A folder so deep that a short name fits into a path and a long one does not.
  const long = 'b'.repeat(64)
  const sending = new Sending(
    t,
    ['a', long]
      .map((name) => `[destinations.${name}]\ntype = "http"\nurl = "https://x.example/"\n`)
      .join(''),
  )
  const names = '/incoming/20261120T120000.000Z,0,01M7WD7TG0X74677R8XDRK4H2P@'.length
  const deepest = 4095 - names - 40
  let spool = sending.folder
  while (deepest - spool.length > 202) spool = join(spool, 'd'.repeat(200))
  spool = join(spool, 'e'.repeat(Math.max(1, deepest - spool.length - 1)))
  mkdirSync(join(spool, 'incoming'), { recursive: true })
  const { code, out, err } = await sending.run(['send', `a,${long}`, 'x'], {
    env: { MSGQ_SPOOL: spool },
  })
  t.equal(code, 1)
  const [queued, ...others] = readdirSync(join(spool, 'incoming'))
  t.strictSame(others, [], 'nothing half-written')
  const id = out.trim()
  t.ok(queued?.endsWith(`${id}@a`), String(queued))
  t.match(err.split('\n'), [
    `msgq: send: queued for a: ${id}`,
    new RegExp(`^msgq: send: not queued for ${long}: .*name too long`),
  ])
})

const isRoot = process.getuid!() === 0
const nobodyReads = isRoot && (await asNobody(() => canRead(MSGQ)))

t.test(
  'root sends as the owner of the spool, once everything is read',
  { skip: !nobodyReads && 'needs root, and a checkout that others may read' },
  async (t) => {
    const program = await published(t)
    for (const name of ['', 'incoming', 'run', 'deferred', 'hold'])
      chownSync(join(program.spool, name), NOBODY, NOBODY)
    const secret = join(program.folder, 'secret')
    writeFileSync(secret, 'for root alone', { mode: 0o600 })
    const { code, err } = await program.msgq(['send', 'crm', '-d', `@${secret}`])
    t.equal(code, 0, err)
    const lines = join(program.folder, 'all.jsonl')
    writeFileSync(lines, '{"body":"x"}\n', { mode: 0o600 })
    const batch = await program.msgq(['send', '--batch', 'crm', '-d', `@${lines}`])
    t.equal(batch.code, 0, batch.err)
    t.equal(program.incoming().length, 2)
    for (const name of program.incoming()) {
      const path = join(program.spool, 'incoming', name)
      const { uid, gid } = statSync(path)
      t.strictSame([uid, gid], [NOBODY, NOBODY])
      const envelope = JSON.parse(readFileSync(path, 'utf8').split('\n')[0] as string)
      t.match(envelope, { sender: { uid: 0 } }, 'who sent it is not hidden')
    }
    const held = await program.msgq(['hold', 'ALL'])
    t.equal(held.out, 'matched 2, done 2, skipped 0\n', held.err)
    for (const name of readdirSync(join(program.spool, 'hold')))
      t.equal(statSync(join(program.spool, 'hold', name)).uid, NOBODY)
  },
)

function canRead(path: string): boolean {
  try {
    accessSync(path)
    return true
  } catch {
    return false
  }
}
