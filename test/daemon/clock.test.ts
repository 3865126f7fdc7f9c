/**
 * clock - a daemon on a real spool whose wall clock jumps: nothing bounces, and nothing hangs.
 */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'

import { startSink } from '../../src/cli/sink.ts'
import type { SinkSetup } from '../../src/cli/sink-server.ts'
import { systemEnvironment } from '../../src/config/find.ts'
import { loadConfig } from '../../src/config/load.ts'
import { Daemon } from '../../src/daemon/daemon.ts'
import type { Draft } from '../../src/message/draft.ts'
import { idMaker } from '../../src/message/id.ts'
import { openOutbox } from '../../src/queue/open.ts'
import { parseName } from '../../src/queue/spool/name.ts'
import { Diary, until } from '../delivery/support.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const YEAR = 365 * DAY

class Jumpy {
  ahead = 0
  readonly now = () => Date.now() + this.ahead
  readonly monotonic = () => performance.now()
}

class House {
  readonly clock = new Jumpy()
  readonly diary = new Diary()
  readonly spool: string
  readonly #toml: string
  #daemon: Daemon | undefined

  constructor(t: Test, url: string, retry = 'max = "1h"') {
    // Before testdir, whose own teardown takes the folder away.
    t.teardown(() => this.stop())
    const folder = t.testdir({})
    this.spool = join(folder, 'spool')
    this.#toml = join(folder, 'msgq.toml')
    writeFileSync(
      this.#toml,
      `spool = "spool"\nany_filesystem = true\n[send]\nmin_free = 0\n[retry]\nmin = "100ms"\nlifetime = "1d"\n${retry}\n[destinations.crm]\ntype = "http"\nurl = "${url}"\n`,
    )
  }

