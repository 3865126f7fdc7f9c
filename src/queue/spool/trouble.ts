/**
 * trouble - one file that cannot be handled stops no other, and is named once.
 *
 * Somebody else's folder, a file without read permission, a failing disk: the file stays where
 * it is, the first failure is reported, and whoever calls tries again later.
 */
import { isMissing, plainError } from '../../base/errno.ts'
import { printable } from '../../base/text.ts'
import { NewerFormatError } from '../../message/envelope.ts'
import type { Report } from '../queue.ts'

export class Trouble {
  readonly #report: (report: Report) => void
  readonly #named = new Set<string>()

  constructor(report: (report: Report) => void) {
    this.#report = report
  }

  /** Does something with a file; false when it failed. One that is gone is no failure. */
  guard(where: string, act: () => void): boolean {
    try {
      act()
    } catch (error) {
      if (!isMissing(error)) return this.#name(where, error)
    }
    this.#forget(where)
    return true
  }

  /** The same with something that takes time. */
  async attempt(where: string, act: () => Promise<void>): Promise<boolean> {
    try {
      await act()
    } catch (error) {
      if (!isMissing(error)) return this.#name(where, error)
    }
    this.#forget(where)
    return true
  }

  #forget(where: string): void {
    // A million names are looked through; to hash each only for this would take longer.
    if (this.#named.size > 0) this.#named.delete(where)
  }

  #name(where: string, error: unknown): false {
    if (this.#named.has(where)) return false
    this.#named.add(where)
    const event = error instanceof NewerFormatError ? 'newer' : 'unreadable'
    const message = `${printable(where)}: ${plainError(error)}; it stays there`
    this.#report({ level: 'error', event, message })
    return false
  }
}
