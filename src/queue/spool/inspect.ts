/**
 * inspect - reads a whole spool and says what is wrong with it. Changes nothing.
 *
 * Every message is read and proven, one at a time, whatever the number. Beside a daemon that
 * moves files meanwhile: what is gone when its turn comes is passed over, and two files with one
 * id count only while both are there. What lies in corrupt/ was judged already and is counted.
 */
import type { Dir } from 'node:fs'
import { opendir } from 'node:fs/promises'

import type { Clock } from '../../base/clock.ts'
import { isMissing, plainError } from '../../base/errno.ts'
import { NewerFormatError } from '../../message/envelope.ts'
import type { Envelope } from '../../message/envelope.ts'
import { STATES } from '../../message/state.ts'
import type { State } from '../../message/state.ts'
import { disagreement } from './judge.ts'
import { readWitness } from './clock-witness.ts'
import { errorAt, warningAt } from './finding.ts'
import type { Finding } from './finding.ts'
import { inspectGround, statOf } from './inspect-ground.ts'
import type { GroundOptions } from './inspect-ground.ts'
import { Layout } from './layout.ts'
import { currentHolder } from './lock.ts'
import { isStaged, isWriters, parseName } from './name.ts'
import type { Name } from './name.ts'
import { Defect, Unsealed, bodyOf, readMessage } from './read.ts'
import { Sieve } from './repeats.ts'
import { Strangers } from './strangers.ts'
import { compareTwins } from './twins.ts'

export interface InspectOptions extends GroundOptions {
  readonly clock: Clock
  /** Hears of each message that proved itself. */
  readonly onMessage?: (state: State, lane: string, envelope: Envelope) => void
}

interface Inspection extends InspectOptions {
  readonly layout: Layout
  /** The uid that the spool belongs to. */
  readonly owner: number
  readonly ids: Sieve
  readonly strangers: Strangers
}

/** Staged files older than this are a dead writer's (ms). */
const DAY = 86_400_000
const REPAIR = 'msgq check --repair'
const ASIDE = `${REPAIR} puts it into corrupt/, with the reason`

/** Says what is wrong with a spool, as it is found. */
export async function* inspectSpool(
  spool: string,
  options: InspectOptions,
): AsyncGenerator<Finding> {
  const layout = new Layout(spool)
  const { findings, owner } = inspectGround(layout, options)
  yield* findings
  if (owner === undefined) return
  const ids = new Sieve()
  const strangers = new Strangers()
  const inspection = { ...options, layout, owner, ids, strangers }
  yield* inspectClock(layout)
  for (const state of STATES) yield* inspectState(state, inspection)
  yield* inspectTwins(layout, ids)
}

async function* inspectState(
  state: State,
  inspection: Inspection,
): AsyncGenerator<Finding> {
  let corrupt = 0
  for await (const file of filesIn(inspection.layout, state)) {
    const name = parseName(file)
    if (name !== undefined && state !== 'corrupt') inspection.ids.add(name.id)
    if (state === 'corrupt' && name !== undefined) corrupt++
    else yield* inspectFile(state, file, name, inspection)
  }
  yield* inspection.strangers.findings(state, inspection)
  yield* inspectActive(state, inspection)
  if (corrupt > 0)
    yield warningAt(
      'corrupt/',
      `${corrupt} message${corrupt === 1 ? '' : 's'} put aside`,
      'msgq mailq --state corrupt',
    )
}

/** Names in a folder; none where it cannot be opened, which inspect-ground has said. */
async function* filesIn(layout: Layout, state: State): AsyncGenerator<string> {
  let folder: Dir
  try {
    folder = await opendir(layout.folder(state), { bufferSize: 1024 })
  } catch {
    return
  }
  for await (const { name } of folder) yield name
}

async function* inspectFile(
  state: State,
  file: string,
  name: Name | undefined,
  inspection: Inspection,
): AsyncGenerator<Finding> {
  const where = `${state}/${file}`
  const stat = statOf(inspection.layout.file(state, file))
  if (stat === undefined) return
  if (isStaged(file)) {
    yield* ofStaged(state, file, inspection.clock.now() - stat.ctimeMs)
    return
  }
  if (name === undefined || (name.claim !== undefined && state !== 'active')) {
    yield ofStrange(state, where)
    return
  }
  const finding = await prove(state, file, name, inspection)
  if (finding !== undefined) yield finding
  else {
    if (stat.nlink > 1) yield warningAt(where, `has ${stat.nlink} names (hard links)`)
    inspection.strangers.note(where, stat, inspection.owner)
  }
}

