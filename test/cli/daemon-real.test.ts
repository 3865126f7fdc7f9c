/**
 * daemon-real - status, mailq, show, flush and reload of a real msgqd, as real processes.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'

import { put } from '../config/machine.ts'

const BIN = resolve(import.meta.dirname, '../../bin')
/** Long enough for the slowest machine, and never waited for in full. */
const PATIENCE = 20_000

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

class Machine {
  readonly spool: string
  readonly config: string
  readonly #env: NodeJS.ProcessEnv

  constructor(folder: string) {
    this.spool = join(folder, 'spool')
    this.config = join(folder, 'msgq.toml')
    mkdirSync(this.spool, { mode: 0o750 })
    this.#env = {
      ...process.env,
      MSGQ_SPOOL: this.spool,
      MSGQ_CONFIG: this.config,
      MSGQ_ANY_FILESYSTEM: '1',
      http_proxy: '',
      TZ: 'UTC',
    }
  }

  /** Runs the real msgq. */
  msgq(...argv: string[]): Promise<Ran> {
    const program = [join(BIN, 'msgq'), ...argv]
    return new Promise((done) => {
      execFile(process.execPath, program, { env: this.#env }, (error, out, err) => {
        done({ code: error === null ? 0 : Number(error.code), out, err })
      })
    })
  }

  /** Starts the real msgqd; gives back how to kill it. */
  async start(t: Test): Promise<() => Promise<void>> {
    const daemon = spawn(process.execPath, [join(BIN, 'msgqd')], {
      env: this.#env,
      stdio: 'ignore',
    })
    const gone = new Promise<void>((done) => daemon.once('exit', () => done()))
    const kill = async () => {
      daemon.kill('SIGKILL')
      await gone
    }
    t.teardown(kill)
    await until(async () => (await this.msgq('status')).code === 0)
    return kill
  }

  async json(...argv: string[]): Promise<Record<string, unknown>> {
    const { out, err } = await this.msgq(...argv, '--json')
    if (out === '') throw new Error(err)
    return JSON.parse(out) as Record<string, unknown>
  }
}

async function until(is: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(50))
    if (await is()) return
  throw new Error('it did not come to be')
}

/** A receiver that says no until it is told otherwise. */
async function receiver(t: Test): Promise<{ url: string; heal(): void; hits(): number }> {
  let status = 503
  let hits = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      hits++
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const heal = () => {
    status = 200
  }
  return { url: `http://127.0.0.1:${port}/in`, heal, hits: () => hits }
}

const destination = (name: string, url: string) =>
  `[destinations.${name}]\ntype = "http"\nurl = "${url}"\nretry = { min = "1h", max = "4h" }\n`

t.test('an operator sees, reloads, flushes, and sees again', async (t) => {
  const machine = new Machine(t.testdir({}))
  const { url, heal, hits } = await receiver(t)
  put(machine.config, destination('ops', url))
  t.equal((await machine.msgq('status', '--spool', join(machine.spool, 'x'))).code, 69)
  const kill = await machine.start(t)

  const sent = await machine.msgq('send', 'ops', '-s', 'first', '-d', 'hello')
  t.equal(sent.code, 0, sent.err || 'sent')
  const id = sent.out.trim()
  await until(
    async () =>
      (await machine.msgq('mailq', '--state', 'deferred', '--count')).out === '1\n',
  )
  t.match(await machine.json('status'), {
    daemon: { up: true, pid: Number, configFiles: [machine.config] },
    states: { deferred: 1 },
    rates: { deferred: 1 },
    lanes: [{ lane: 'ops', state: 'open', waiting: 1 }],
    advice: [],
  })
  const { out: list } = await machine.msgq('mailq')
  t.match(
    list,
    /deferred .* 1 {2}in \d+[mh] +ops {2}first\n {10}\(503 Service Unavailable, \d+s ago\)/,
  )
  t.notMatch(list, 'not running')
  t.match((await machine.msgq('show', id)).out, `${id}  deferred, failed once: 503 Service`)

  put(machine.config, destination('ops', url) + destination('crm', url))
  t.match((await machine.msgq('status')).out, 'the configuration changed since')
  t.match(await machine.msgq('reload'), {
    code: 0,
    out: `reloaded: ${machine.config}\n  new: crm\n`,
  })
  t.notMatch((await machine.msgq('status')).out, 'the configuration changed since')

  put(machine.config, 'nonsense = 1\n')
  t.match(await machine.msgq('reload'), {
    code: 78,
    err: /^msgq: reload: .*:1: nonsense: unknown/,
  })
  t.match(await machine.msgq('check'), {
    code: 78,
    out: /msgq\.toml:1: nonsense: unknown option/,
  })

  heal()
  const before = hits()
  t.equal((await machine.msgq('flush', '--to', 'ops')).code, 0)
  await until(async () => hits() > before)
  await until(async () => (await machine.msgq('mailq', '--count')).out === '0\n')
  t.match(await machine.json('status'), { rates: { delivered: 1 }, lanes: [] })
  t.match(await machine.msgq('show', id), { code: 0, out: /delivered/ })

  put(machine.config, destination('ops', url))
  await kill()
  const down = await machine.msgq('status')
  t.equal(down.code, 69, 'a killed daemon is down at once, although its socket is there')
  t.match(down.out, 'msgqd         not running\n')
  t.equal((await machine.msgq('reload')).code, 69)
  t.match(await machine.msgq('check'), { code: 0, out: '0 errors' })
})

t.test('a long listing into a closed pipe ends quietly', async (t) => {
  const machine = new Machine(t.testdir({}))
  put(machine.config, '')
  for (const state of [
    'incoming',
    'active',
    'deferred',
    'hold',
    'bounce',
    'corrupt',
    'run',
  ])
    mkdirSync(join(machine.spool, state))
  for (let n = 0; n < 8_000; n++) {
    const id = `01K${String(n).padStart(23, '0')}`
    writeFileSync(join(machine.spool, 'deferred', `20261120T120000.000Z,0,${id}@ops`), '')
  }
  const child = spawn(process.execPath, [join(BIN, 'msgq'), 'mailq', '--ids'], {
    env: { ...process.env, MSGQ_SPOOL: machine.spool, MSGQ_CONFIG: machine.config },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  child.stdout.once('data', () => child.stdout.destroy())
  const code = await new Promise((done) => child.once('close', done))
  t.same([code, complaint], [0, ''])
})
