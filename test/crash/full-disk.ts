/**
 * full-disk - a real disk that fills up and is emptied again under a daemon that goes on.
 *
 * What was accepted is delivered and deferred while nothing more fits; senders are told 75, and
 * leave nothing behind; and with room again all works, without a restart.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { takeCensus } from './census.ts'
import { Ground } from './ground.ts'
import type { Ran, Running } from './program.ts'
import { SmallDisk } from './small-disk.ts'
import type { Outcome, Wrong } from './wrong.ts'

const MIB = 1024 * 1024
const PATIENCE = 30_000

/** Fills a disk under a daemon, and empties it again. */
export async function fullDisk(below: string): Promise<Outcome> {
  const disk = SmallDisk.mount(below)
  const ground = await Ground.make(below, disk.root)
  try {
    const story = new Story(ground, disk)
    await story.tell()
    const { wrongs, refused } = story
    const ended = `${refused} sends refused with 75, no restart`
    return { role: undefined, what: 'ENOSPC', ended, wrongs, repeats: 0, staged: 0 }
  } finally {
    await ground.close()
    disk.unmount()
  }
}

class Story {
  readonly wrongs: Wrong[] = []
  refused = 0
  readonly #ground: Ground
  readonly #disk: SmallDisk

  constructor(ground: Ground, disk: SmallDisk) {
    this.#ground = ground
    this.#disk = disk
  }

  async tell(): Promise<void> {
    const ground = this.#ground
    await ground.makeSpool()
    ground.receiver.answer = 503
    const ran = await ground.run({
      ...{ program: 'msgqd', words: [], idle: true, patience: 180_000 },
      drive: async (running) => {
        await running.said(/"event":"start"/)
        try {
          await this.#fillAndEmpty(running)
        } finally {
          running.signal('SIGTERM')
        }
      },
    })
    this.#expect(ran.code === 0, `msgqd: exit ${ran.code}: ${ran.err}`)
    await this.#startOnFullDisk()
    const { places, strays, staged } = takeCensus(ground.spool)
    for (const mark of ground.receiver.garbled) this.#expect(false, `garbled: ${mark}`)
    for (const stray of [...strays, ...staged, ...places.keys()])
      this.#expect(false, `left: ${stray}`)
    const check = await ground.msgq('check')
    this.#expect(check.code === 0, `check: ${check.out}`)
  }

  async #fillAndEmpty(running: Running): Promise<void> {
    for (const mark of ['mark-1', 'mark-2', 'mark-3', 'mark-4']) await this.#queued(mark)
    await this.#until('all wait', () => this.#count('deferred,1,') === 4)

    this.#disk.fill(MIB)
    await this.#refusedNow('mark-5', 2 * MIB)
    this.#disk.fill()
    for (const mark of ['mark-5', 'mark-6']) await this.#refusedNow(mark, 5)

    for (const mark of ['mark-1', 'mark-2']) this.#ground.receiver.answers.set(mark, [200])
    await this.#ground.msgq('flush')
    await this.#until('it delivers while the disk is full', () => this.#arrived() === 2)
    await this.#until('and it defers', () => this.#count('deferred,2,') === 2)
    this.#expect(running.alive(), 'the daemon has ended')

    this.#disk.empty()
    this.#disk.fillInodes()
    await this.#refusedNow('mark-6', 5)

    this.#disk.empty()
    this.#ground.receiver.answer = 200
    await this.#queued('mark-5')
    await this.#ground.msgq('flush')
    await this.#until('all arrive with room again', () => this.#arrived() === 5)
    this.#expect(running.alive(), 'the daemon has ended')
  }

  /** A daemon that starts while nothing fits has to deliver, which is what makes room. */
  async #startOnFullDisk(): Promise<void> {
    await this.#queued('mark-7')
    this.#disk.fill()
    const once = await this.#ground.run({ program: 'msgqd', words: ['--once'] })
    this.#expect(once.code === 0, `on a full disk: exit ${once.code}: ${once.err}`)
    this.#disk.empty()
    await this.#ground.run({ program: 'msgqd', words: ['--once'] })
    this.#expect(this.#arrived() === 6, 'the last message did not arrive')
    this.#ground.configure({ minFree: '1GiB' })
    await this.#refusedNow('mark-8', 5)
    // The disk has fewer inodes than must stay free.
    this.#ground.configure({ minFree: '1KiB' })
    await this.#refusedNow('mark-8', 5, /inodes free/)
    this.#ground.configure()
  }

  async #send(mark: string, bytes: number): Promise<Ran> {
    const { folder, receiver } = this.#ground
    const body = 'x'.repeat(bytes)
    writeFileSync(join(folder, 'body'), body)
    receiver.bodies.set(mark, body)
    const words = ['send', `${receiver.url}/${mark}`, '-s', mark, '-d', '@body']
    return this.#ground.run({ program: 'msgq', words, idle: true })
  }

  async #queued(mark: string): Promise<void> {
    const { code, err } = await this.#send(mark, 5)
    this.#expect(code === 0, `${mark}: exit ${code}: ${err}`)
  }

  /** Refused with 75 and one clear line, and nothing is left of it. */
  async #refusedNow(mark: string, bytes: number, why = /no space left on device|free/) {
    const { code, out, err } = await this.#send(mark, bytes)
    const [line = ''] = err.split('\n')
    const clear = line.startsWith('msgq: send: spool: ') && why.test(line)
    this.#expect(code === 75 && out === '' && clear, `${mark}: exit ${code}: ${err}`)
    const { places, staged } = takeCensus(this.#ground.spool)
    this.#expect(!places.has(mark), `${mark} was refused, and is there`)
    this.#expect(staged.length === 0, `left: ${staged.join()}`)
    this.refused++
  }

  #arrived(): number {
    const marks = Array.from({ length: 8 }, (_, n) => `mark-${n + 1}`)
    return marks.filter((mark) => this.#ground.receiver.idsOf(mark).length === 1).length
  }

  /** How many messages are in a state, tried so often. */
  #count(stateAndTries: string): number {
    const [state = '', tries = ''] = stateAndTries.split(',')
    const all = [...takeCensus(this.#ground.spool).places.values()].flat()
    return all.filter(
      (place) => place.startsWith(`${state}/`) && place.includes(`Z,${tries},`),
    ).length
  }

  async #until(what: string, done: () => boolean): Promise<void> {
    const end = performance.now() + PATIENCE
    while (!done() && performance.now() < end) await sleep(50)
    this.#expect(done(), `in vain: ${what}`)
  }

  #expect(isSo: boolean, text: string): void {
    if (!isSo) this.wrongs.push({ kind: 'other', text })
  }
}
