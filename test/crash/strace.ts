/**
 * strace - runs a program under strace(1): what it asks of the kernel, and what strikes it.
 *
 * A blow falls on the n-th call of one kind in one thread: SIGKILL before the kernel sees the
 * call, or an error in its place. Where strace is missing, or may not trace, that is said.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Loaded by the program under test: test/crash/skew.cjs says why. */
export const SKEW = fileURLToPath(new URL('skew.cjs', import.meta.url))
/** More calls of a kind than any thread makes by itself in a run. */
const FAR = 1_000
/** Calls that the skew cannot make; a blow to one may fall on both threads. */
const UNSKEWED = new Set(['getdents64', 'fdatasync', 'pwritev', 'link'])

/** What changes a disk. Some architectures have only the newer of two names. */
export const CHANGES = [
  ...['open', 'openat', 'write', 'writev', 'pwrite64', 'pwritev'],
  ...['fsync', 'fdatasync', 'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat'],
  ...['rmdir', 'ftruncate', 'mkdir', 'mkdirat', 'link', 'linkat'],
  ...['chmod', 'fchmod', 'fchmodat', 'utimensat'],
] as const

/** What only looks, and can fail all the same. */
export const LOOKS = ['read', 'pread64', 'getdents64', 'statx', 'access', 'statfs'] as const

/** One call that a program made. */
export interface Call {
  readonly name: string
  readonly args: string
  /** What the kernel answered; `?` when the program was killed in it. */
  readonly result: string
  readonly thread: 'main' | 'pool'
  /** Which call of this kind it was in its thread, from 1. */
  readonly nth: number
}

/** A blow to one call, or from it on to each `every`-th. */
export interface Blow extends Pick<Call, 'name' | 'thread' | 'nth'> {
  readonly every?: number
  /** KILL, or the name of an error. */
  readonly what: string
}

/** Why nothing can be traced here, or false. */
export function cannotTrace(): string | false {
  const { error, status, stderr } = spawnSync(
    'strace',
    ['-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-e', 'trace=?rename', 'true'],
    { encoding: 'utf8' },
  )
  if (error !== undefined) return 'strace is not installed'
  return status !== 0 && `strace cannot trace here: ${stderr.trim().split('\n').at(-1)}`
}

/** What runs a program traced, its calls written to a file; and what its environment needs. */
export function straceOf(
  argv: readonly string[],
  log: string,
  calls: readonly string[],
  blows: readonly Blow[],
): { argv: string[]; env: Record<string, string> } {
  // Filtered in the kernel, untraced calls cost nothing; but signals then miss their call.
  const filter = blows.some(({ what }) => what === 'KILL') ? [] : ['--seccomp-bpf']
  const trace = `trace=execve,${calls.map((call) => `?${call}`).join()}`
  const skews = blows.map(({ name, thread }) => `${thread} ${plain(name)} ${farOf(name)}`)
  return {
    argv: [
      ...['strace', '-f', ...filter, '-y', '-qq', '-s', '0'],
      ...['-o', log, '-e', 'signal=none', '-e', trace],
      ...blows.flatMap((blow) => ['-e', `inject=${injection(blow)}`]),
      ...argv,
    ],
    env: { MSGQ_SKEW: skews.join(';') },
  }
}

function injection({ name, nth, every, what }: Blow): string {
  const from = nth + farOf(name)
  const when = every === undefined ? from : `${from}+${every}`
  return `${name}:${what === 'KILL' ? 'signal=KILL' : `error=${what}`}:when=${when}`
}

function farOf(name: string): number {
  return UNSKEWED.has(plain(name)) ? 0 : FAR
}

/** The older name of a call. */
function plain(name: string): string {
  if (name === 'fchmodat') return 'chmod'
  return name === 'utimensat' || name === 'fdatasync' ? name : name.replace(/at2?$/, '')
}

/** All calls of a log, in the order in which they were made. */
export function readCalls(log: string): Call[] {
  const calls: (Call & { result: string })[] = []
  const counts = new Map<string, number>()
  const open = new Map<string, Call & { result: string }>()
  let main: string | undefined
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const [, end] = /^<\.\.\. \w+ resumed>.* = (.*)$/.exec(rest) ?? []
    const answered = open.get(pid)
    if (end !== undefined && answered !== undefined) answered.result = end
    const [, name, args = ''] = /^(\w+)\((.*)$/.exec(rest) ?? []
    if (name === undefined || isSkew(args)) continue
    main ??= pid
    const nth = (counts.get(`${pid} ${name}`) ?? 0) + 1
    counts.set(`${pid} ${name}`, nth)
    const [, said = args, result = '?'] = /^(.*)\) += (.*)$/.exec(args) ?? []
    const thread = pid === main ? 'main' : 'pool'
    const call: Call & { result: string } = { name, args: said, result, thread, nth }
    open.set(pid, call)
    calls.push(call)
  }
  return calls
}

/** A call that the skew made. */
function isSkew(args: string): boolean {
  return /^(100000[,)]|(AT_FDCWD[^,]*, )?"")/.test(args)
}
