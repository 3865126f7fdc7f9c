import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import type { Clock } from '../../../src/base/clock.ts'
import { Doorstep } from '../../../src/queue/spool/doorstep.ts'
import type { Found } from '../../../src/queue/spool/doorstep.ts'
import { Layout } from '../../../src/queue/spool/layout.ts'
import { FastClock, sealed } from './yard.ts'

function step(t: Test, clock: Clock = new FastClock()) {
  const root = t.testdir({ incoming: {}, run: { wake: '' } })
  const waiting = new Set<string>()
  const doorstep = new Doorstep(new Layout(root), clock, (file) => waiting.has(file))
  const path = (file: string) => join(root, 'incoming', file)
  const put = (file: string) => writeFileSync(path(file), 'x')
  const ring = (line: string) => writeFileSync(join(root, 'run', 'wake'), `${line}\n`)
  return { doorstep, waiting, path, put, ring }
}

const known = (found: Found | undefined) => found?.known.map(({ id }) => id)
const strange = (found: Found | undefined) => found?.strange.map(({ file }) => file)

/** Makes the folder look as if nothing had happened there for a while. */
function settle(path: (file: string) => string): void {
  const past = Date.now() / 1_000 - 3_600
  utimesSync(path('.'), past, past)
}

void t.test(
  'a look tells messages from other files, and passes over what is staged',
  async (t) => {
    const { doorstep, put } = step(t)
    const { name, id } = sealed()
    for (const file of [name, '.01JD3Z8K6Q4W5E6R7T8Y9V0A1P', '.rsync.x']) put(file)
    const found = doorstep.look()
    t.strictSame(known(found), [id])
    t.strictSame(strange(found), [])
  },
)

void t.test(
  'a message that comes between the look at the time and that at the names is found',
  async (t) => {
    const clock = new FastClock()
    let during: (() => void) | undefined
    // The clock is asked after stat(2) and before readdir(3).
    const asked = { monotonic: clock.monotonic, now: () => (during?.(), clock.now()) }
    const { doorstep, put, path } = step(t, asked)
    doorstep.look()
    settle(path)
    clock.pass(1_000)
    doorstep.look()
    const [first, second] = [sealed(), sealed()]
    during = () => {
      during = undefined
      put(first.name)
    }
    clock.pass(10_000)
    t.strictSame(known(doorstep.look()), [first.id], 'in the same look')
    clock.pass(1_000)
    put(second.name)
    t.strictSame(known(doorstep.look()), [first.id, second.id])
  },
)

void t.test(
  'one that comes in the same tick of the kernel as a look is found at the next',
  async (t) => {
    const clock = new FastClock()
    const { doorstep, put, path } = step(t, clock)
    doorstep.look()
    const { name, id } = sealed()
    const now = Date.now() / 1_000
    utimesSync(path('.'), now, now)
    clock.pass(1_000)
    doorstep.look()
    put(name)
    utimesSync(path('.'), now, now)
    clock.run(1_000)
    t.strictSame(known(doorstep.look()), [id], 'though the time of the folder is the same')
  },
)

void t.test('what waits already is passed over, and only that', async (t) => {
  const clock = new FastClock()
  const { doorstep, waiting, put } = step(t, clock)
  const [one, other] = [sealed(), sealed()]
  put(one.name)
  t.strictSame(known(doorstep.look()), [one.id])
  waiting.add(one.name)
  put(other.name)
  put('by-hand')
  clock.run(60_000)
  t.strictSame(known(doorstep.look()), [other.id])
  waiting.delete(one.name)
  clock.run(60_000)
  const found = doorstep.look()
  t.strictSame(known(found)?.toSorted(), [one.id, other.id].toSorted())
})

void t.test(
  'a folder whose time stands still is read all the same every few seconds',
  async (t) => {
    const clock = new FastClock()
    const { doorstep, put, path } = step(t, clock)
    settle(path)
    t.ok(doorstep.look())
    // However long that took here, the next one is not too dear.
    clock.run(60_000)
    const { name, id } = sealed()
    put(name)
    settle(path)
    t.ok(doorstep.look())
    clock.run(1_000)
    t.equal(doorstep.look(), undefined, 'nothing seems to have changed')
    clock.run(5_000)
    t.strictSame(known(doorstep.look()), [id])
  },
)

void t.test(
  'a look that was dear is not repeated at once, and is not forgotten',
  async (t) => {
    const clock = new FastClock()
    let cost = 0
    // Each question of the time takes a while: so does the look in between.
    const slow = { now: clock.now, monotonic: () => (clock.run(cost), clock.monotonic()) }
    const { doorstep, put } = step(t, slow)
    cost = 100
    doorstep.look()
    cost = 0
    t.equal(doorstep.nextLook, undefined, 'nobody wants one')
    const { name, id } = sealed()
    put(name)
    t.equal(doorstep.look(), undefined)
    const wait = doorstep.nextLook! - clock.now()
    t.ok(wait > 2_800 && wait < 3_100, `in ${wait} ms`)
    t.ok(doorstep.owesLook)
    clock.run(wait)
    t.strictSame(known(doorstep.look()), [id])
    t.equal(doorstep.nextLook, undefined)
    t.notOk(doorstep.owesLook)
  },
)

void t.test(
  'a file made by hand shows after two seconds of rest, and says when',
  async (t) => {
    const clock = new FastClock()
    const { doorstep, put, path } = step(t, clock)
    put('mine')
    t.strictSame(strange(doorstep.look()), [])
    const wait = doorstep.nextLook! - clock.now()
    t.ok(wait > 1_900 && wait < 2_100, `in ${wait} ms`)
    clock.run(1_000)
    writeFileSync(path('mine'), 'more')
    t.strictSame(strange(doorstep.look()), [])
    clock.run(1_500)
    t.strictSame(strange(doorstep.look()), [], 'it rests anew')
    clock.run(600)
    t.strictSame(strange(doorstep.look()), ['mine'])
    rmSync(path('mine'))
    clock.run(1_000)
    t.strictSame(strange(doorstep.look()), [])
    t.equal(doorstep.nextLook, undefined)
  },
)

