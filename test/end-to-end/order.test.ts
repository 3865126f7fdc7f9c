/**
 * order - a conversation through a receiver that fails at random, and a daemon that is killed.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import t from 'tap'

import { Machine } from './machine.ts'
import type { Stage } from './machine.ts'

/** What a receiver does to the nth try of a message. */
type Mood = (text: string, tries: number) => 'ok' | '503' | 'reset' | 'silence'

/** A receiver of moods; what it took for the first time, in order. */
async function receiver(stage: Stage, mood: Mood) {
  const tries = new Map<string, number>()
  const firsts: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const number = (tries.get(text) ?? 0) + 1
      tries.set(text, number)
      const what = mood(text, number)
      if (what === 'silence') return
      if (what === 'reset') return void request.socket.destroy()
      if (what === 'ok' && !firsts.includes(text)) firsts.push(text)
      response.writeHead(what === 'ok' ? 200 : 503).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  stage.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, firsts, tries }
}

/** The same each time, and as good as random. */
function moody(text: string, tries: number): ReturnType<Mood> {
  let hash = tries
  for (const char of text) hash = Math.imul(hash ^ char.charCodeAt(0), 0x9e3779b1) >>> 7
  const moods = [
    '503',
    'reset',
    '503',
    'reset',
    'ok',
    'ok',
    'ok',
    'ok',
    'ok',
    'ok',
  ] as const
  return tries > 4 ? 'ok' : hash % 41 === 0 ? 'silence' : moods[hash % moods.length]!
}

const QUICK = 'http = { timeout = "300ms" }\nretry = { min = "20ms", max = "80ms" }\n'

void t.test('a conversation arrives in its order, also when msgqd is killed', async (t) => {
  const machine = new Machine(t)
  const chat = await receiver(t, moody)
  const stubborn = await receiver(t, (text) => (text === 'poison' ? '503' : 'ok'))
  const whole = await receiver(t, moody)
  const later = await receiver(t, () => 'ok')
  const configure = (enabled: boolean) =>
    machine.configure(
      [
        `[destinations.chat]\ntype = "http"\nurl = "${chat.url}"\n${QUICK}`,
        `[destinations.stubborn]\ntype = "http"\nurl = "${stubborn.url}"\n${QUICK}`,
        'order_wait = "2s"\n',
        `[destinations.whole]\ntype = "http"\nurl = "${whole.url}"\n${QUICK}`,
        'ordered = true\n',
        `[destinations.later]\ntype = "http"\nurl = "${later.url}"\n`,
        enabled ? '' : 'enabled = false\n',
        '[[routes]]\nevent = "talk"\nto = "whole"\n',
      ].join(''),
    )
  configure(false)
  const batch = (to: string, count: number, order?: string) =>
    Array.from({ length: count }, (_, n) =>
      JSON.stringify({ to, order, body: `${order ?? to} ${n}` }),
    ).join('\n')
  const texts = (count: number, who: string) =>
    Array.from({ length: count }, (_, n) => `${who} ${n}`)
  await machine.start()

  await t.test('100 messages, and two kills on the way', async (t) => {
    const lines = `${batch('chat', 100, 'ann')}\n${batch('whole', 30)}\n`
    t.match(await machine.run('msgq', ['send', '--batch', '-q'], lines), { code: 0 })
    for (const some of [20, 60]) {
      await machine.until(`${some} are there`, () => chat.firsts.length >= some)
      await machine.kill('SIGKILL')
      await machine.start()
    }
    await machine.until('all are there', () => chat.firsts.length === 100, 60_000)
    await machine.until('all of the lane', () => whole.firsts.length === 30, 60_000)
    t.strictSame(chat.firsts, texts(100, 'ann'))
    t.strictSame(whole.firsts, texts(30, 'whole'))
    const tries = [...chat.tries.values()].reduce((sum, count) => sum + count, 0)
    t.ok(tries > 110, `it failed now and then: ${tries} tries`)
  })

  await t.test('events, too, to a destination that is one chain', async (t) => {
    const lines = texts(30, 'event').map((body) => JSON.stringify({ event: 'talk', body }))
    await machine.run('msgq', ['send', '--batch', '-q'], lines.join('\n'))
    await machine.until('all are there', () => whole.firsts.length === 60, 60_000)
    t.strictSame(whole.firsts.slice(30), texts(30, 'event'))
  })

  await t.test('one that fails holds back its own chain, until order_wait', async (t) => {
    const line = (order: string, body: string) =>
      `${JSON.stringify({ to: 'stubborn', order, body })}\n`
    const lines = line('ann', 'poison') + line('ann', 'behind') + line('bob', 'other')
    const began = performance.now()
    const { out } = await machine.run('msgq', ['send', '--batch'], lines)
    const [poison, behind] = out.split('\n')
    await machine.until('the other chain goes on', () => stubborn.firsts.length > 0)
    const { out: page } = await machine.msgq('show', behind!)
    t.equal(stubborn.firsts[0], 'other')
    if (stubborn.firsts.length === 1) t.match(page, `waits for ${poison}: its order`)
    await machine.until('it is passed', () => stubborn.firsts.length === 2)
    t.ok(performance.now() - began >= 2_000, 'and not before its time')
    t.strictSame(stubborn.firsts, ['other', 'behind'])
    t.match(machine.log, 'held up its order for 2s: those behind it go on')
  })

  await t.test('what is disabled waits, and goes out once it is enabled', async (t) => {
    await machine.msgq('send', 'later', '-d', 'hello')
    t.match((await machine.msgq('status')).out, /later +disabled/)
    t.match((await machine.msgq('mailq')).out, /disabled/)
    t.match((await machine.msgq('check')).out, 'later is disabled: 1 queued message waits')
    t.equal(later.tries.size, 0)
    configure(true)
    t.match(await machine.msgq('reload'), { code: 0 })
    await machine.until('it goes out', () => later.firsts.length === 1, 2_000)
  })

  await t.test('a name that is nearly right', async (t) => {
    const meant = /did you mean stubborn\?/
    t.match(await machine.msgq('send', 'stuborn', 'x'), { code: 64, err: meant })
    t.match(await machine.msgq('mailq', '--to', 'stuborn'), { code: 0, err: meant })
  })
})
