/**
 * points - the places of a run at which it can be struck: its calls on the spool, each with a
 * name that is the same in every run.
 *
 * Ids, times, tokens and ports differ from run to run, and two threads may change their order;
 * the k-th rename from incoming to active does not.
 */
import { dirname, relative } from 'node:path'

import type { Call } from './strace.ts'

/** A call of a run, and how to find the same one in another run. */
export interface Point {
  /** What the call does, with what differs taken out, and which of its like it is. */
  readonly role: string
  /** It changes something, or may; else it only looks. */
  readonly changes: boolean
  /** The call itself, as this run made it. */
  readonly call: Call
}

/** The calls that touch a spool, or make the two folders above it. */
export function pointsOf(calls: readonly Call[], spool: string): Point[] {
  const seen = new Map<string, number>()
  return calls.flatMap((call) => {
    const does = roleOf(call, spool)
    if (does === undefined) return []
    const times = (seen.get(does) ?? 0) + 1
    seen.set(does, times)
    const changes =
      !/^(read|pread64|getdents64|statx|access|statfs|open\w* (look|list|sync)) /.test(does)
    return [{ role: `${does} #${times}`, changes, call }]
  })
}

function roleOf(call: Call, spool: string): string | undefined {
  const above = [spool, dirname(spool), dirname(dirname(spool))]
  const paths = [...call.args.matchAll(/"([^"]*)"|^\d+<([^>]*)>/g)]
    .map(([, text, open]) => text ?? open ?? '')
    .filter((path) => above.includes(path) || path.startsWith(`${spool}/`))
  if (paths.length === 0) return undefined
  const places = paths.map((path) => plain(relative(spool, path)))
  return `${call.name}${manner(call)} ${places.join(' -> ')}`
}

/** How a file is opened. */
function manner({ name, args }: Call): string {
  if (!name.startsWith('open')) return ''
  if (args.includes('O_CREAT')) return ' create'
  if (args.includes('O_DIRECTORY')) return args.includes('O_NONBLOCK') ? ' list' : ' sync'
  return /O_WRONLY|O_RDWR/.test(args) ? ' change' : ' look'
}

/** A path without what is different in each run. */
function plain(path: string): string {
  return path
    .replace(/\d{8}T\d{6}\.\d{3}Z/g, 'DUE')
    .replace(/[0-7][0-9A-HJKMNP-TV-Z]{25}/g, 'ID')
    .replace(/\.ID-[0-9a-z]+/g, '.ID-COPY')
    .replace(/[0-9a-f]{64}/g, 'KEY')
    .replace(/@=[^~#]*/, '@URL')
    .replace(/#expanded[0-9a-z]+$/, '#EXPANDED')
    .replace(/^(active\/\.fan)-ID-[0-9a-z]+-/, '$1-ID-CLAIM-')
    .replace(/#[0-9a-z]+$/, '#CLAIM')
    .replace(/^(run\/\w+\.json)\.\d+$/, '$1.N')
    .replace(/^suspended\/=[\w.]+_\d+/, 'suspended/LANE')
    .replace(/^(suspended\/LANE)\.\d+$/, '$1.N')
}
