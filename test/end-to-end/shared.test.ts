/**
 * shared - a real msgqd that is nobody special, and real senders with uids of their own.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { parseName } from '../../src/queue/spool/name.ts'
import { Machine } from './machine.ts'
import type { Ran } from './machine.ts'

const [ANN, BOB, MSGQ] = [65_534, 65_533, 65_532]

/** The command that runs another as a user who is in no group but his own. */
function as(uid: number): string[] {
  return ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--']
}

function cannot(): string | false {
  if (process.getuid!() !== 0) return 'only root can be two users'
  const [program, ...words] = [
    ...as(ANN),
    process.execPath,
    resolve('bin/msgq'),
    '--version',
  ]
  const ran = spawnSync(program!, words, { stdio: 'ignore' })
  return ran.status === 0 ? false : 'another user cannot run msgq from here'
}

/** A machine with a shared spool that belongs to user msgq. */
function sharedMachine(t: Test, submit = ''): Machine {
  const machine = new Machine(t)
  machine.configure(
    `[submit]\nshared = true\n${submit}[destinations.crm]\ntype = "http"\nurl = "http://127.0.0.1:9/"\n`,
  )
  mkdirSync(machine.spool)
  chownSync(machine.spool, MSGQ, MSGQ)
  return machine
}

/** Runs something as another user. */
function run(machine: Machine, uid: number, ...words: string[]): Ran {
  const [program, ...rest] = [...as(uid), ...words]
  const ran = spawnSync(program!, rest, { env: machine.env, encoding: 'utf8', cwd: '/' })
  return { code: ran.status, out: ran.stdout, err: ran.stderr }
}

function msgq(machine: Machine, uid: number, ...words: string[]): Ran {
  return run(machine, uid, process.execPath, resolve('bin/msgq'), ...words)
}

/** A daemon that runs as user msgq; its log, and its end. */
class Served {
  log = ''
  readonly #child

  constructor(t: Test, machine: Machine) {
    const [program, ...rest] = [...as(MSGQ), process.execPath, resolve('bin/msgqd')]
    this.#child = spawn(program!, rest, {
      env: machine.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.log += chunk.toString()
      })
    t.teardown(() => this.stop())
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
}

async function serve(t: Test, machine: Machine): Promise<Served> {
  const served = new Served(t, machine)
  await machine.until('msgqd serves', () => served.log.includes('"start"'))
  return served
}

/** A receiver, and the paths and ids that it heard. */
async function receiver(
  machine: Machine,
): Promise<{ url: string; heard: Map<string, string> }> {
  const heard = new Map<string, string>()
  const { url } = await machine.sink({
    onArrival: ({ path, id }) => void heard.set(path, id ?? ''),
  })
  return { url: url.replace(/\/$/, ''), heard }
}

const opts = { skip: cannot() }

t.test('any user may send, and the receiver gets it', opts, async (t) => {
  const machine = sharedMachine(t)
  const { url, heard } = await receiver(machine)
  await serve(t, machine)
  const { mode } = statSync(join(machine.spool, 'run/limits.json'))
  t.equal(mode & 0o777, 0o644, 'senders may read what is published')
  const ids: [string, string][] = []
  for (const uid of [ANN, BOB]) {
    const { code, out, err } = msgq(machine, uid, 'send', `${url}/${uid}`, 'hello')
    t.equal(code, 0, err)
    ids.push([`/${uid}`, out.trim()])
  }
  await machine.until('both are there', () => heard.size === 2)
  t.strictSame([...heard].toSorted(), ids.toSorted(), 'under the ids that were printed')
  const refused = msgq(machine, ANN, 'send', 'crn', 'x')
  t.equal(refused.code, 64, 'the published destinations count')
  t.match(refused.err, /crm/)
  const check = await machine.msgq('check')
  t.equal(check.code, 0, check.out)
})

