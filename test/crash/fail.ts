/**
 * fail - lets a call on the spool fail with an error, once or from then on, and judges what the
 * program made of it.
 */
import { lies } from './answer.ts'
import { takeCensus } from './census.ts'
import type { Command } from './ground.ts'
import type { Point } from './points.ts'
import type { Ran } from './program.ts'
import type { Scenario } from './scenario.ts'
import type { Blow } from './strace.ts'
import { strike } from './strike.ts'
import type { Struck } from './strike.ts'
import { judge, sureOf } from './verdict.ts'
import type { Outcome, Wrong } from './wrong.ts'

export const ERRORS = ['ENOSPC', 'EIO', 'EACCES', 'EMFILE', 'EROFS'] as const
export type ErrorName = (typeof ERRORS)[number]

/** Exit code of a sender who cannot tell whether its message is queued. */
const UNKNOWN = 1

/** Those of the errors that the kernel gives for a call. */
export function errorsOf({ role }: Point): readonly ErrorName[] {
  if (/^open\w* create/.test(role)) return ERRORS
  if (/^open\w* change/.test(role)) return ['EIO', 'EACCES', 'EMFILE', 'EROFS']
  if (role.startsWith('open')) return ['EIO', 'EACCES', 'EMFILE']
  if (/^(rename|mkdir|link)/.test(role)) return ['ENOSPC', 'EIO', 'EACCES', 'EROFS']
  if (/^(p?write|f(data)?sync)/.test(role)) return ['ENOSPC', 'EIO']
  if (/^(p?read|getdents|statfs)/.test(role)) return ['EIO']
  return /^(statx|access)/.test(role) ? ['EIO', 'EACCES'] : ['EIO', 'EACCES', 'EROFS']
}

/** What takes back what was done; a run without faults never does it. */
const UNDO = process.arch === 'x64' ? 'unlink' : 'unlinkat'

/** A disk that turns read-only at a point: what else fails besides the point itself. */
export function fromThenOn(points: readonly Point[], point: Point): Blow[] {
  const seen = new Set([point.call.name])
  const later = points.slice(points.indexOf(point) + 1).filter(({ changes }) => changes)
  const undo = { name: UNDO, thread: 'pool', nth: 1 } as const
  return [...later.map(({ call }) => call), undo].flatMap(({ name, thread, nth }) => {
    if (seen.has(name)) return []
    seen.add(name)
    return [{ name, thread, nth, every: 1, what: 'EROFS' }]
  })
}

/** Lets a scenario's program fail at one point; false when that point was never met. */
export async function failAt(
  scenario: Scenario,
  point: Point,
  what: ErrorName,
  below: string,
  tell: (outcome: Outcome) => void,
  further: readonly Blow[] = [],
): Promise<boolean> {
  const aim = { scenario, point, what, further }
  return strike(aim, below, async (struck) => {
    const { ground, ran, roles, before } = struck
    // Aimed beside the mark.
    if (roles.length === 0) return
    const { program, words } = scenario.command(ground)
    const sure = sureOf(ground, scenario, ran)
    const lasting = further.length > 0
    const own =
      words[0] === 'send'
        ? afterSend(struck, Object.keys(scenario.ends), sure, { what, lasting })
        : [...afterOthers(ran, program), ...lies(ground, scenario, ran, before)]
    const fate = ran.code === 0 ? 'ended' : 'failed'
    const { wrongs, repeats, staged, atOnce } = await judge(ground, scenario, sure, fate)
    if (hidesSync(struck, what, scenario.command(ground)))
      own.push({ kind: 'lost', text: 'a sync failed, and it said yes' })
    if (staged > 0 && !lasting) own.push({ kind: 'stray', text: 'a staged file was left' })
    const isMeant = scenario.leads !== undefined
    if (program === 'msgqd' && ran.code === 0 && !atOnce && !isMeant && !isSaid(ran))
      own.push({ kind: 'other', text: 'it is put off, and nothing was said of it' })
    const kept = program === 'msgq' || atOnce ? 'as if nothing' : 'later'
    const ended = ran.code === 0 ? kept : `exit ${ran.code}`
    tell({ role: roles[0], what, ended, wrongs: [...own, ...wrongs], repeats, staged })
  })
}

/** Zero means queued, anything else that nothing was; and why is said in one line. */
function afterSend(
  { ground, ran }: Struck,
  marks: readonly string[],
  sure: ReadonlySet<string>,
  { what, lasting }: { what: ErrorName; lasting: boolean },
): Wrong[] {
  const texts: string[] = []
  const { code, err } = ran
  const queued = [...takeCensus(ground.spool).places.keys()]
  const unknown = lasting && code === UNKNOWN
  for (const mark of queued)
    if (!sure.has(mark) && !unknown) texts.push(`${mark} is queued, and that was not said`)
  const codes = what === 'EACCES' ? [73, 75, 77] : [73, 75]
  if (code !== 0 && !codes.includes(code ?? -1) && !unknown) texts.push(`exit ${code}`)
  const all = marks.every((mark) => sure.has(mark))
  if ((code === 0) !== all) texts.push(`exit ${code}, and ${sure.size} ids were said`)
  const lines = err.split('\n').filter((line) => line !== '' && !line.startsWith('  '))
  if (!lines.every((line) => line.startsWith('msgq: send: ')))
    texts.push('not a clear line')
  const isBatch = lines.some((line) => line.includes('send: line '))
  if (code !== 0 && lines.length !== 1 && !isBatch) texts.push(`${lines.length} lines`)
  return texts.map((text) => ({ kind: 'other', text: `${text}: ${err}` }))
}

/**
 * A code of sysexits with its reason, or none; never a stack trace. A daemon that delivers does
 * not end at all for a call that fails.
 */
function afterOthers({ code = -1, out, err, hung }: Ran, program: string): Wrong[] {
  if (hung) return [{ kind: 'other', text: 'it hung' }]
  if (program === 'msgqd' && code !== 0 && out.includes('"event":"attempt"'))
    return [{ kind: 'other', text: `it served, and ended: exit ${code}: ${err}` }]
  if (code === 0 || (code >= 64 && code <= 78 && err.startsWith(`${program}: `))) return []
  return [{ kind: 'other', text: `exit ${code}: ${err}` }]
}

/** What was not synced may be gone after a power cut: no yes to it, and a daemon says so. */
function hidesSync(
  { ran, roles }: Struck,
  what: ErrorName,
  { program, words }: Command,
): boolean {
  const [role = ''] = roles
  // Senders that may not open the folder, which they try first, sync their file once more.
  if (words[0] === 'send' && /^open\w* sync incoming #1$/.test(role)) return false
  const isSync =
    /^f(data)?sync /.test(role) || (what !== 'EACCES' && /^open\w* sync /.test(role))
  return isSync && ran.code === 0 && (program === 'msgq' || !isSaid(ran))
}

function isSaid({ out, err }: Ran): boolean {
  return err !== '' || /"level":"(warn|error)"/.test(out)
}
