/**
 * act-one - what an operator does to one message: the move that its state allows, and its line.
 *
 * Never throws: why it was not done is what comes of it. That the folders are synced is left to
 * the caller, who is told which they are.
 */
import type { Clock } from '../../base/clock.ts'
import { plainError } from '../../base/errno.ts'
import type { Selector } from '../../message/selector.ts'
import type { State } from '../../message/state.ts'
import type { Act, ActOptions } from '../queue.ts'
import { planAct } from '../states.ts'
import type { Move } from '../states.ts'
import { Grip } from './grip.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { formatName } from './name.ts'
import type { Spotted } from './roster.ts'

/** Fates that are no reasons. */
export const DONE = ''
export const MOVED = ' '

export interface Tools {
  readonly layout: Layout
  readonly mover: Mover
  readonly clock: Clock
}

interface Meant {
  readonly act: Act
  readonly selector: Selector
  readonly options: ActOptions
  /** Folders that something came into or left. */
  readonly touched: Set<State>
}

/** Acts on one message: DONE, MOVED where somebody was faster, or why not. */
export function actOnOne(
  { act, selector, options, touched }: Meant,
  spotted: Spotted,
  { layout, mover, clock }: Tools,
): string {
  const { entry, file } = spotted
  const { named = selector.ids !== undefined } = options
  // What goes for good needs no line, and its file no look.
  const grip = act === 'delete' ? undefined : new Grip(layout.file(entry.state, file))
  try {
    const plan = planAct(act, entry, {
      now: clock.now(),
      notBefore: named || !asksNotBefore(act, spotted) ? undefined : grip?.notBefore(),
      named,
      by: options.by,
      reason: options.reason,
    })
    if (typeof plan === 'string') return plan
    if (options.dryRun) return DONE
    return make(spotted, plan, grip, touched, mover) ? DONE : MOVED
  } catch (error) {
    return plainError(error)
  } finally {
    grip?.close()
  }
}

/** True where the sender's own time counts, for the acts that must not send before it. */
function asksNotBefore(act: Act, { entry }: Spotted): boolean {
  if (act !== 'flush' && act !== 'requeue') return false
  // An attempt was made, so its time has come long ago; and then the file need not be read.
  return !(entry.tries > 0 && entry.state === 'deferred')
}

/**
 * Makes the move; false when somebody was faster. The trail line goes through a descriptor
 * that was opened before the rename, so that it finds the file wherever the daemon takes it
 * next. From hold, bounce and corrupt, where nobody else moves files, the line goes first:
 * a daemon that claims at once must already read that the lifetime began anew.
 */
function make(
  { entry, name, file }: Spotted,
  plan: Move,
  grip: Grip | undefined,
  touched: Set<State>,
  mover: Mover,
): boolean {
  touched.add(entry.state)
  if (plan.to === 'gone') return mover.remove(entry.state, file)
  touched.add(plan.to)
  const target = formatName({ ...name, due: plan.due, tries: plan.tries })
  const lineFirst = entry.state !== 'incoming' && entry.state !== 'deferred'
  grip?.open()
  if (lineFirst) grip?.write(plan.line)
  if (mover.move(entry.state, file, plan.to, target) === undefined) return false
  if (!lineFirst) grip?.write(plan.line)
  return true
}