  async start(): Promise<Daemon> {
    const { clock, diary: log } = this
    const config = loadConfig(systemEnvironment(), { config: this.#toml })
    const onFenced = () => {}
    this.#daemon = await Daemon.start({ config, clock, log, env: {}, onFenced })
    await this.#daemon.run()
    return this.#daemon
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop()
    this.#daemon = undefined
  }

  async send(more: Partial<Draft> = {}): Promise<string> {
    const { clock } = this
    const outbox = await openOutbox(this.spool, {
      clock,
      anyFilesystem: true,
      nextId: idMaker(clock.now, (bytes) => crypto.getRandomValues(bytes)),
    })
    const draft = { to: 'crm', ...more }
    return outbox.enqueue({ draft, body: Buffer.from('hello'), sender: { uid: 0 } })
  }

  files(state: string): string[] {
    return readdirSync(join(this.spool, state)).filter((name) => !name.startsWith('.'))
  }

  /** Until nothing waits but what is in this state. */
  async all(state: string, count: number): Promise<void> {
    const there = () => this.files(state).length === count
    await until(there, `${count} in ${state}`)
  }
}

async function world(t: Test, setup: SinkSetup = {}, retry?: string) {
  const sink = await startSink({ port: 0, ...setup })
  t.teardown(() => sink.close())
  return { sink, house: new House(t, sink.url, retry) }
}

t.test(
  'finding 6: a clock a year ahead bounces nothing, and all arrives once it is right',
  async (t) => {
    const { sink, house } = await world(t, { answers: ['503,503,503,200'] })
    const daemon = await house.start()
    const { clock, diary } = house
    const soon = new Date(clock.now() + HOUR).toISOString()
    await house.send({ expiresAt: soon })
    await house.send()
    await house.all('deferred', 2)
    clock.ahead += YEAR
    await house.send({ expiresAt: soon })
    // Looked at and put back, while the others are tried and fail, or arrive.
    await until(() => diary.of('postponed').length === 2, 'nothing expires')
    t.same(house.files('bounce'), [])
    t.match(daemon.status().clock, { stepMs: Number })
    t.match(diary.of('clock'), [
      { level: 'warn', message: /the clock went 36[45]d forward/ },
    ])
    clock.ahead -= YEAR
    await house.send()
    await until(() => sink.accepted.size === 4, 'all arrive')
    await house.all('deferred', 0)
    t.same(house.files('bounce'), [])
    t.same(diary.of('clock').filter(({ level }) => level === 'warn').length, 2)
  },
)

t.test(
  'finding 6: a clock that goes back a day leaves nothing behind in the future',
  async (t) => {
    const { sink, house } = await world(t, { answers: ['503:7200,200'] })
    const daemon = await house.start()
    const { clock, diary } = house
    const later = new Date(clock.now() + 2 * DAY).toISOString()
    await house.send({ notBefore: later })
    await house.send()
    await until(() => diary.of('attempt').length === 1, 'one attempt')
    await house.all('deferred', 2)
    clock.ahead -= DAY
    // Its lane is closed until tomorrow, by the clock of before. Who asks has it looked at.
    t.ok(daemon.status().clock)
    await until(
      () => diary.of('clock').some(({ fields }) => fields['pulled'] === 1),
      'pulled in',
    )
    await house.all('incoming', 0)
    const dues = house
      .files('deferred')
      .map((file) => parseName(file)!.due)
      .toSorted()
    t.ok(dues[0]! > clock.now() + 7_100_000, 'the receiver is heard')
    t.ok(dues[0]! <= clock.now() + 7_200_000, 'and no more than that')
    t.equal(dues[1], Date.parse(later), 'what its sender scheduled keeps its time')
    await house.send()
    await until(() => sink.accepted.size === 1, 'the lane is open')
  },
)

t.test('finding 6: started after a life with a clock a year ahead', async (t) => {
  const { sink, house } = await world(t, { answers: ['503:7200,200'] })
  const { clock, diary } = house
  clock.ahead = YEAR
  await house.start()
  await house.send()
  await house.all('deferred', 1)
  // Accepted while nobody served it.
  await house.stop()
  await house.send()
  clock.ahead = 0
  const daemon = await house.start()
  t.match(daemon.status().clock, { stepMs: Number })
  await until(() => sink.accepted.size === 1, 'what was never tried goes out now')
  await house.all('deferred', 1)
  const [file] = house.files('deferred')
  t.ok(parseName(file!)!.due <= clock.now() + 7_200_000)
  t.equal(await daemon.confirmClock(), true)
  t.equal(daemon.status().clock, undefined)
  t.match(diary.of('clock').at(-1), { level: 'info', fields: { believed: true } })
  const kept = JSON.parse(readFileSync(join(house.spool, 'run/clock.json'), 'utf8'))
  t.ok(Math.abs(Date.parse(kept.at) - clock.now()) < HOUR)
  t.equal(kept.doubtedAt, undefined)
  await house.stop()
  t.equal((await house.start()).status().clock, undefined, 'nor is it doubted again')
})

t.test('a start in doubt delivers nothing before it knows what is suspended', async (t) => {
  const { sink, house } = await world(t)
  const { clock } = house
  clock.ahead = YEAR
  await house.start()
  writeFileSync(join(house.spool, 'suspended/crm'), '')
  await house.stop()
  clock.ahead = 0
  await house.send()
  const daemon = await house.start()
  t.match(daemon.status(), { clock: { stepMs: Number } })
  await sleep(200)
  t.equal(sink.accepted.size, 0)
  rmSync(join(house.spool, 'suspended/crm'))
  await until(() => sink.accepted.size === 1, 'resumed, it goes out')
})

t.test(
  'finding 6: a machine that was off for a week tries before anything expires',
  async (t) => {
    const { sink, house } = await world(t, { answers: ['503,200'] })
    await house.start()
    await house.send({ expiresAt: new Date(house.clock.now() + HOUR).toISOString() })
    await house.send()
    await house.stop()
    house.clock.ahead += 7 * DAY
    const daemon = await house.start()
    t.ok(daemon.status().clock)
    await until(() => sink.accepted.size >= 1, 'past its lifetime, and tried')
    t.same(house.files('bounce'), [])
  },
)

t.test('dues far in the future wait, and keep no other waiting', async (t) => {
  const { sink, house } = await world(t)
  await house.start()
  const { clock } = house
  const iso = (ms: number) => new Date(ms).toISOString()
  await house.send({ notBefore: iso(clock.now() + 40 * DAY) })
  await house.send({ notBefore: '9999-12-31T23:59:59.999Z' })
  await house.all('deferred', 2)
  await house.send()
  await until(() => sink.accepted.size === 1, 'the one that is due')
  // Longer than the longest timer, which would fire at once.
  const used = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const { user, system } = process.cpuUsage(used)
  t.ok(user + system < 900_000, 'nothing spins meanwhile')
  // The wall clock alone: to the lock 41 days without a heartbeat are an owner who is gone.
  clock.ahead += 41 * DAY
  await until(() => sink.accepted.size === 2, 'its time came')
  await house.all('deferred', 1)
})
