/**
 * bulk - many messages requeued, the command killed half-way, and run again: each once, none
 * lost. MSGQ_BULK=100000 makes them so many.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { seal } from '../../src/message/envelope.ts'
import { idMaker } from '../../src/message/id.ts'
import { STATES } from '../../src/message/state.ts'
import { parseTrail } from '../../src/message/trail.ts'
import { Layout } from '../../src/queue/spool/layout.ts'
import { formatName, parseName } from '../../src/queue/spool/name.ts'
import { Machine } from './machine.ts'

const MANY = Number(process.env['MSGQ_BULK'] || 2_000)
const TOML = '[destinations.ops]\ntype = "http"\nurl = "http://127.0.0.1:9/"\n'

/** Puts so many messages there that bounced; their ids. */
function bounce(spool: string, count: number): string[] {
  const layout = new Layout(spool)
  layout.makeRoot()
  layout.make()
  const nextId = idMaker(Date.now, (bytes) => bytes.map(() => Math.random() * 256))
  const line = '{"at":"2026-11-20T10:00:00Z","try":1,"outcome":"bounced","reason":"401"}'
  const body = Buffer.from('{"n":1}')
  return Array.from({ length: count }, () => {
    const id = nextId()
    const envelope = seal({ to: 'crm' }, body, { id, now: Date.now(), sender: { uid: 0 } })
    const file = formatName({ due: Date.now(), tries: 1, id, lane: 'crm' })
    const text = `${JSON.stringify(envelope)}\n${body}\n${line}\n`
    writeFileSync(join(spool, 'bounce', file), text)
    return id
  })
}

function count(spool: string, state: string): number {
  return readdirSync(join(spool, state)).filter((file) => !file.startsWith('.')).length
}

/** Runs msgq and kills it once it has done so many; false when it was too quick. */
async function killed(
  machine: Machine,
  words: readonly string[],
  after: number,
): Promise<boolean> {
  const child = spawn(process.execPath, [resolve('bin/msgq'), ...words], {
    env: machine.env,
    stdio: 'ignore',
  })
  let over = false
  const end = once(child, 'exit').finally(() => {
    over = true
  })
  while (!over && count(machine.spool, 'incoming') < after)
    await new Promise((resolve) => setTimeout(resolve, 1))
  child.kill('SIGKILL')
  await end
  return child.signalCode === 'SIGKILL'
}

/** The messages and what happened to each: what an operator's act left in the trail. */
function account(spool: string): Map<string, { place: string; acts: string[] }> {
  const found = new Map<string, { place: string; acts: string[] }>()
  for (const state of STATES)
    for (const file of readdirSync(join(spool, state))) {
      const name = parseName(file)
      if (name === undefined) continue
      if (found.has(name.id)) throw new Error(`${name.id} is there twice`)
      const text = readFileSync(join(spool, state, file), 'utf8')
      const acts = parseTrail(text).flatMap((line) => ('act' in line ? [line.act] : []))
      const parent = /"parent":"(\w{26})"/.exec(text)?.[1]
      found.set(parent ?? name.id, { place: `${state}/${name.tries}@${name.lane}`, acts })
    }
  return found
}

/** On ground of its own until the blow fell in the middle. */
async function halfWay(
  t: Test,
  many: number,
  words: readonly string[],
): Promise<{ machine: Machine; ids: string[] }> {
  for (let round = 0; round < 5; round++) {
    const machine = new Machine(t)
    machine.configure(TOML)
    const ids = bounce(machine.spool, many)
    // Many are under way at once, and the first of them is not done before the last began.
    const wasKilled = await killed(machine, words, many / 2)
    const left = count(machine.spool, 'bounce')
    if (wasKilled && left > 0 && left < many) return { machine, ids }
  }
  throw new Error('it was never killed half-way')
}

t.test('requeue ALL', { timeout: 900_000 }, async (t) => {
  const { machine, ids } = await halfWay(t, MANY, ['requeue', 'ALL'])
  const left = count(machine.spool, 'bounce')
  const began = performance.now()
  const again = await machine.msgq('requeue', 'ALL')
  t.comment(`${left} of ${MANY} in ${Math.round(performance.now() - began)} ms`)
  t.match(again, { code: 0, out: `matched ${left}, done ${left}, skipped 0\n` })
  const found = account(machine.spool)
  t.strictSame([...found.keys()].toSorted(), ids.toSorted(), 'each of them, and no other')
  const places = new Set([...found.values()].map(({ place }) => place))
  t.strictSame([...places], ['incoming/0@crm'])
  const told = [...found.values()].filter(({ acts }) => acts.length === 1).length
  t.ok(told >= MANY - 1, 'and each was told once; the one that was struck perhaps twice')
})

t.test('requeue --redirect', { timeout: 900_000 }, async (t) => {
  const many = Math.ceil(MANY / 4)
  const words = ['requeue', 'ALL', '--redirect', 'ops']
  const { machine, ids } = await halfWay(t, many, words)
  t.match(await machine.msgq(...words), { code: 0 })
  const found = account(machine.spool)
  t.strictSame([...found.keys()].toSorted(), ids.toSorted(), 'one new one for each')
  const places = new Set([...found.values()].map(({ place }) => place))
  t.strictSame([...places], ['incoming/0@ops'])
  t.equal(count(machine.spool, 'bounce'), 0)
})

t.test('beside a daemon that delivers them at once', { timeout: 900_000 }, async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink()
  machine.configure(`[destinations.crm]\ntype = "http"\nurl = "${sink.url}/"\n`)
  const ids = bounce(machine.spool, 300)
  await machine.start()
  const child = spawn(process.execPath, [resolve('bin/msgq'), 'requeue', 'ALL'], {
    env: machine.env,
    stdio: 'ignore',
  })
  await machine.until('some are out', () => count(machine.spool, 'bounce') < 250)
  child.kill('SIGKILL')
  t.match(await machine.msgq('requeue', 'ALL'), { code: 0 })
  await machine.until('all are out', () =>
    STATES.every((state) => count(machine.spool, state) === 0),
  )
  t.strictSame([...sink.accepted].toSorted(), ids.toSorted())
  t.strictSame(new Set(sink.times.values()), new Set([1]), 'each once')
})
