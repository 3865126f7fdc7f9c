/**
 * once - on_timeout = "hold" and "bounce": whatever ends an attempt without an answer, a message
 * that may have arrived does not go out a second time, unless a person says so.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { parseTrail } from '../../src/message/trail.ts'
import { Machine } from './machine.ts'
import type { Stage } from './machine.ts'

const ARRIVED = 'it may have arrived (on_timeout = '

const STATES = ['incoming', 'active', 'deferred', 'hold', 'bounce']

/** A machine with a receiver that keeps /hold, /bounce and /retry waiting, and two that end. */
async function prepared(t: Stage) {
  const machine = new Machine(t)
  const sink = await machine.sink({
    answers: ['/hold=timeout', '/bounce=timeout', '/retry=timeout', '/reset=reset'],
  })
  const destination = (name: string, policy: string, more = '') =>
    `[destinations.${name}]\ntype = "http"\nurl = "${sink.url}/${name}"\non_timeout = "${policy}"\n${more}`
  machine.configure(
    [
      '[stop]\ngrace = "100ms"\n',
      destination('hold', 'hold'),
      destination('bounce', 'bounce'),
      destination('retry', 'retry'),
      destination('reset', 'hold'),
      destination('slow', 'hold', 'http = { timeout = "200ms" }\n').replace(
        '/slow',
        '/hold',
      ),
      destination('gone', 'hold').replace(sink.url, 'http://127.0.0.1:1'),
      destination('good', 'bounce'),
    ].join(''),
  )
  /** Sends one to each, in one go; answers with their ids. */
  const send = async (...names: string[]): Promise<string[]> => {
    const lines = names.map((to) => JSON.stringify({ to, body: 'hello' })).join('\n')
    return (await machine.run('msgq', ['send', '--batch'], lines)).out.trim().split('\n')
  }
  const show = (id: string) => {
    for (const state of STATES)
      for (const name of machine.files(state).filter((file) => file.includes(id))) {
        const text = readFileSync(join(machine.spool, state, name), 'utf8')
        const trail = parseTrail(text.slice(text.indexOf('\n')))
        return { state, tries: Number(name.split(',')[1]), trail }
      }
    return undefined
  }
  return { machine, sink, send, show }
}

void t.test('kill -9 with the request on the wire', async (t) => {
  const { machine, sink, send, show } = await prepared(t)
  await machine.start()
  const [hold = '', bounce = '', retry = ''] = await send('hold', 'bounce', 'retry')
  await machine.until('all three are out', () => sink.requests === 3)
  await machine.kill('SIGKILL')
  await machine.start()
  await machine.until('retry goes out again', () => sink.times.get(retry) === 2)
  await machine.until('the others are settled', () => machine.files('bounce').length === 1)
  t.match(show(hold), {
    state: 'hold',
    tries: 1,
    trail: [
      { act: 'sending' },
      { act: 'interrupted' },
      { outcome: 'held', reason: `msgqd ended before an answer came: ${ARRIVED}"hold")` },
    ],
  })
  t.match(show(bounce), {
    state: 'bounce',
    trail: [{}, {}, { outcome: 'bounced', reason: `${ARRIVED}"bounce")` }],
  })
  t.equal(sink.times.get(hold), 1)
  t.equal(sink.times.get(bounce), 1)
  // Somebody looked, and says that it may go.
  await machine.msgq('release', hold)
  await machine.until('it goes out again', () => sink.times.get(hold) === 2)
  await machine.kill('SIGKILL')
})

void t.test('a stop, a timeout, a reset, and what never went out', async (t) => {
  const { machine, sink, send, show } = await prepared(t)
  await machine.start()
  const names = ['slow', 'reset', 'gone', 'good', 'hold', 'retry']
  const [slow = '', reset = '', gone = '', good = '', ...out] = await send(...names)
  const [hold = '', retry = ''] = out
  await machine.until('two are held', () => machine.files('hold').length === 2)
  t.match(show(slow), {
    state: 'hold',
    trail: [{}, { reason: `no answer in 200ms: ${ARRIVED}"hold")`, fault: 'receiver' }],
  })
  t.match(show(reset), { state: 'hold', trail: [{}, { reason: ARRIVED }] })
  // Nobody listens there: it is tried again and again.
  await machine.until('a second try', () => (show(gone)?.tries ?? 0) > 1)
  t.match(show(gone), { trail: [{}, { reason: 'connection refused: 127.0.0.1:1' }] })
  await machine.until('good is there', () => sink.accepted.has(good))
  t.equal(sink.times.get(good), 1)
  await machine.until('both are out', () => sink.times.has(hold) && sink.times.has(retry))
  t.equal(await machine.kill('SIGTERM'), 0)
  t.match(show(hold), {
    state: 'hold',
    trail: [{}, { reason: `stopped before an answer came: ${ARRIVED}"hold")` }],
  })
  t.match(show(retry), { state: 'incoming' })
  await machine.start()
  await machine.until('retry goes out again', () => sink.times.get(retry) === 2)
  await sleep(100)
  for (const id of [hold, slow, reset]) t.equal(sink.times.get(id), 1)
  await machine.kill('SIGKILL')
})
