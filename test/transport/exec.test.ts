/**
 * exec - each way in which a command can end, and those in which it does not want to.
 *
 * Commands are small scripts that sh runs; none of them needs more than the system has.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'
import type { Test } from 'tap'

import { MsgqError } from '../../src/base/errors.ts'
import type { ExecDestination } from '../../src/config/config.ts'
import type { Body } from '../../src/message/body.ts'
import { createExecTransport } from '../../src/transport/exec.ts'
import { judgeExit } from '../../src/transport/exit.ts'
import { attemptOf, ID } from './support.ts'

function execOf(
  command: ExecDestination['command'],
  more: Partial<ExecDestination> = {},
): ExecDestination {
  return {
    name: 'crm',
    type: 'exec',
    command,
    directory: '/',
    environment: {},
    timeout: 20_000,
    retry: { min: 1, factor: 2, max: 10, jitter: 0, tries: 0, lifetime: 1000 },
    lane: { window: 20 },
    where: 'test',
    ...more,
  }
}

/** A script of sh; what stands behind it are its arguments. */
function script(text: string, ...words: string[]): ExecDestination['command'] {
  return ['/bin/sh', '-c', text, 'sh', ...words]
}

function transportFor(t: Test) {
  const transport = createExecTransport({
    env: { PATH: process.env['PATH'], HOME: '/nowhere', LD_PRELOAD: '', SECRET: 'own' },
    secrets: (reference) => {
      if ('env' in reference && reference.env === 'NONE')
        throw new MsgqError('config', 'secret { env = "NONE" }: is not set')
      return 'the-secret'
    },
  })
  t.teardown(() => transport.close())
  return transport
}

const open = new AbortController().signal

function run(
  t: Test,
  destination: ExecDestination,
  body?: Body | string,
  draft = {},
  signal = open,
) {
  return transportFor(t).deliver(attemptOf(destination, body, draft), signal)
}

const alive = (pid: number) => existsSync(`/proc/${pid}`)

