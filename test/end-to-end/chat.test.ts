/**
 * chat - the journey of chat messages: a client with ids of its own, msgq, and a service that
 * drops repeats by webhook-id; the line is cut, and the daemon killed.
 *
 * MSGQ_CHAT=1000 is the long run; the suite has a sample of it.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { socketPath } from '../../src/queue/open.ts'
import { post } from '../intake/ask.ts'
import { Machine } from './machine.ts'

const MESSAGES = Number(process.env['MSGQ_CHAT'] ?? 200)

void t.test(
  `${MESSAGES} chat messages: each is seen once, and in order`,
  { timeout: 600_000 },
  async (t) => {
    const machine = new Machine(t)
    const known = new Set<string>()
    const screen: string[] = []
    let cut = 0
    let repeats = 0
    const service = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { text } = JSON.parse(Buffer.concat(chunks).toString()) as { text: unknown }
        if (typeof text !== 'string') return void response.writeHead(400).end()
        const id = String(request.headers['webhook-id'])
        if (known.has(id)) repeats++
        else screen.push(text)
        known.add(id)
        // The line breaks after it was published and before the answer.
        if (screen.length % 37 === 0 && cut < screen.length) {
          cut = screen.length
          return void request.socket.destroy()
        }
        response.writeHead(200).end()
      })
    }).listen(0, '127.0.0.1')
    await once(service, 'listening')
    t.teardown(() => {
      service.closeAllConnections()
      service.close()
    })
    const { port } = service.address() as AddressInfo
    machine.configure(
      `[destinations.chat]\ntype = "http"\nurl = "http://127.0.0.1:${port}"\n` +
        'ordered = true\nretry = { min = "20ms", max = "80ms" }\n',
    )
    await machine.start()
    const { path: submit, release } = socketPath(machine.spool, 'submit.sock')
    t.teardown(release)
    let dropped = 0
    /** Sends it until it is told that it is durable; sometimes it misses the first answer. */
    const send = async (text: string, n: number) => {
      const key = { 'idempotency-key': `"chat-${n}"` }
      for (let missed = n % 10 === 0; ;) {
        const answered = await post(submit, { to: 'chat', body: { text } }, key).catch(
          () => {},
        )
        if (answered?.status === 200) dropped++
        if (answered !== undefined && answered.status < 300 && !missed) return
        if (answered !== undefined && answered.status < 300) missed = false
        else await sleep(20)
      }
    }
    const texts = Array.from({ length: MESSAGES }, (_, n) => `message ${n}`)
    for (const [n, text] of texts.entries()) {
      if (n !== MESSAGES / 2) {
        await send(text, n)
        continue
      }
      const sent = send(text, n)
      await machine.kill('SIGKILL')
      await machine.start()
      await sent
    }
    await machine.until('all are seen', () => screen.length >= MESSAGES, 60_000)
    t.strictSame(screen, texts, 'each once, in order')
    t.ok(repeats > 0, `${repeats} deliveries were repeats`)
    t.ok(dropped >= MESSAGES / 10, `${dropped} requests were repeats`)
  },
)
