/**
 * trouble - what is tried again and again, and fails for one reason, is said once.
 *
 * Said anew once it worked meanwhile, or fails for another reason. Whoever calls tries again.
 */
import { plainError } from '../base/errno.ts'
import type { Log } from './log.ts'

export class Trouble {
  readonly #log: Log
  readonly #text: (reason: string) => string
  #said = ''

  /** `text` is the line of the log for a reason. */
  constructor(log: Log, text: (reason: string) => string) {
    this.#log = log
    this.#text = text
  }

  /** Does something; undefined where it failed. Never rejects. */
  async tried<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      const done = await act()
      this.#said = ''
      return done
    } catch (error) {
      const reason = plainError(error)
      const fields = { event: 'trouble', reason }
      if (reason !== this.#said) this.#log.write('error', fields, this.#text(reason))
      this.#said = reason
      return undefined
    }
  }
}
