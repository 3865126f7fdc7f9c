/**
 * fan - makes an event into its children, all of them or none, and each once.
 *
 * 1. each child is written and fsynced as `active/.fan-<parent>-<token>-<its name>`, then
 *    active/ is fsynced. A crash leaves names with a dot; recovery puts the parent back and
 *    removes them.
 * 2. the commit: the parent is renamed to `...#expanded<token>`, and active/ is fsynced. Before it the
 *    event was not fanned out, after it it was: recovery goes on from here.
 * 3. the children are renamed to incoming/, which is fsynced. One that is not there any more
 *    went before, and is not made again: it may have been delivered.
 * 4. the parent is removed.
 * The commit is a rename and no line, so that whoever comes first counts: an owner that is stale
 * finds the parent gone, and a recovery that finds it committed leaves the children be. The
 * token keeps what a stale owner staged apart from what is staged now.
 */
import { readdirSync } from 'node:fs'

import { removeSync, syncFolder, writeStaged } from '../../base/durable.ts'
import { EVENT_LANE } from '../../message/lane.ts'
import { planFanOut } from '../fan-out.ts'
import type { Offspring } from '../fan-out.ts'
import type { Lease } from '../queue.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { formatName, parseName } from './name.ts'
import type { Name } from './name.ts'

const NEWLINE = Buffer.from('\n')
/** The token of a claim begins with six hex digits, and never with this. */
const COMMITTED = 'expanded'
const STAGED = '.fan-'

interface Deps {
  readonly layout: Layout
  readonly mover: Mover
}

/** True for an event in active/ that was fanned out, and only has to go. */
export function isCommitted({ lane, claim }: Name): boolean {
  return lane === EVENT_LANE && (claim?.startsWith(COMMITTED) ?? false)
}

/** A leased event. */
export interface Fanned {
  readonly lease: Lease
  /** What it is called in active/. */
  active: string
  /** It is being fanned out just now. */
  fanning?: boolean
}

/**
 * Makes a leased event into its children; undefined when it is not ours any more. After an error
 * it may be called again, and goes on where it was.
 */
export async function expand(
  deps: Deps,
  fanned: Fanned,
  destinations: readonly string[],
  readBody: () => Promise<Uint8Array | undefined>,
): Promise<readonly Offspring[] | undefined> {
  const children = planFanOut(fanned.lease.envelope, destinations)
  fanned.fanning = true
  try {
    if (!isCommitted(parseName(fanned.active)!)) {
      const body = await readBody()
      if (body === undefined) return undefined
      await stage(deps, fanned.active, children, body)
      const committed = commit(deps, fanned.active, children)
      if (committed === undefined) return undefined
      fanned.active = committed
    }
    await publish(deps, fanned.active)
    return children
  } finally {
    fanned.fanning = false
  }
}

/** Step 1: the children, staged; where that fails none of them is left. */
async function stage(
  { layout }: Deps,
  active: string,
  children: readonly Offspring[],
  body: Uint8Array,
): Promise<void> {
  const paths = children.map((child) => stagedPath(layout, active, child))
  const written = await Promise.allSettled(
    children.map(async ({ envelope }, at) => {
      // What a settlement that the disk refused could not remove.
      removeSync(paths[at]!)
      const head = Buffer.from(`${JSON.stringify(envelope)}\n`)
      await writeStaged(paths[at]!, [head, body, NEWLINE])
    }),
  )
  try {
    const failed = written.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    await syncFolder(layout.folder('active'))
  } catch (error) {
    unstage(paths)
    throw error
  }
}

/** Step 2, but for its sync: what the parent is called then; undefined when it was gone. */
function commit(
  { layout, mover }: Deps,
  active: string,
  children: readonly Offspring[],
): string | undefined {
  const parent = parseName(active)!
  const committed = formatName({ ...parent, claim: `${COMMITTED}${parent.claim}` })
  if (mover.rename('active', active, committed)) return committed
  unstage(children.map((child) => stagedPath(layout, active, child)))
  return undefined
}

/** The sync of the commit, and steps 3 and 4; done again it does what is left to do. */
export async function publish(
  { layout, mover }: Deps,
  committed: string,
): Promise<string[]> {
  const prefix = stagedBy(uncommitted(parseName(committed)!))
  const ids: string[] = []
  await syncFolder(layout.folder('active'))
  for (const file of readdirSync(layout.folder('active'))) {
    const child = file.startsWith(prefix) ? parseName(file.slice(prefix.length)) : undefined
    if (child === undefined) continue
    if (mover.move('active', file, 'incoming', formatName(child)) !== undefined)
      ids.push(child.id)
  }
  // Were the parent gone first, a power cut could leave neither it nor them.
  await syncFolder(layout.folder('incoming'))
  mover.remove('active', committed)
  return ids
}

/** Of the names in active/, children of a committed event that are not published yet. */
export function unpublished(
  event: Name,
  files: readonly string[],
): { readonly staged: string; readonly child: Name }[] {
  const prefix = stagedBy(uncommitted(event))
  return files.flatMap((staged) => {
    const child = staged.startsWith(prefix)
      ? parseName(staged.slice(prefix.length))
      : undefined
    return child === undefined ? [] : [{ staged, child }]
  })
}

/** Removes what was staged for parents that are not committed: it was never published. */
export function removeStaged({ layout }: Deps): void {
  const files = readdirSync(layout.folder('active'))
  const kept = new Set(
    files.flatMap((file) => {
      const name = parseName(file)
      return name !== undefined && isCommitted(name) ? [stagedBy(uncommitted(name))] : []
    }),
  )
  for (const file of files)
    if (file.startsWith(STAGED) && !kept.has(prefixOf(file)))
      removeSync(layout.file('active', file))
}

/** `.fan-<parent>-<token>-`, with which all that is staged for a claim begins. */
function stagedBy({ id, claim }: Name): string {
  return `${STAGED}${id}-${claim}-`
}

function prefixOf(file: string): string {
  return /^\.fan-\w*-\w*-/.exec(file)?.[0] ?? file
}

function stagedPath(layout: Layout, active: string, { entry }: Offspring): string {
  return layout.file('active', `${stagedBy(parseName(active)!)}${formatName(entry)}`)
}

function uncommitted(name: Name): Name {
  return { ...name, claim: name.claim!.slice(COMMITTED.length) }
}

function unstage(paths: readonly string[]): void {
  for (const path of paths)
    try {
      removeSync(path)
    } catch {
      // Recovery removes it.
    }
}
