/**
 * trace - runs a program under strace(1), and says what it did to a folder and on the network.
 *
 * Of each call its beginning and its end are kept, because an fsync promises something only for
 * what had ended before it began. A call on the folder that the model does not know ends the
 * test: what is not modelled is not shown.
 */
import { readFileSync } from 'node:fs'

import { runProgram } from '../crash/program.ts'
import type { Ran, Setting } from '../crash/program.ts'

interface Span {
  /** Places in the log; `end` is when the kernel had answered. */
  readonly begin: number
  readonly end: number
  /** When it ended (s). */
  readonly at: number
}

/** What a call does. Paths are absolute. */
export type Step = Span &
  (
    | { readonly kind: 'create' | 'unlink' | 'mkdir' | 'sync'; readonly path: string }
    | { readonly kind: 'append'; readonly path: string; readonly bytes: Buffer }
    | { readonly kind: 'rename'; readonly path: string; readonly to: string }
    /** It printed something. */
    | { readonly kind: 'said'; readonly text: string }
    /** It wrote to a connection, or read from it. */
    | { readonly kind: 'asked' | 'heard'; readonly socket: string; readonly text: string }
  )

const CALLS =
  'open openat creat write writev pwrite64 pwritev pwritev2 read fsync fdatasync ' +
  'sync_file_range ftruncate truncate fallocate rename renameat renameat2 unlink unlinkat ' +
  'rmdir mkdir mkdirat link linkat symlink symlinkat copy_file_range sendfile'

/** Runs a program traced. What it does below `except` is nobody's message. */
export async function record(
  argv: readonly string[],
  setting: Setting,
  log: string,
  { root, except }: { root: string; except: readonly string[] },
): Promise<{ ran: Ran; steps: Step[] }> {
  const trace = `trace=${CALLS.split(' ')
    .map((call) => `?${call}`)
    .join()}`
  const strace = [
    'strace',
    '-f',
    '--seccomp-bpf',
    '-y',
    '-ttt',
    '-xx',
    '-qq',
    '-s',
    '9999999',
  ]
  const traced = [...strace, '-o', log, '-e', 'signal=none', '-e', trace, ...argv]
  const ran = await runProgram(traced, setting)
  const isOurs = (path: string): boolean =>
    (path === root || path.startsWith(`${root}/`)) &&
    !except.some((part) => path.startsWith(part))
  return { ran, steps: stepsOf(readFileSync(log, 'latin1'), isOurs) }
}

function stepsOf(log: string, isOurs: (path: string) => boolean): Step[] {
  const steps: Step[] = []
  const open = new Map<string, { name: string; args: string; begin: number }>()
  for (const [n, line] of log.split('\n').entries()) {
    const [, pid = '', time = '', rest = ''] = /^(\d+) +([\d.]+) (.*)$/.exec(line) ?? []
    let begun = open.get(pid)
    let text = rest
    if (rest.startsWith('<... ')) {
      text = `${begun?.args ?? ''}${rest.slice(rest.indexOf('>') + 1)}`
      open.delete(pid)
    } else {
      const at = rest.indexOf('(')
      begun = { name: rest.slice(0, at), args: rest.slice(at + 1), begin: n }
      text = begun.args
      if (text.endsWith(' <unfinished ...>')) {
        open.set(pid, { ...begun, args: text.slice(0, -' <unfinished ...>'.length) })
        continue
      }
    }
    if (begun === undefined) continue
    const split = text.lastIndexOf(') = ')
    const result = parseInt(text.slice(split + 4), 10)
    if (split < 0 || !(result >= 0)) continue
    const span = { begin: begun.begin, end: n, at: Number(time) }
    const step = stepOf(begun.name, text.slice(0, split), result, span, isOurs)
    if (step !== undefined) steps.push(step)
  }
  return steps
}

function stepOf(
  name: string,
  args: string,
  result: number,
  span: Span,
  isOurs: (path: string) => boolean,
): Step | undefined {
  const strings = [...args.matchAll(/"([^"]*)"/g)].map(([, hex]) => plain(hex!))
  const file = /^\d+<([^>]*)>/.exec(args)?.[1]
  const path = file === undefined ? strings[0]?.toString() : plain(file).toString()
  if (path === undefined) return undefined
  const bytes = Buffer.concat(strings).subarray(0, result)
  const call = name.replace(/(at2?|v2?|v?64)$/, '')
  if (call === 'write' && args.startsWith('1<'))
    return { ...span, kind: 'said', text: bytes.toString() }
  if (/^(write|read)$/.test(call) && /^(socket|TCP)/.test(path)) {
    const kind = call === 'read' ? 'heard' : 'asked'
    return { ...span, kind, socket: path, text: bytes.toString('latin1') }
  }
  const to = strings[1]?.toString()
  if (!isOurs(path) && (call !== 'rename' || !isOurs(to!))) return undefined
  if (call === 'read') return undefined
  if (call === 'open' && !args.includes('O_TRUNC'))
    return args.includes('O_CREAT') ? { ...span, kind: 'create', path } : undefined
  if (call === 'write') return { ...span, kind: 'append', path, bytes }
  if (call === 'fsync' || call === 'fdatasync') return { ...span, kind: 'sync', path }
  if (call === 'rename') return { ...span, kind: 'rename', path, to: to! }
  if (call === 'unlink' || call === 'mkdir') return { ...span, kind: call, path }
  throw new Error(`the model does not know ${name} on ${path}`)
}

/** The bytes that strace -xx printed. */
function plain(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex')
}
