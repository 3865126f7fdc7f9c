/**
 * judge - lays a state of the disk out as a spool, starts the real engine on it, and says what
 * became of each message.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import type { Clock } from '../../src/base/clock.ts'
import { parseEnvelope } from '../../src/message/envelope.ts'
import type { Envelope } from '../../src/message/envelope.ts'
import { makeSpool, openEngine } from '../../src/queue/open.ts'
import type { Lease } from '../../src/queue/queue.ts'
import { parseName } from '../../src/queue/spool/name.ts'
import { Defect, readMessage } from '../../src/queue/spool/read.ts'
import { isKey, takeCensus } from '../crash/census.ts'
import type { State } from './states.ts'
import { isMessage, markOf } from './watch.ts'
import type { Promised } from './watch.ts'

export interface Judgement {
  /** Promised and not there, there and not whole, or not where a command said that it is. */
  readonly lost: readonly string[]
  /** There twice, handed out with another body, or deleted and back. */
  readonly wrong: readonly string[]
  /** Files torn by the cut: under a staged name, or under that of a message. */
  readonly tornStaged: number
  readonly tornNamed: number
  /** Of those under the name of a message, how many went to corrupt/. */
  readonly recognised: number
  /** Messages that are there, and that the receiver has (or may have). */
  readonly repeats: number
  readonly wire: number
}

/** A hand-made file has rested by then (ms). */
const REST = 2_500

/** Judges one state. `root` is a folder that is ours; the spool is at `spool` in it. */
export async function judge(
  state: State,
  promised: readonly Promised[],
  root: string,
  spool: string,
): Promise<Judgement> {
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  const paths = [...state.keys()].toSorted()
  for (const path of paths) {
    const content = state.get(path)
    if (content === undefined) mkdirSync(join(root, path), { recursive: true })
    else writeFileSync(join(root, path), content, { mode: 0o640 })
  }
  // What never was a message is not torn by the cut.
  const never = promised
    .filter((it) => isSure(it) && envelopeOf(it.original) === undefined)
    .map(({ mark }) => mark)
  const torn = paths.filter(
    (path) =>
      isTorn(path, state, join(root, path)) &&
      (isStaged(path) || !never.includes(markOf(state.get(path)) ?? '')),
  )
  const tornStaged = torn.filter(isStaged).length
  const report = new Report(promised, state)
  const home = join(root, spool)
  const leases = await serve(home)
  report.leased(leases)
  report.found(home)
  const tornNamed = torn.length - tornStaged
  const { corrupt } = report
  return {
    ...report.sum(),
    tornStaged,
    tornNamed,
    recognised: Math.min(tornNamed, corrupt),
  }
}

/** Whether it has the name of a message or of a staged one, and is none that is whole. */
function isTorn(path: string, state: State, file: string): boolean {
  if (state.get(path) === undefined || isKeys(path)) return false
  if (parseName(basename(path)) === undefined && !isStaged(path)) return false
  try {
    readMessage(file)
    return false
  } catch (error) {
    return error instanceof Defect
  }
}

/** Starts the engine, takes all that is due, and again when what was made by hand has rested. */
async function serve(home: string): Promise<{ lease: Lease; body: Buffer | undefined }[]> {
  // As msgqd does when it starts.
  await makeSpool(home)
  let later = 0
  const clock: Clock = {
    now: () => Date.now() + later,
    monotonic: () => performance.now() + later,
  }
  const engine = await openEngine(home, {
    clock,
    anyFilesystem: true,
    takeLock: () => Promise.resolve({ held: () => true, release: () => Promise.resolve() }),
  })
  const leases: { lease: Lease; body: Buffer | undefined }[] = []
  try {
    await engine.recover()
    for (; later <= 2 * REST; later += REST)
      for (const lease of await engine.claim({ room: () => Infinity, max: 1_000 })) {
        const body = await engine.readBody(lease)
        leases.push({
          lease,
          body: body?.kind === 'bytes' ? Buffer.from(body.bytes) : undefined,
        })
      }
  } finally {
    await engine.close()
  }
  return leases
}

class Report {
  readonly #promised: readonly Promised[]
  readonly #state: State
  readonly #lost: string[] = []
  readonly #wrong: string[] = []
  #repeats = 0
  #wire = 0
  corrupt = 0

