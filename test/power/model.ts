/**
 * model - cuts the power in every scenario, in the model, and prints what became of it.
 *
 * The last rows leave a sync out: a model that finds nothing there could find nothing at all.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

import { cannotTrace } from '../crash/strace.ts'
import { cut } from './cut.ts'
import type { Figures } from './cut.ts'
import { CUTS } from './scenarios.ts'
import type { Cut } from './scenarios.ts'

/** A scenario as it would be without one of its syncs, and which. */
export const BROKEN: readonly {
  of: Cut
  name: string
  forget: (path: string) => boolean
}[] = [
  {
    of: named('send'),
    name: 'send without fsync of the file',
    forget: (path) => basename(path).startsWith('.'),
  },
  {
    of: named('send'),
    name: 'send without fsync of incoming/',
    forget: (path) => path === 'incoming',
  },
  // The key of what was delivered is forgotten, and its repeat goes out.
  {
    of: named('keyed'),
    name: 'keyed without fsync of keys/',
    forget: (path) => path === 'keys',
  },
]

const HEAD = ['points', 'states', 'lost', 'wrong', 'torn', 'settled', 'wire', 'window']

/** Cuts the power in all scenarios whose names have a word in them; true when none lost. */
export async function runModel(word: string, most: number, seed: number): Promise<boolean> {
  const why = cannotTrace()
  if (why !== false) {
    console.log(`model: skipped: ${why}`)
    return true
  }
  const below = mkdtempSync(join(tmpdir(), 'msgq-power-'))
  try {
    return await rows(word, below, most, seed)
  } finally {
    rmSync(below, { recursive: true, force: true })
  }
}

async function rows(
  word: string,
  below: string,
  most: number,
  seed: number,
): Promise<boolean> {
  const all: Figures[] = []
  row('scenario', ...HEAD)
  for (const scenario of CUTS.filter(({ name }) => name.includes(word))) {
    const figures = await cutOnce(scenario, below, most, seed)
    all.push(figures)
    show(figures)
    const faults = new Set([...figures.lost, ...figures.wrong].slice(0, 9))
    for (const fault of faults) console.log(`  ${fault}`)
  }
  const total = (of: (figures: Figures) => number): number =>
    all.reduce((sum, figures) => sum + of(figures), 0)
  const [lost, wrong] = [total((it) => it.lost.length), total((it) => it.wrong.length)]
  row(
    'all',
    total((it) => it.points),
    total((it) => it.states),
    lost,
    wrong,
  )
  let bites = true
  for (const { of, name, forget } of BROKEN) {
    const figures = await cutOnce({ ...of, name }, below, most, seed, forget)
    show(figures)
    const { lost, wrong, tornNamed, recognised } = figures
    console.log(`  torn under its name: ${tornNamed}, recognised: ${recognised}`)
    bites &&= lost.length + wrong.length > 0 && tornNamed === recognised
  }
  console.log(
    'torn: staged files, nobody was told yes. settled, wire: most messages that one cut\n' +
      'repeats, delivered and not yet synced, or on the wire. window: longest from a message\n' +
      'that left active/ to the end of the next sync (ms).',
  )
  return lost + wrong === 0 && bites
}

/** Cuts the power in one scenario, on ground of its own. */
export async function cutOnce(
  scenario: Cut,
  below: string,
  most: number,
  seed: number,
  forget: (path: string) => boolean = () => false,
): Promise<Figures> {
  const memory = existsSync('/dev/shm') ? '/dev/shm' : below
  const room = mkdtempSync(join(memory, 'msgq-power-'))
  mkdirSync(below, { recursive: true })
  try {
    return await cut(scenario, { below, room: join(room, 's'), most, seed, forget })
  } finally {
    rmSync(room, { recursive: true, force: true })
  }
}

function show(figures: Figures): void {
  const { name, points, states, lost, wrong, tornStaged, repeats, wire, window } = figures
  row(name, points, states, lost.length, wrong.length, tornStaged, repeats, wire, window)
}

function row(name: string, ...cells: (string | number)[]): void {
  console.log(name.padEnd(33) + cells.map((cell) => String(cell).padStart(9)).join(''))
}

function named(name: string): Cut {
  return CUTS.find((it) => it.name === name)!
}