void t.test('a file that was there long before us has rested', async (t) => {
  const clock = new FastClock()
  const { doorstep, put } = step(t, clock)
  put('mine')
  clock.pass(60_000)
  t.strictSame(strange(doorstep.look()), ['mine'])
})

void t.test('what is no file need not rest', async (t) => {
  const { doorstep, path } = step(t)
  mkdirSync(path('folder'))
  t.strictSame(strange(doorstep.look()), ['folder'])
})

void t.test('what could not be taken is shown again later, whatever it is', async (t) => {
  const clock = new FastClock()
  const { doorstep, put, path } = step(t, clock)
  mkdirSync(path('folder'))
  const { name, id } = sealed()
  put(name)
  doorstep.look()
  doorstep.again('folder', 60_000)
  doorstep.again(name, 60_000)
  clock.run(30_000)
  const found = doorstep.look()
  t.strictSame([known(found), strange(found)], [[], []])
  clock.run(33_000)
  doorstep.look()
  clock.run(2_100)
  t.strictSame(strange(doorstep.look())?.toSorted(), [name, 'folder'].toSorted())
  doorstep.welcome(name)
  clock.run(1_000)
  t.strictSame(known(doorstep.look()), [id], 'until it proves to be a message')
})

void t.test('a file that changes its name is another file', async (t) => {
  const clock = new FastClock()
  const { doorstep, put, path } = step(t, clock)
  put('one')
  doorstep.look()
  clock.run(1_500)
  renameSync(path('one'), path('two'))
  t.strictSame(strange(doorstep.look()), [])
  clock.run(1_500)
  t.strictSame(strange(doorstep.look()), [])
  clock.run(600)
  t.strictSame(strange(doorstep.look()), ['two'])
})

void t.test(
  'once somebody gives hints, what changes without one is no reason to look',
  async (t) => {
    const clock = new FastClock()
    const { doorstep, put } = step(t, clock)
    const [first, second, third] = [sealed(), sealed(), sealed()]
    put(first.name)
    t.strictSame(known(doorstep.look()), [first.id])
    put(second.name)
    clock.pass(10_000)
    t.equal(known(doorstep.look())?.length, 2, 'nobody gives hints yet')
    doorstep.hint()
    clock.pass(10_000)
    t.ok(doorstep.look())
    put(third.name)
    clock.pass(10_000)
    t.equal(doorstep.look(), undefined)
    doorstep.hint()
    t.equal(known(doorstep.look())?.length, 3)
  },
)

void t.test('a hint while a look would be too dear is kept', async (t) => {
  let ms = 0
  // Each look takes a second.
  const clock = { now: Date.now, monotonic: () => (ms += 500) }
  const { doorstep, put } = step(t, clock)
  doorstep.hint()
  doorstep.look()
  put(sealed().name)
  doorstep.hint()
  t.equal(doorstep.look(), undefined)
  t.ok(doorstep.nextLook)
  ms += 60_000
  t.ok(doorstep.look())
})

void t.test('a look that failed has answered no hint', async (t) => {
  const clock = new FastClock()
  const { doorstep, put, path } = step(t, clock)
  doorstep.hint()
  doorstep.look()
  rmSync(path('.'), { recursive: true })
  clock.pass(10_000)
  doorstep.hint()
  t.throws(() => doorstep.look())
  mkdirSync(path('.'))
  const { name, id } = sealed()
  put(name)
  clock.pass(10_000)
  t.strictSame(known(doorstep.look()), [id], 'nobody has to ring again')
})

void t.test('where a look is dear, what was rung for goes before it', (t) => {
  // Each question for the time takes so much of it.
  let [took, ran] = [0, 0]
  const clock = { now: () => Date.now() + ran, monotonic: () => (ran += took) }
  const pass = (ms: number) => (ran += ms)
  const { doorstep, waiting, put, ring } = step(t, clock)
  const [first, second] = [sealed(), sealed()]
  ring(first.name)
  t.equal(doorstep.rung(), undefined, 'a look at a short folder costs as little')
  took = 2
  doorstep.look()
  took = 0
  pass(10_000)
  t.equal(doorstep.rung(), undefined, 'without a hint nothing rang')
  doorstep.hint()
  t.equal(doorstep.rung()?.id, first.id)
  t.equal(doorstep.rung(), undefined, 'once')
  t.equal(doorstep.look(), undefined, 'and the look waits')
  const wait = doorstep.nextLook! - clock.now()
  t.ok(wait > 0 && wait < 20, `${wait} ms`)
  put(first.name)
  put(second.name)
  ring(second.name)
  pass(wait)
  t.equal(doorstep.rung(), undefined, 'but for no other ring')
  t.strictSame(known(doorstep.look())?.toSorted(), [first.id, second.id].toSorted())
  took = 2
  pass(10_000)
  doorstep.look()
  took = 0
  pass(10_000)
  for (const line of ['', 'x', '../../etc/passwd', 'x'.repeat(100_000), `.${first.name}`]) {
    ring(line)
    doorstep.hint()
    t.equal(doorstep.rung(), undefined, line.slice(0, 20))
  }
  ring(second.name)
  waiting.add(second.name)
  t.equal(doorstep.rung(), undefined, 'nor for what waits already')
  t.end()
})