/** What has a dot is being written, or was, by somebody who died. */
function* ofStaged(state: State, file: string, age: number): Generator<Finding> {
  const goes = state === 'incoming' || (state === 'active' && isOurCopy(file))
  if (goes && age < DAY) return
  const now = isWriters(file) || state === 'active' ? `, ${REPAIR} now` : ''
  const hint = goes ? `msgqd removes it by itself${now}` : undefined
  yield warningAt(`${state}/${file}`, "is nobody's message: it has a dot", hint)
}

/** Of an adoption or a fan-out that a crash cut short: the next recovery removes it. */
function isOurCopy(file: string): boolean {
  return isWriters(file) || file.startsWith('.fan-')
}

function ofStrange(state: State, where: string): Finding {
  if (state === 'incoming')
    return warningAt(where, 'was made by hand and waits for msgqd to take it in')
  if (state === 'active' || state === 'deferred')
    return warningAt(where, 'has no name of msgq', AS_MADE_BY_HAND)
  return errorAt(
    where,
    'has no name of msgq, so that no command finds it',
    state === 'corrupt'
      ? `${REPAIR} gives it one`
      : `${REPAIR} moves it into incoming/, to be taken in`,
  )
}

const AS_MADE_BY_HAND = 'msgqd takes it in as if it were made by hand'

async function prove(
  state: State,
  file: string,
  name: Name,
  { layout, onMessage }: Inspection,
): Promise<Finding | undefined> {
  const where = `${state}/${file}`
  const path = layout.file(state, file)
  try {
    const message = readMessage(path)
    await bodyOf(path, message)
    const contradiction = disagreement(name, message)
    if (contradiction !== undefined) return errorAt(where, contradiction, ASIDE)
    onMessage?.(state, name.lane, message.envelope)
    return undefined
  } catch (error) {
    return ofFailure(where, error)
  }
}

/** Why a message did not prove itself; undefined when it is gone by now. */
function ofFailure(where: string, error: unknown): Finding | undefined {
  if (isMissing(error)) return undefined
  if (error instanceof Defect) return errorAt(where, error.message, ASIDE)
  if (error instanceof Unsealed)
    return warningAt(where, 'was never sealed', AS_MADE_BY_HAND)
  if (error instanceof NewerFormatError) return warningAt(where, error.message, error.hint)
  return errorAt(where, `cannot be read: ${plainError(error)}`)
}

async function* inspectTwins(layout: Layout, ids: Sieve): AsyncGenerator<Finding> {
  if (!ids.anySuspect) return
  const places = new Map<string, string[]>()
  for (const state of STATES.filter((one) => one !== 'corrupt'))
    for await (const file of filesIn(layout, state)) {
      const id = parseName(file)?.id
      if (id === undefined || !ids.mayRepeat(id)) continue
      places.set(id, [...(places.get(id) ?? []), `${state}/${file}`])
    }
  for (const [id, all] of places) {
    const [first, ...others] = all.filter((place) => statOf(`${layout.root}/${place}`))
    for (const other of others)
      yield errorAt(
        id,
        `is there twice: ${first} and ${other}`,
        twinHint(layout, first!, other),
      )
  }
}

function twinHint(layout: Layout, first: string, other: string): string {
  const path = (place: string) => `${layout.root}/${place}`
  try {
    const verdict = compareTwins(path(first), path(other))
    if (verdict === 'neither') return `they differ: ${REPAIR} puts one into corrupt/`
    const less = verdict === 'first' ? other : first
    return `all of ${less} stands in the other: ${REPAIR} removes it`
  } catch (error) {
    return plainError(error)
  }
}

/** What a dead daemon had in its hands; beside one that lives that is nobody's business. */
async function* inspectActive(
  state: State,
  { layout, clock }: Inspection,
): AsyncGenerator<Finding> {
  if (state !== 'active') return
  let left = 0
  for await (const file of filesIn(layout, state)) if (!isStaged(file)) left++
  if (left === 0 || currentHolder(layout, clock) !== undefined) return
  const what = `${left} under way when msgqd ended`
  yield warningAt('active/', what, `msgqd puts them back when it starts, ${REPAIR} now`)
}

function* inspectClock(layout: Layout): Generator<Finding> {
  const doubtedAt = readWitness(layout)?.doubtedAt
  if (doubtedAt === undefined) return
  const since = new Date(doubtedAt).toISOString()
  const hint = 'msgq check --clock-ok, if the clock is right now'
  yield warningAt('clock', `in doubt since ${since}: nothing expires`, hint)
}
