/**
 * options - what `npm run bench` is asked for.
 */
import { parseArgs } from 'node:util'

export interface Options {
  readonly quick: boolean
  /** Keep the ratios, for later runs to compare with, and the figures, for the chart. */
  readonly keep: boolean
  readonly journal: boolean
  readonly on: string | undefined
  /** Rows whose name has one of these in it; none: all. */
  readonly names: readonly string[]
}

/** Reads the command line; throws what is wrong with it. */
export function readOptions(words: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      journal: { type: 'boolean', default: false },
      on: { type: 'string' },
    },
  })
  if (values.journal && values.on !== undefined)
    throw new Error('--journal and --on exclude each other')
  return { ...values, on: values.on, names: positionals }
}

/** What a run may be compared with: one of its own kind. */
export function kindOf({ quick, journal, on }: Options): string {
  const where = journal ? ' on a journal' : on === undefined ? '' : ' elsewhere'
  return `${quick ? 'quick' : 'full'}${where}`
}

/** Whether a row was asked for. */
export function isWanted(name: string, { names }: Pick<Options, 'names'>): boolean {
  const text = name.toLowerCase()
  return names.length === 0 || names.some((word) => text.includes(word.toLowerCase()))
}
