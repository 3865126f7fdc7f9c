/**
 * plain-line - reads the line of a `msgq send` that is plainly written, without commander.
 *
 * Understands what commander does, or nothing: an option that is not in the rows, a value that
 * is missing or looks like an option, a letter with its value in one word. Then it says so, and
 * commander reads the line. test/cli/plain-line.test.ts holds the two against each other.
 */
import type { Flags } from '../config/find.ts'
import { COMMON_OPTIONS } from './option-row.ts'
import type { Line, SendOptions } from './send-options.ts'
import { SEND_OPTIONS } from './send-options.ts'

interface Known {
  /** As commander calls it: dataBinary. */
  readonly name: string
  readonly takesValue: boolean
  readonly isMany: boolean
}

/** The line behind the word `send`; undefined when commander has to read it. */
export function plainLine(words: readonly string[]): (Line & { flags: Flags }) | undefined {
  const known = knownOptions()
  const options: Record<string, unknown> = {}
  const operands: string[] = []
  const set = ({ name, isMany }: Known, value: string | true): void => {
    options[name] = isMany ? [...((options[name] as string[]) ?? []), value] : value
  }
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string
    if (word === '--') {
      operands.push(...words.slice(at + 1))
      break
    }
    if (!isOption(word)) {
      operands.push(word)
      continue
    }
    const [, written, value] = /^(--[^=]+)=([^]*)$/.exec(word) ?? [
      undefined,
      word,
      words[at + 1],
    ]
    const option = known.get(written as string)
    if (option?.takesValue) {
      if (value === undefined || (written === word && value.startsWith('-')))
        return undefined
      if (written === word) at++
      set(option, value)
      continue
    }
    // -qE is -q -E.
    const all = word.startsWith('--')
      ? [word]
      : Array.from(word.slice(1), (one) => `-${one}`)
    for (const one of all) {
      const flag = known.get(one)
      if (flag === undefined || flag.takesValue) return undefined
      set(flag, true)
    }
  }
  const [to, ...text] = operands
  return { to, text, options: options as SendOptions, flags: options as Flags }
}

function isOption(word: string): boolean {
  return word.length > 1 && word.startsWith('-')
}

function knownOptions(): Map<string, Known> {
  const known = new Map<string, Known>()
  for (const { flags, isMany = false } of [...COMMON_OPTIONS, ...SEND_OPTIONS]) {
    const [, letter, long = '', value] = /^(-\w)?(?:, )?--([\w-]+)( <.*)?/.exec(flags) ?? []
    const name = long.replaceAll(/-./g, (edge) => edge.charAt(1).toUpperCase())
    const option = { name, takesValue: value !== undefined, isMany }
    known.set(`--${long}`, option)
    if (letter !== undefined) known.set(letter, option)
  }
  return known
}
