/**
 * diagnosis - what is the matter with one message, in words, and what to do about it. Pure.
 *
 * A page that ends in a fact leaves its reader alone at 3 a.m.: each diagnosis has a way out,
 * and where somebody must act, the command to type.
 */
import { shortId } from '../message/id.ts'
import { isAttempt, lastWord } from '../message/trail.ts'
import { suspensionText } from '../message/suspension.ts'
import type { TrailLine } from '../message/trail.ts'
import type { Message } from '../queue/queue.ts'
import { leadsNowhere } from './around.ts'
import type { Around } from './around.ts'
import { exactTime, inSpan, shortTime } from './clock-text.ts'
import { actText } from './reason.ts'

export interface Diagnosis {
  /** `deferred, waits because crm is closed until 03:42`. */
  readonly what: string
  /** What happens next, or what somebody has to do. */
  readonly next: string
  /** The command that does it, where one does. */
  readonly command?: string
}

/** What is the matter with a message. */
export function diagnose(message: Message, around: Around): Diagnosis {
  const { state, id } = message.entry
  switch (state) {
    case 'active':
      return ofActive(message, around)
    case 'incoming':
    case 'deferred':
      return ofWaiting(message, around)
    case 'hold':
      return {
        what: `hold, ${whyHeld(message)}`,
        next: 'waits for a person; to let it go',
        command: command('release', id),
      }
    case 'bounce':
      return {
        what: `bounce, failed for good: ${lastText(message)}`,
        next: 'mend the cause, then send it anew',
        command: command('requeue', id),
      }
    case 'corrupt':
      return {
        what: `corrupt: ${message.defect ?? lastText(message)}`,
        next: 'is kept until it is deleted or requeued; to see its bytes',
        command: `${command('show', id)} --raw`,
      }
  }
}

function command(verb: string, id: string): string {
  return `msgq ${verb} ${shortId(id)}`
}

const START = 'msgqd --once'
const NOT_RUNNING = 'msgqd is not running'

function ofActive({ entry }: Message, { daemon }: Around): Diagnosis {
  if (daemon.kind === 'down')
    return {
      what: 'active, was under way when msgqd ended',
      next: 'goes out again once msgqd runs (systemctl start msgq); at once',
      command: START,
    }
  return {
    what: `active, attempt ${entry.tries + 1} is under way`,
    next: 'ends within the timeout of its destination',
  }
}

function ofWaiting(message: Message, around: Around): Diagnosis {
  const { entry, defect } = message
  const { id, state, lane } = entry
  const say = (why: string) => `${state}, ${why}`
  if (defect !== undefined)
    return { what: say(defect), next: 'to look closer', command: 'msgq check' }
  if (leadsNowhere(lane, around)) return nowhere(message)
  const suspension = around.suspended.get(lane)
  if (suspension?.disabled)
    return {
      what: say(`waits because ${lane} is disabled, ${suspension.why}`),
      next: 'is not tried and not charged meanwhile; to let it go on, change that, then',
      command: 'msgq reload',
    }
  if (suspension !== undefined)
    return {
      what: say(
        `waits because ${lane} is suspended ${suspensionText(suspension, (ms) => shortTime(ms, around.now))}`,
      ),
      next: 'is not tried and not charged meanwhile; to let it go on',
      command: `msgq resume ${lane}`,
    }
  if (around.daemon.kind === 'down')
    return {
      what: say(`waits because ${NOT_RUNNING}${after(message)}`),
      next: `${whenDue(message, around)} once msgqd runs (systemctl start msgq); at once`,
      command: START,
    }
  const closed = around.closed.get(lane)
  if (closed !== undefined && closed.until > Math.max(around.now, entry.due))
    return {
      what: say(
        `waits because ${lane} is closed until ${shortTime(closed.until, around.now)}: ${closed.why}`,
      ),
      next: `${whenText(closed.until, around.now)}; or now`,
      command: command('flush', id),
    }
  const first = around.waitsFor?.get(id)
  if (first !== undefined)
    return {
      what: say(`waits for ${first}: its order`),
      next: 'goes out after that one; to see what keeps it',
      command: command('show', first),
    }
  if (entry.due <= around.now)
    return { what: say(`due, waits for its turn${after(message)}`), next: 'soon' }
  const { notBefore } = message.envelope ?? {}
  const scheduled = entry.tries === 0 && notBefore !== undefined
  return {
    what: say(scheduled ? 'scheduled by its sender' : soFar(message)),
    next: `${whenText(entry.due, around.now)}; or now`,
    command: command('flush', id),
  }
}

function nowhere({ entry: { lane, state } }: Message): Diagnosis {
  return {
    what: `${state}, waits because the configuration has no destination "${lane}"`,
    next: `define [destinations.${lane}] in msgq.toml, then`,
    command: 'msgq reload',
  }
}

function whenDue({ entry }: Message, { now }: Around): string {
  return entry.due > now ? `at ${exactTime(entry.due, now)} or later,` : 'goes out'
}

function whenText(due: number, now: number): string {
  return `${inSpan(due - now)} (${exactTime(due, now)})`
}

/** `failed 4 times: 503 Service Unavailable (fault: receiver)`. */
function soFar({ entry: { tries }, trail }: Message): string {
  const line = trail.findLast(isAttempt)
  if (tries > 0 && line !== undefined)
    return `failed ${tries === 1 ? 'once' : `${tries} times`}: ${attemptText(line)}`
  const last = lastWord(trail)
  return last === undefined ? 'waits for its time' : `put back: ${lineText(last)}`
}

/** `, after 4 tries: 503 Service Unavailable (fault: receiver)`. */
function after({ entry: { tries }, trail }: Message): string {
  const line = trail.findLast(isAttempt)
  if (tries === 0 || line === undefined) return ''
  return `, after ${tries} ${tries === 1 ? 'try' : 'tries'}: ${attemptText(line)}`
}

function whyHeld({ envelope, trail }: Message): string {
  const line = lastWord(trail)
  if (line === undefined)
    return envelope?.hold === true ? 'as its sender asked' : 'nobody knows by whom'
  return lineText(line)
}

function lastText({ trail }: Message): string {
  const line = lastWord(trail)
  return line === undefined ? 'nobody knows why' : lineText(line)
}

function lineText(line: TrailLine): string {
  return isAttempt(line) ? attemptText(line) : actText(line)
}

function attemptText(line: { reason: string; fault?: string }): string {
  return line.fault === undefined ? line.reason : `${line.reason} (fault: ${line.fault})`
}
