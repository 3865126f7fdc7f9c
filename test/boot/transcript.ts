/**
 * transcript - what was done to the machine and what it said, for people; and what was checked.
 */
import type { Ended, Machine } from './machine.ts'

export class Transcript {
  readonly #machine: Machine
  readonly #say: (line: string) => void
  #text = ''
  passed = 0
  failed = 0

  constructor(machine: Machine, say: (line: string) => void) {
    this.#machine = machine
    this.#say = say
  }

  /** Begins a section. */
  title(text: string): void {
    this.#close()
    this.#text += `\n## ${text}\n`
    this.#say(`# ${text}`)
  }

  /** Runs a line in the machine, and keeps both. */
  sh(line: string, user = 'root'): Ended {
    const ended = this.#machine.sh(line, user)
    this.#open()
    this.#text += `${user}@vm:~${user === 'root' ? '#' : '$'} ${line}\n${tidy(ended.out)}`
    if (ended.code !== 0) this.#text += `[exit ${ended.code}]\n`
    return ended
  }

  /** What happens to the machine from outside. */
  event(text: string): void {
    this.#close()
    this.#text += `\n${text}\n`
  }

  /** Something has to be so. */
  check(isSo: boolean, what: string, instead = ''): void {
    if (isSo) this.passed++
    else this.failed++
    this.#say(isSo ? `ok - ${what}` : `not ok - ${what}${instead && `: ${instead}`}`)
  }

  equal(is: unknown, wanted: unknown, what: string): void {
    const [found, expected] = [is, wanted].map((it) => JSON.stringify(it))
    this.check(found === expected, what, `${found}, not ${expected}`)
  }

  text(): string {
    this.#close()
    return this.#text
  }

  #isOpen = false

  #open(): void {
    if (!this.#isOpen) this.#text += '\n```console\n'
    this.#isOpen = true
  }

  #close(): void {
    if (this.#isOpen) this.#text += '```\n'
    this.#isOpen = false
  }
}

/** What apt and dpkg say of themselves, and of other packages. */
const CHATTER = [
  /man-db|^\(Reading database|^Get:|^WARNING: apt |^Preconfiguring |^Processing triggers /,
  /^(?:Updating certificates|rehash: |\d+ added, |Running hooks|done\.|update-alternatives: )/,
  /^(?:Reading|Building|Solving) .*\.\.\./,
  /^(?:Selecting|Preparing|Unpacking|Setting up) (?!.*msgq)/,
]

/** Without what a terminal would have wiped away again, and what is said of others. */
function tidy(out: string): string {
  const lines = out.split('\n').map((line) => line.replace(/^.*\r/, '').trimEnd())
  return lines
    .filter((line) => !CHATTER.some((chatter) => chatter.test(line)))
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .replace(/^\n+/, '')
}