t.test('nobody sees or changes what is not his', opts, async (t) => {
  const machine = sharedMachine(t)
  await (await serve(t, machine)).stop()
  const incoming = join(machine.spool, 'incoming')
  const id = msgq(machine, ANN, 'send', 'crm', 'secret').out.trim()
  const [name] = machine.files('incoming')
  t.equal(parseName(name!)?.id, id)
  const file = join(incoming, name!)
  const sh = (uid: number, script: string, path = file) =>
    run(machine, uid, 'sh', '-c', script, 'sh', path).code
  const before = statSync(file)
  t.equal(before.mode & 0o777, 0o640)
  t.equal(before.gid, MSGQ, 'the daemon reads it by its group')
  for (const script of [
    `ls ${incoming}`,
    'cat "$1"',
    'echo x >> "$1"',
    'chmod 666 "$1"',
    'rm -f "$1"',
    'mv "$1" "$1.mine"',
    'ln "$1" "$1.mine"',
    'cp -f /etc/passwd "$1"',
    `ls ${machine.spool}`,
    `cat ${machine.spool}/run/lock`,
    `flock -n ${machine.spool}/run/lock true`,
    `ls ${machine.spool}/active`,
    `touch ${machine.spool}/corrupt/x`,
  ])
    t.not(sh(BOB, script), 0, `another user: ${script}`)
  for (const words of [['mailq'], ['flush'], ['delete', id], ['hold', id]])
    t.not(msgq(machine, BOB, ...words).code, 0, `another user: msgq ${words.join(' ')}`)
  t.equal(statSync(file).ctimeMs, before.ctimeMs, 'it is as it was')
  t.strictSame(machine.files('incoming'), [name])

  t.not(sh(ANN, `ls ${incoming}`), 0)
  t.equal(sh(ANN, 'cat "$1" > /dev/null'), 0, 'on the doorstep it is still its author’s')
  const served = await serve(t, machine)
  await machine.until('it waits', () => machine.files('deferred').length === 1)
  await served.stop()
  const taken = join(machine.spool, 'deferred', machine.files('deferred')[0]!)
  t.equal(statSync(taken).uid, MSGQ, 'taken in it is ours')
  for (const script of ['cat "$1"', 'echo x >> "$1"', 'rm -f "$1"', 'mv "$1" "$1.mine"'])
    t.not(sh(ANN, `ls -d "$1" && ${script}`, taken), 0, `its author: ${script}`)
  t.equal(statSync(taken).nlink, 1)
})

t.test('who may not look cannot wait, and hears it before he queues', opts, async (t) => {
  const machine = sharedMachine(t)
  await (await serve(t, machine)).stop()
  const { code, out, err } = msgq(machine, ANN, 'send', 'crm', 'x', '--wait')
  t.strictSame([code, out], [77, ''])
  t.match(err, /^msgq: send: --wait: who may not look .*\n {2}hint: nothing was queued/)
  t.strictSame(machine.files('incoming'), [])
  t.equal(msgq(machine, ANN, 'log').code, 77)
  t.not(run(machine, ANN, 'ls', join(machine.spool, 'log')).code, 0)
  t.equal(statSync(join(machine.spool, 'log')).uid, MSGQ)
})

t.test('what may not be read or moved stays, and harms nobody', opts, async (t) => {
  const machine = sharedMachine(t)
  const { url, heard } = await receiver(machine)
  const served = await serve(t, machine)
  const incoming = join(machine.spool, 'incoming')
  const sh = (uid: number, script: string) => {
    const { code, err } = run(machine, uid, 'sh', '-c', `cd ${incoming} && ${script}`)
    t.equal(code, 0, err)
  }
  const byHand = (mode: string, name: string) =>
    `printf '{"to":"${url}/${name}"}\n' > .${name}; chmod ${mode} .${name}; mv .${name} ${name}`
  sh(ANN, byHand('600', 'closed'))
  sh(BOB, byHand('640', 'open'))
  sh(BOB, 'mkfifo fifo && ln -s /etc/passwd link && mkdir full && touch full/x')
  await machine.until('it came', () => heard.has('/open'))
  await machine.until('junk is put aside', () => machine.files('corrupt').length === 2)
  t.equal(msgq(machine, ANN, 'send', `${url}/later`, 'x').code, 0)
  await machine.until('it came', () => heard.has('/later'))
  t.strictSame(readdirSync(incoming).toSorted(), ['closed', 'full'])
  t.match(served.log, /incoming\/closed: permission denied; it stays/)
  t.match(served.log, /incoming\/full: permission denied; it stays/)
})

t.test('a flood of one user delays nobody else', opts, async (t) => {
  const machine = sharedMachine(t, 'max_messages = 20\n')
  const { url, heard } = await receiver(machine)
  const served = await serve(t, machine)
  const input = '{"to":"crm","body":"x"}\n'.repeat(300)
  const [program, ...words] = [...as(ANN), process.execPath, resolve('bin/msgq')]
  const flood = spawnSync(program!, [...words, 'send', '--batch'], {
    env: machine.env,
    input,
    cwd: '/',
  })
  t.equal(flood.status, 0, flood.stderr.toString())
  for (const [uid, path] of [
    [BOB, '/bob'],
    [0, '/root'],
  ] as const) {
    const began = performance.now()
    const sent = msgq(machine, uid, 'send', url + path, 'x')
    t.equal(sent.code, 0, sent.err)
    await machine.until(`${path} is heard`, () => heard.has(path))
    t.comment(`${path}: ${Math.round(performance.now() - began)} ms with its start`)
  }
  await machine.until('it was named', () =>
    served.log.includes('uid 65534 has 20 messages'),
  )
  t.equal(served.log.split('uid 65534 has').length, 2, 'once')
  const outside = machine
    .files('incoming')
    .filter((file) => statSync(join(machine.spool, 'incoming', file)).uid === ANN)
  t.equal(outside.length, 280, 'the rest waits outside')
})