  constructor(promised: readonly Promised[], state: State) {
    this.#promised = promised
    this.#state = state
    for (const [path, bytes] of state)
      if (isKeys(path) && bytes !== undefined && !isStaged(path))
        if (!isKey(basename(path), bytes)) this.#wrong.push(`${path} is torn`)
    for (const { mark, said } of promised) {
      if (said === undefined) continue
      const places = [...state]
        .filter(([path, bytes]) => isMessage(path) && markOf(bytes) === mark)
        .map(([path]) => basename(dirname(path)))
      if (said === 'gone' && places.length > 0) this.#wrong.push(`${mark} is back`)
      if (said !== 'gone' && !places.includes(said))
        this.#lost.push(`${mark} is not in ${said}`)
    }
  }

  /** What the engine handed out: each once, and nothing but what was sent. */
  leased(leases: readonly { lease: Lease; body: Buffer | undefined }[]): void {
    const ids = leases.map(({ lease }) => lease.id)
    if (new Set(ids).size < ids.length) this.#wrong.push('a message was leased twice')
    for (const { lease, body } of leases)
      if (body !== undefined && body.length !== lease.envelope.bytes)
        this.#wrong.push(`${lease.id} was leased torn`)
    for (const { lease } of leases) {
      const repeat = this.#promised.find(({ mark }) => mark === lease.envelope.subject)
      if (repeat?.repeats !== undefined)
        this.#wrong.push(`${repeat.mark} was leased, and repeats ${repeat.repeats}`)
    }
  }

  /** What lies in the spool now. */
  found(home: string): void {
    const { places, strays } = takeCensus(home)
    this.corrupt = [...places.values(), strays]
      .flat()
      .filter((place) => place.startsWith('corrupt/')).length
    for (const promised of this.#promised) {
      const { mark, mayBeGone, delivered, onWire } = promised
      const all = places.get(mark) ?? []
      if (all.length > (promised.twice ? 2 : 1))
        this.#wrong.push(`${mark} is ${all.join(' and ')}`)
      if (!isSure(promised)) continue
      if (all.length === 0 && !mayBeGone && !this.#isRepeat(promised, places))
        this.#lost.push(`${mark} is gone`)
      if (all.length === 0) continue
      if (delivered) this.#repeats++
      else if (onWire) this.#wire++
      const isOne = (place: string) => isWhole(join(home, place), promised)
      // What it was sent on as has an id of its own, and is the same but for that.
      if (promised.twice ? !all.every(isOne) : !isOne(all[0]!))
        this.#lost.push(`${mark} is not whole: ${all.join(' and ')}`)
    }
  }

  /** A repeat may be dropped when its first one is there, or was delivered. */
  #isRepeat({ repeats }: Promised, places: ReadonlyMap<string, unknown>): boolean {
    const first = this.#promised.find(({ mark }) => mark === repeats)
    if (first === undefined) return false
    return places.has(first.mark) || first.mayBeGone || !isSure(first)
  }

  sum(): { lost: string[]; wrong: string[]; repeats: number; wire: number } {
    const [lost, wrong] = [this.#lost, this.#wrong]
    if (lost.length + wrong.length > 0)
      lost.push(
        `on ${[...this.#state].map(([path, it]) => `${path} (${it?.length})`).join()}`,
      )
    return { lost, wrong, repeats: this.#repeats, wire: this.#wire }
  }
}

/** Whether a file is the message that was promised, or the bytes that never were one. */
function isWhole(path: string, { original, wasCorrupt, twice }: Sure): boolean {
  const sealed = envelopeOf(original)
  if (
    sealed === undefined &&
    readFileSync(path).subarray(0, original.length).equals(original)
  )
    return true
  if (sealed !== undefined && !wasCorrupt && path.includes('/corrupt/')) return false
  try {
    const { envelope } = readMessage(path)
    if (sealed !== undefined && twice && envelope.id !== sealed.id)
      return envelope.sha256 === sealed.sha256 && envelope.bytes === sealed.bytes
    if (sealed !== undefined) return JSON.stringify(envelope) === JSON.stringify(sealed)
    return original.length - original.indexOf('\n') - 1 === envelope.bytes
  } catch {
    return false
  }
}

type Sure = Promised & { readonly original: Buffer }

function isSure(promised: Promised): promised is Sure {
  return promised.original !== undefined
}

/** Undefined for what was made by hand, or is no message. */
function envelopeOf(bytes: Buffer): Envelope | undefined {
  try {
    return parseEnvelope(bytes.toString('utf8', 0, bytes.indexOf('\n')))
  } catch {
    return undefined
  }
}

/** A record of a key, or one that is being written. */
function isKeys(path: string): boolean {
  return basename(dirname(path)) === 'keys'
}

function isStaged(path: string): boolean {
  return basename(path).startsWith('.')
}