/** The pid that a script wrote. */
async function pidIn(file: string): Promise<number> {
  for (;;) {
    if (existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'))
      return Number(readFileSync(file, 'utf8'))
    await sleep(5)
  }
}

async function gone(pid: number): Promise<true> {
  while (alive(pid)) await sleep(5)
  return true
}

t.test(
  'the body is on stdin, the rest in the environment, and no shell looks',
  async (t) => {
    const dir = t.testdir()
    const destination = execOf(
      script('cat > body; printf "%s\n" "$@" > words; env > env', '$HOME', '; ls'),
      {
        directory: dir,
        contentType: 'text/x',
        environment: { A: 'b c', TOKEN: { env: 'TOKEN' } },
      },
    )
    const draft = { subject: 'a "b"\u00e9 $(id)', level: 'error', key: 'k1', order: 'o' }
    const outcome = await run(t, destination, 'tea\0\n', draft)
    t.same(outcome, { kind: 'delivered', reason: 'exit 0', status: 0 })
    t.equal(readFileSync(join(dir, 'body'), 'utf8'), 'tea\0\n')
    t.equal(readFileSync(join(dir, 'words'), 'utf8'), '$HOME\n; ls\n')
    const lines = readFileSync(join(dir, 'env'), 'utf8').trimEnd().split('\n')
    // The test runner adds some of its own to every child.
    const ours = /^(A|TOKEN|HOME|LD_PRELOAD|SECRET|MSGQ_\w+)=/
    const held = lines.filter((line) => ours.test(line))
    t.same(held.toSorted(), [
      'A=b c',
      'HOME=/nowhere',
      'MSGQ_ATTEMPT=3',
      'MSGQ_BYTES=5',
      'MSGQ_CONTENT_TYPE=text/x',
      'MSGQ_CREATED_AT=1970-01-01T00:00:00.000Z',
      'MSGQ_DESTINATION=crm',
      `MSGQ_ID=${ID}`,
      'MSGQ_KEY=k1',
      'MSGQ_LEVEL=error',
      'MSGQ_ORDER=o',
      'MSGQ_SENDER=0',
      'MSGQ_SUBJECT=a "b"\u00e9 $(id)',
      'TOKEN=the-secret',
    ])
  },
)

t.test(
  'exit codes are those of pipe(8), and what it does not know is deferred',
  async (t) => {
    const kindOf = (code: number, output = '') =>
      judgeExit({ code, signal: null, output: Buffer.from(output) }).kind
    for (const code of [64, 65, 66, 67, 68, 69, 70, 72, 73, 74, 76, 77, 78])
      t.equal(kindOf(code), 'bounced', `${code}`)
    for (const code of [1, 2, 42, 63, 71, 75, 79, 126, 127, 255])
      t.equal(kindOf(code), 'deferred', `${code}`)
    t.equal(kindOf(1, '5.1.1 no such user'), 'bounced', 'its word goes before its code')
    t.equal(kindOf(67, ' 4.2.2 mailbox full\n'), 'deferred')
    t.equal(kindOf(1, '5.1.1.1 is an address'), 'deferred')
    t.equal(kindOf(0, '5.1.1 is not looked at'), 'delivered')
    const outcome = await run(t, execOf(script('echo "no such  list" >&2; exit 67')))
    t.same(outcome, {
      kind: 'bounced',
      reason: 'exit 67 (no such user): "no such  list"',
      fault: 'message',
      status: 67,
      answer: 'no such  list',
    })
    t.match(await run(t, execOf(script('echo out; exit 1'))), {
      kind: 'deferred',
      reason: 'exit 1: "out"',
      fault: 'receiver',
    })
    t.match(await run(t, execOf(script('kill -KILL $$'))), {
      kind: 'deferred',
      reason: 'killed by SIGKILL',
      fault: 'receiver',
    })
    t.match(await run(t, execOf(script('no-such-command-here'))), {
      kind: 'deferred',
      reason: /^exit 127 \(command not found\)/,
      fault: 'configuration',
    })
  },
)

t.test('what cannot be started waits for its operator', async (t) => {
  const reasons = async (destination: ExecDestination) => {
    const { kind, reason, ...more } = await run(t, destination)
    t.same([kind, (more as { fault?: string }).fault], ['deferred', 'configuration'])
    return reason
  }
  t.equal(
    await reasons(execOf(['/no/such/program'])),
    'cannot be started: /no/such/program (or its directory /): no such file or directory',
  )
  t.equal(
    await reasons(execOf(['true'], { directory: '/no/such' })),
    'cannot be started: true (or its directory /no/such): no such file or directory',
  )
  t.match(await reasons(execOf(['/etc/passwd'])), /: permission denied$/)
  t.match(
    await reasons(execOf(['true'], { environment: { A: '\0' } })),
    /^cannot be started/,
  )
  t.equal(
    await reasons(execOf(['true'], { environment: { A: { env: 'NONE' } } })),
    'secret { env = "NONE" }: is not set',
  )
})

t.test('a command need not read, may write much, and may read slowly', async (t) => {
  const much = 'x'.repeat(3_000_000)
  t.match(await run(t, execOf(['true']), much), { kind: 'delivered' })
  t.match(await run(t, execOf(script('exec <&-; exit 75')), much), { status: 75 })
  const loud = await run(t, execOf(script('yes é | head -c 4000000; exit 75')))
  t.equal(loud.kind, 'deferred')
  t.ok(loud.answer!.length <= 1024)
  t.notMatch(loud.answer, /\ufffd$/, 'the cut leaves no half character')
  const stream = (length: number, chunks = 64): Body => ({
    kind: 'stream',
    length,
    open: () =>
      Readable.from(Array.from({ length: chunks }, () => Buffer.alloc(65_536, 97))),
  })
  const slow = script('sleep 0.05; test "$(wc -c)" = 4194304')
  t.match(await run(t, execOf(slow), stream(4_194_304)), { kind: 'delivered' })
  t.match(await run(t, execOf(['true']), stream(4_194_304)), { kind: 'delivered' })
})

t.test('a body that breaks off never looks like one that ended', async (t) => {
  const dir = t.testdir()
  const destination = execOf(script('cat > body && touch whole'), { directory: dir })
  const broken: Body = {
    kind: 'stream',
    length: 10,
    open: () =>
      Readable.from(
        (async function* () {
          yield Buffer.from('half')
          throw new Error('EIO')
        })(),
      ),
  }
  t.same(await run(t, destination, broken), {
    kind: 'deferred',
    reason: 'body cannot be read: EIO',
    fault: 'configuration',
  })
  const short: Body = {
    kind: 'stream',
    length: 10,
    open: () => Readable.from([Buffer.from('ab')]),
  }
  t.match(await run(t, destination, short), { reason: /not as long as it was said to be/ })
  t.notOk(existsSync(join(dir, 'whole')))
})

t.test('past the time limit the whole group is killed', async (t) => {
  const dir = t.testdir()
  const child = script('sleep 60 & echo $! > pid; echo before; wait')
  const late = await run(t, execOf(child, { directory: dir, timeout: 200 }))
  t.same(late, {
    kind: 'deferred',
    reason: 'no end in 200ms, and killed',
    mayHaveArrived: true,
    fault: 'receiver',
    answer: 'before',
  })
  t.ok(await gone(await pidIn(join(dir, 'pid'))))
  const deaf = script('trap "" TERM; echo $$ > deaf; while :; do sleep 0.05; done')
  t.match(await run(t, execOf(deaf, { directory: dir, timeout: 100 })), {
    kind: 'deferred',
    reason: 'no end in 100ms, and killed',
  })
  t.ok(await gone(await pidIn(join(dir, 'deaf'))), 'SIGKILL ends who ignores SIGTERM')
})

t.test('what it leaves in the background is neither waited for nor killed', async (t) => {
  const dir = t.testdir()
  const daemon = script('sleep 60 & echo $! > pid; echo started')
  const outcome = await run(t, execOf(daemon, { directory: dir }))
  t.same(outcome, { kind: 'delivered', reason: 'exit 0', status: 0, answer: 'started' })
  const pid = await pidIn(join(dir, 'pid'))
  t.ok(alive(pid))
  process.kill(pid)
})

t.test('to stop ends it, and nothing is said of the receiver', async (t) => {
  const dir = t.testdir()
  const stop = new AbortController()
  const command = script('echo $$ > pid; sleep 60')
  const ended = run(t, execOf(command, { directory: dir }), '', {}, stop.signal)
  const pid = await pidIn(join(dir, 'pid'))
  stop.abort()
  t.same(await ended, {
    kind: 'deferred',
    reason: 'stopped before it ended',
    mayHaveArrived: true,
    fault: 'configuration',
  })
  t.ok(await gone(pid))
  t.match(await run(t, execOf(command, { directory: dir }), '', {}, stop.signal), {
    uncharged: true,
  })
  const transport = createExecTransport({ env: {}, secrets: () => '' })
  const other = transport.deliver(attemptOf(execOf(['/bin/sleep', '60'])), open)
  await transport.close()
  t.match(await other, { reason: 'stopped before it ended' }, 'to close ends all')
})

t.test('what it prints is made printable, and its secrets are not shown', async (t) => {
  const environment = { TOKEN: { env: 'TOKEN' } }
  const text = 'printf "\\033[2J%s\\n\\0end" "$TOKEN"; exit 75'
  t.match(await run(t, execOf(script(text), { environment })), {
    reason: 'exit 75 (temporary failure): "[2J*** end"',
    answer: '[2J*** end',
  })
})
