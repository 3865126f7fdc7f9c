/**
 * chat - the example of docs/examples/chat, as it stands there: every line between the programs is
 * cut again and again, the service and the daemon are killed, and each message is seen once, in
 * order.
 *
 * MSGQ_CHAT=1000 is the long run; the suite has a sample of it.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'

import t from 'tap'
import type { Test } from 'tap'

import { freePort } from '../free-port.ts'
import { Machine } from './machine.ts'

const MESSAGES = Number(process.env['MSGQ_CHAT'] ?? 60)
const EXAMPLE = 'docs/examples/chat'
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`

/** A line that is cut at about each so many-th piece that goes over it, now one way, now the other. */
async function badLine(t: Test, to: () => number, every: number) {
  let left = every
  let cuts = 0
  const server = createServer((near) => {
    const far = connect(to(), '127.0.0.1')
    for (const [from, on] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => {})
      from.on('close', () => on.destroy())
      from.on('data', (piece) => {
        if (--left > 0) return void on.write(piece)
        left = every + (++cuts % 2)
        near.destroy()
        far.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, cuts: () => cuts }
}

void t.test(
  `${MESSAGES} chat messages: each is seen once, and in order`,
  { timeout: 600_000 },
  async (t) => {
    const machine = new Machine(t)
    const folder = dirname(machine.configFile)
    const [intake, chat, screen] = await Promise.all([freePort(), freePort(), freePort()])
    const up = await badLine(t, () => intake, 12)
    const down = await badLine(t, () => chat, 14)
    const aside = await badLine(t, () => intake, 16)
    const around = await badLine(t, () => screen, 18)
    const toml = readFileSync(join(EXAMPLE, 'msgq.toml'), 'utf8')
      .replace(':8025', `:${intake}`)
      .replace(':8101', `:${down.port}`)
      .replace(':8102', `:${around.port}`)
      .replaceAll('"100ms", max = "10s"', '"20ms", max = "80ms"')
    machine.configure(toml)
    writeFileSync(join(folder, 'chat-secret'), `${SECRET}\n`)
    const running = new Set<ChildProcess>()
    t.teardown(() => running.forEach((child) => child.kill('SIGKILL')))
    const run = (program: string, env: Record<string, unknown>, ...words: string[]) => {
      const child = spawn(process.execPath, [join(EXAMPLE, `${program}.mjs`), ...words], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...machine.env,
          SECRET_FILE: join(folder, 'chat-secret'),
          RECORD: join(folder, 'record.jsonl'),
          OUTBOX: join(folder, 'outbox.jsonl'),
          ...(env as Record<string, string>),
        },
      })
      running.add(child)
      child.once('exit', () => running.delete(child))
      return child
    }
    const startService = async () => {
      const child = run('service', {
        PORT: chat,
        MSGQ: `http://127.0.0.1:${aside.port}`,
      })
      await once(child.stdout!, 'data')
      return child
    }
    await machine.start()
    let service = await startService()
    let shown = ''
    const page = run('screen', { PORT: screen })
    page.stdout!.on('data', (chunk: Buffer) => (shown += chunk.toString()))
    const seen = () => shown.split('\n').length - 1

    const began = performance.now()
    const client = run('client', { MSGQ: `http://127.0.0.1:${up.port}` }, String(MESSAGES))
    const said = text(client.stdout!)
    await machine.until('a third is seen', () => seen() > MESSAGES / 3, 200_000)
    service.kill('SIGKILL')
    await once(service, 'exit')
    service = await startService()
    await machine.until('two thirds are seen', () => seen() > (MESSAGES / 3) * 2, 200_000)
    await machine.kill('SIGKILL')
    await machine.start()
    await machine.until('all are seen', () => seen() >= MESSAGES, 200_000)
    const seconds = ((performance.now() - began) / 1000).toFixed(1)

    const { repeats } = JSON.parse(await said) as { repeats: number }
    const ended = text(service.stdout!)
    service.kill('SIGTERM')
    const known = JSON.parse(await ended) as { repeats: number }
    const texts = Array.from({ length: MESSAGES }, (_, n) => `ann: message ${n + 1}`)
    t.strictSame(shown.trimEnd().split('\n'), texts, 'each once, in order')
    const record = readFileSync(join(folder, 'record.jsonl'), 'utf8').trimEnd().split('\n')
    t.equal(record.length, MESSAGES, 'and the service has each once')
    const cuts = [up, down, aside, around].map((line) => line.cuts())
    t.comment({
      seconds,
      cuts,
      requestsRepeated: repeats,
      deliveriesRepeated: known.repeats,
    })
    t.ok(Math.min(...cuts) > 0, 'each line was cut')
    t.ok(repeats > 0, `${repeats} requests were repeats`)
    t.ok(known.repeats > 0, `${known.repeats} deliveries were repeats`)
  },
)
