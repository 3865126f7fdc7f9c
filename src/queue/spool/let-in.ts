/**
 * let-in - takes a file of another user from the doorstep, to be adopted.
 *
 * Its name and its envelope may lie. The id of its name counts, because `msgq send` has printed
 * it, unless it is another message's. What is not all there yet rests. Whatever is wrong with it
 * is found when it is sealed (adopt.ts). Throws what the system says of it; it then stays.
 */
import { lstatSync } from 'node:fs'
import type { Stats } from 'node:fs'

import { adoptName } from './adopt.ts'
import { putAside } from './aside.ts'
import { REST } from './doorstep.ts'
import { AGAIN } from './guests.ts'
import type { Guest, GuestDeps } from './guests.ts'
import { formatName, parseName } from './name.ts'
import { Defect, EDGE, Unsealed, readEnvelope } from './read.ts'
import type { Visitor } from './visitors.ts'

interface Deps extends Omit<GuestDeps, 'again'> {
  readonly nextId: () => string
}

/** What the doorkeeper does with it. */
export type LetIn =
  | { readonly kind: 'guest'; readonly guest: Guest; readonly bytes: number }
  | { readonly kind: 'rests' }
  | { readonly kind: 'gone' }

/** Fixes its id by its name in active/, and charges it to its author. */
export function letIn(deps: Deps, { file, uid, rested }: Visitor): LetIn {
  const { layout, mover, clock, claims, nextId, quota, messageSizeLimit } = deps
  const stat = lstatSync(layout.file('incoming', file))
  if (stat.isFile() && isUnfinished(deps, file, stat) && !rested) return { kind: 'rests' }
  const again = file.endsWith(AGAIN)
  const name = parseName(again ? file.slice(0, -AGAIN.length) : file)
  if (name !== undefined && isTaken(deps, name.id)) {
    putAside(deps, 'incoming', file, `another message has its id (was ${file})`)
    return { kind: 'gone' }
  }
  const fixed = adoptName(name?.id ?? nextId(), clock.now(), claims.nextToken())
  if (!mover.move('incoming', file, 'active', formatName(fixed))) return { kind: 'gone' }
  // What is too large is never copied, however large it says that it is.
  const bytes = stat.size > messageSizeLimit + EDGE ? 0 : stat.size
  if (stat.isFile()) quota.charge(fixed.id, uid, bytes)
  const guest = again ? { name: fixed } : { name: fixed, origin: file }
  return { kind: 'guest', guest, bytes }
}

/** Whether more of it may come, or the second of its two names may go, in a moment. */
function isUnfinished({ layout, clock }: Deps, file: string, stat: Stats): boolean {
  if (stat.nlink > 1) return true
  try {
    // Before it is moved: what may not be read stays where its author finds it.
    const { bytes } = readEnvelope(layout.file('incoming', file))
    return stat.size <= bytes && Math.abs(clock.now() - stat.mtimeMs) < REST
  } catch (error) {
    if (error instanceof Unsealed) return true
    if (error instanceof Defect) return false
    throw error
  }
}

/** An id is its first message's: no other one is to be taken for it. */
function isTaken({ agenda, claims, quota }: Deps, id: string): boolean {
  return agenda.get(id) !== undefined || claims.has(id) || quota.has(id)
}
