/**
 * relay - from one msgq to another over a line that is cut at random: nothing is lost, nothing doubled.
 */
import { createServer, connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'

import t from 'tap'
import type { Test } from 'tap'

import type { Arrival } from '../../src/cli/sink-server.ts'
import { freePort } from '../free-port.ts'
import { Machine } from './machine.ts'
import type { Stage } from './machine.ts'

const TOO_LONG = 60_000

/** The same numbers at every run. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** A TCP line to a port that may change; it cuts connections before, during or after an answer. */
async function line(t: Test, chance: () => number) {
  const way = { port: 0, cuts: 0, isSound: false }
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(way.port, '127.0.0.1')
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => {}).on('close', () => open.delete(socket))
    }
    const cut = () => {
      way.cuts++
      near.destroy()
      far.destroy()
    }
    const isCut = (of: number) => !way.isSound && chance() < of
    near.on('data', (chunk: Buffer) => {
      if (isCut(0.05)) return cut()
      far.write(isCut(0.05) ? chunk.subarray(0, chunk.length >> 1) : chunk)
      if (isCut(0.02)) cut()
    })
    far.on('data', (chunk: Buffer) => {
      if (isCut(0.05)) return cut()
      if (!isCut(0.05)) return near.write(chunk)
      near.write(chunk.subarray(0, chunk.length >> 1))
      return cut()
    })
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return Object.assign(way, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  })
}

/** A machine that listens on TCP, and the token of the other one. */
async function central(t: Test, stage: Stage) {
  const machine = new Machine(stage)
  const port = await freePort()
  const listen = `[listen]\nhttp = "127.0.0.1:${port}"\ntokens = { file = "tokens" }\n`
  machine.configure(listen)
  const added = await machine.msgq('token', 'add', 'laptop', '--scope', 'send')
  t.equal(added.code, 0, added.err)
  const token = /msgq_\S+/.exec(added.out)![0]
  return { machine, port, token, listen }
}

t.test('300 messages over a bad line, and a death at its end', async (t) => {
  const root = t.testdir({ near: {}, far: {} })
  const stage = (name: string): Stage => ({
    teardown: (act) => t.teardown(act),
    testdir: () => join(root, name),
    fail: (what) => t.fail(what),
  })
  const far = await central(t, stage('far'))
  const arrivals: Arrival[] = []
  const sink = await far.machine.sink({ onArrival: (it) => void arrivals.push(it) })
  const crm = `[destinations.crm]\ntype = "http"\nurl = "${sink.url}"\n`
  const strict = `[destinations.strict]\ntype = "http"\nurl = "${sink.url}"\nschema = "strict.json"\n`
  writeFileSync(join(far.machine.configFile, '../strict.json'), '{"type": "object"}')
  far.machine.configure(far.listen + crm + strict)
  await far.machine.start()
  const way = await line(t, dice(7))
  way.port = far.port

  const near = new Machine(stage('near'))
  const folder = join(near.configFile, '..')
  writeFileSync(join(folder, 'central-token'), `${far.token}\n`, { mode: 0o600 })
  const table = `type = "msgq"\nurl = "${way.url}"\ntoken = { file = "central-token" }\n`
  near.configure(
    `max = "300ms"\n[destinations.central]\n${table}to = "crm"\n[destinations.strict]\n${table}`,
  )
  await near.start()
  const lines = Array.from({ length: 300 }, (_, n) => {
    const keyed = n % 3 === 0 ? { key: `key-${n}` } : {}
    return JSON.stringify({ to: 'central', body: `message ${n}`, ...keyed })
  })
  const sent = await near.run('msgq', ['send', '--batch'], lines.join('\n'))
  t.equal(sent.code, 0, sent.err)
  const ids = sent.out.match(/[0-9A-HJKMNP-TV-Z]{26}/g) ?? []
  t.equal(ids.length, 300)
  await near.until('some came through', () => arrivals.length > 40, TOO_LONG)
  await far.machine.kill()
  await far.machine.start()
  await near.until('many more did', () => arrivals.length > 200, TOO_LONG)
  way.isSound = true
  // A lane that failed so often is closed for a while; flush opens it.
  const flushed = async () => {
    if (new Set(arrivals.map((it) => it.id)).size === 300) return true
    for (const machine of [near, far.machine]) await machine.msgq('flush')
    return false
  }
  await near.until('all have arrived', flushed, TOO_LONG)
  const all = ['incoming', 'active', 'deferred', 'hold', 'bounce', 'corrupt']
  const left = [near, far.machine].flatMap((it) => all.flatMap((state) => it.files(state)))
  const lost = ids.filter(
    (id) => !arrivals.some((it) => it.id === id) && !left.some((file) => file.includes(id)),
  )
  t.strictSame(lost, [], 'what has not arrived lies somewhere')
  await far.machine.until('and left', () => far.machine.files('active').length === 0)
  t.ok(way.cuts > 20, `the line was cut ${way.cuts} times`)
  const came = arrivals.map((it) => String(it.id))
  t.strictSame([...new Set(came)].toSorted(), ids.toSorted(), 'under their own ids')
  t.equal(near.files('bounce').length + far.machine.files('bounce').length, 0)

  await near.msgq('send', 'strict', '--json', '3')
  await near.until(
    'what a schema there refuses bounces here',
    () => near.files('bounce').length === 1,
  )
  const { out } = await near.msgq('mailq', '--state', 'bounce')
  t.match(
    out,
    /400 Bad Request.*"code":"schema","detail":"body: wants an object, and there i/,
  )
})

t.test('two that hand on to each other bounce what comes back', async (t) => {
  const root = t.testdir({ here: {}, there: {} })
  const stage = (name: string): Stage => ({
    teardown: (act) => t.teardown(act),
    testdir: () => join(root, name),
    fail: (what) => t.fail(what),
  })
  const both = [await central(t, stage('here')), await central(t, stage('there'))] as const
  for (const [at, { machine, listen }] of both.entries()) {
    const other = both[1 - at]!
    const folder = join(machine.configFile, '..')
    writeFileSync(join(folder, 'other-token'), `${other.token}\n`, { mode: 0o600 })
    const table = `type = "msgq"\nurl = "http://127.0.0.1:${other.port}"\ntoken = { file = "other-token" }\n`
    const route = `[[routes]]\nevent = "turn.*"\nto = "around"\n`
    machine.configure(
      `${listen}[destinations.crm]\n${table}[destinations.around]\n${table}event = "turn.on"\n${route}`,
    )
    await machine.start()
  }
  const [here, there] = [both[0].machine, both[1].machine]
  await here.msgq('send', 'crm', 'hello')
  await here.msgq('send', '--event', 'turn.off', '-d', 'hello')
  const bounced = () => [...here.files('bounce'), ...there.files('bounce')]
  await here.until('both are told', () => bounced().length === 2, TOO_LONG)
  const said = await Promise.all(
    [here, there].map((it) => it.msgq('mailq', '--state', 'bounce')),
  )
  const text = said.map(({ out }) => out).join('')
  t.equal(text.match(/"code":"loop".*they hand on in a circle/g)?.length, 2, text)
})
