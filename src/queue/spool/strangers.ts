/**
 * strangers - messages with another owner, or open to everybody: what a restore leaves.
 *
 * cp and tar make them by the thousand, so they are counted, and only one alone is named.
 */
import type { Stats } from 'node:fs'

import type { State } from '../../message/state.ts'
import { warningAt } from './finding.ts'
import type { Finding } from './finding.ts'
import type { Layout } from './layout.ts'

interface Count {
  readonly first: string
  count: number
}

export class Strangers {
  /** By uid; those that everybody may read are `open`. */
  readonly #counts = new Map<number | 'open', Count>()

  /** Looks at the owner and the mode of one message. */
  note(where: string, { uid, mode }: Stats, owner: number): void {
    if (uid !== owner) this.#add(uid, where)
    if ((mode & 0o004) !== 0) this.#add('open', where)
  }

  /** What is to be said of a folder; begins anew for the next one. */
  *findings(
    state: State,
    { layout, owner }: { readonly layout: Layout; readonly owner: number },
  ): Generator<Finding> {
    const counts = [...this.#counts]
    this.#counts.clear()
    for (const [kind, { first, count }] of counts) {
      const one = count === 1
      const where = one ? first : `${state}/`
      const some = `${count} messages `
      if (kind === 'open') {
        const what = one ? 'everybody may read it' : `everybody may read ${some.trim()}`
        yield warningAt(where, what, `chmod -R o-rwx ${layout.root} closes them`)
        continue
      }
      const belongs = one ? 'belongs' : `${some}belong`
      const what = `${belongs} to uid ${kind}, the spool to uid ${owner}`
      const hint = `chown -R ${owner} ${layout.root} gives them back; else msgqd takes them in as made by hand, tries and trail lost`
      yield warningAt(where, what, hint)
    }
  }

  #add(kind: number | 'open', where: string): void {
    const known = this.#counts.get(kind)
    if (known === undefined) this.#counts.set(kind, { first: where, count: 1 })
    else known.count++
  }
}
