/**
 * images - cuts the power of real file systems while real senders send, and reads what is left.
 *
 * Each cut is the raw image at one moment, mounted later: the journal is replayed, and each id
 * that had been printed before the cut must be a whole message. Once with senders that own the
 * spool, once with senders of another uid into a drop box that they may not open, where the
 * fsync of the file itself must carry its rename.
 */
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { makeSpool } from '../../src/queue/open.ts'
import { isStaged, parseName } from '../../src/queue/spool/name.ts'
import { readMessage } from '../../src/queue/spool/read.ts'
import { Image, KINDS, cannotMount, has, openHost, system } from './mounted.ts'
import type { Kind } from './mounted.ts'
import { Traffic } from './traffic.ts'

/** Who sends: the owner of the spool, or one who may only drop. */
const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']

interface Tally {
  copies: number
  /** Ids that were printed in all, and how often one was looked for in a copy. */
  ids: number
  checked: number
  lost: number
  /** Under the name of a message, and not whole. */
  torn: number
  staged: number
  /** Files that nobody had synced: how many were there, and not whole after the cut. */
  loose: number
  looseLost: number
}

interface Copy {
  readonly image: Image
  readonly ids: readonly string[]
  readonly unsynced: readonly string[]
}

/** Cuts each file system, or one of them, so many times; true when nothing was lost. */
export async function runImages(only: string | undefined, cuts = 25): Promise<boolean> {
  const why = await cannotMount()
  if (why !== false) {
    console.log(`images: skipped: ${why}`)
    return true
  }
  const folder = mkdtempSync(join(tmpdir(), 'msgq-images-'))
  chmodSync(folder, 0o755)
  const host = await openHost(folder)
  let good = true
  try {
    const config = join(folder, 'msgq.toml')
    writeFileSync(config, 'spool = "nowhere"\n[send]\nmin_free = 0\n')
    const head = ['copies', 'ids', 'checked', 'lost', 'torn', 'staged', 'unsynced', 'lost']
    row('file system', ...head)
    for (const kind of KINDS.filter((it) => only === undefined || it === only)) {
      if (!(await has(`mkfs.${kind}`))) {
        console.log(`${kind}: skipped: mkfs.${kind} is not installed`)
        continue
      }
      for (const box of [false, true]) {
        const tally = await cutImage(host.mount, kind, box, config, cuts)
        const { copies, ids, checked, lost, torn, staged, loose, looseLost } = tally
        const name = `${kind}${box ? ', drop box' : ''}`
        row(name, copies, ids, checked, lost, torn, staged, loose, looseLost)
        good &&= lost === 0 && torn === 0 && checked > 0
      }
    }
  } finally {
    await host.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return good
}

async function cutImage(
  folder: string,
  kind: Kind,
  box: boolean,
  config: string,
  cuts: number,
): Promise<Tally> {
  const image = new Image(join(folder, kind), kind)
  await image.make()
  await image.open()
  const copies: Copy[] = []
  let total = 0
  try {
    const spool = join(image.mount, 'spool')
    await makeSpool(spool)
    if (box) await openBox(spool)
    await system('sync', '-f', spool)
    const traffic = new Traffic(
      spool,
      config,
      join(image.mount, 'unsynced'),
      box ? NOBODY : [],
    )
    while (traffic.ids.length === 0 && traffic.faults.length === 0) await sleep(50)
    for (let n = 0; n < cuts && traffic.faults.length === 0; n++) {
      await sleep(50 + Math.random() * 400)
      const known = { ids: [...traffic.ids], unsynced: [...traffic.unsynced] }
      copies.push({ image: await image.cut(`${kind}.${n}`), ...known })
    }
    await traffic.stop()
    if (traffic.faults.length > 0) throw new Error(traffic.faults.join('\n'))
    total = traffic.ids.length
  } finally {
    await image.close()
    rmSync(image.path)
  }
  const tally = { copies: 0, ids: total, checked: 0, lost: 0, torn: 0, staged: 0 }
  const all: Tally = { ...tally, loose: 0, looseLost: 0 }
  // One at a time, and when the first is gone: btrfs takes two disks with one id for the same.
  for (const copy of copies) await examine(copy, all)
  return all
}

/** A spool into which others may only drop. */
async function openBox(spool: string): Promise<void> {
  chmodSync(spool, 0o711)
  const incoming = join(spool, 'incoming')
  chmodSync(incoming, 0o3733)
  const listed = await system(...NOBODY, 'ls', incoming).then(
    () => true,
    () => false,
  )
  if (listed) throw new Error(`${incoming} can be opened by its senders`)
}

async function examine({ image, ids, unsynced }: Copy, tally: Tally): Promise<void> {
  await image.open()
  try {
    tally.copies++
    const whole = new Set<string>()
    const incoming = join(image.mount, 'spool/incoming')
    for (const file of readdirSync(incoming)) {
      if (isStaged(file)) tally.staged++
      const id = parseName(file)?.id
      if (id === undefined) continue
      if (isWhole(join(incoming, file), id)) whole.add(id)
      else tally.torn++
    }
    tally.checked += ids.length
    tally.lost += ids.filter((id) => !whole.has(id)).length
    tally.loose += unsynced.length
    const loose = (name: string): string => join(image.mount, 'unsynced', name)
    tally.looseLost += unsynced.filter((name) => !isLooseWhole(loose(name))).length
  } finally {
    await image.close()
    rmSync(image.path)
  }
}

function isWhole(path: string, id: string): boolean {
  try {
    const { envelope, body } = readMessage(path)
    return envelope.id === id && body?.length === envelope.bytes
  } catch {
    return false
  }
}

function isLooseWhole(path: string): boolean {
  try {
    return /^x{3000}$/.test(readFileSync(path, 'latin1'))
  } catch {
    return false
  }
}

function row(name: string, ...cells: (string | number)[]): void {
  console.log(name.padEnd(20) + cells.map((cell) => String(cell).padStart(9)).join(''))
}
