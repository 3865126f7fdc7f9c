/**
 * mailq-rows - the table of mailq, a chunk at a time: a row for each message, and below it why.
 *
 * Equal reasons in a row are said once, below the last of them, with how many they are.
 */
import { briefSize } from '../base/size.ts'
import { printable } from '../base/text.ts'
import { idTime, shortId } from '../message/id.ts'
import { shownTo } from '../message/mask.ts'
import type { Entry } from '../message/selector.ts'
import type { Message } from '../queue/queue.ts'
import { nextOf } from './around.ts'
import type { Around } from './around.ts'
import { briefSpan } from './clock-text.ts'
import { reasonOf } from './reason.ts'
import type { Reason } from './reason.ts'
import type { Screen } from './screen.ts'
import { NOTHING, cutAt, formatHead, formatRow, widthsOf } from './table.ts'
import type { Column } from './table.ts'

/** A message of the list; without `message` where no file was opened, or none could be. */
export interface Listed {
  readonly entry: Entry
  readonly message?: Message
  /** Why its file could not be read. */
  readonly trouble?: string
}

/** As wide as the column of ids and its gap. */
const INDENT = ' '.repeat(10)

const COLUMNS = {
  id: { head: 'ID' },
  state: { head: 'STATE' },
  size: { head: 'SIZE', align: 'right' },
  age: { head: 'AGE', align: 'right' },
  tries: { head: 'TRIES', align: 'right' },
  next: { head: 'NEXT' },
  to: { head: 'TO', most: 30 },
  subject: { head: 'SUBJECT' },
} satisfies Record<string, Column>

type Name = keyof typeof COLUMNS

export class Rows {
  readonly #screen: Screen
  readonly #around: Around
  readonly #names: readonly Name[]
  readonly #columns: readonly Column[]
  #widths: number[] | undefined
  #pending: { readonly reason: Reason; readonly times: number } | undefined
  /** How many rows there were, and how many bytes their messages take. */
  count = 0
  size = 0

  constructor(screen: Screen, around: Around, withFiles: boolean) {
    this.#screen = screen
    this.#around = around
    this.#names = (Object.keys(COLUMNS) as Name[]).filter(
      (name) => withFiles || (name !== 'size' && name !== 'subject'),
    )
    this.#columns = this.#names.map((name) => COLUMNS[name])
  }

  /** The lines of some more messages; the heads stand before the first. */
  format(listed: readonly Listed[]): string {
    if (listed.length === 0) return ''
    const rows = listed.map((one) => this.#cells(one))
    const first = this.#widths === undefined
    this.#widths = widthsOf(this.#columns, rows, this.#widths)
    const { edge, head } = this.#screen
    const lines = first ? [head(formatHead(this.#columns, this.#widths, edge))] : []
    for (const [at, one] of listed.entries()) {
      const reason = this.#reason(one)
      const same = reason !== undefined && reason.text === this.#pending?.reason.text
      if (!same) lines.push(...this.#flush())
      lines.push(formatRow(this.#columns, this.#widths, rows[at]!, edge))
      if (reason !== undefined)
        this.#pending = { reason, times: same ? this.#pending!.times + 1 : 1 }
      this.count++
      this.size += one.message?.size ?? 0
    }
    return lines.map((line) => `${line}\n`).join('')
  }

  /** What is still to be said below the last row; `more` were not shown. */
  end(more: number): string {
    const lines = this.#flush()
    if (more > 0) lines.push(`... ${more.toLocaleString('en')} more`)
    if (this.count > 0) lines.push('')
    return lines.map((line) => `${line}\n`).join('')
  }

  #cells({ entry, message }: Listed): string[] {
    const { id, state, tries, lane } = entry
    const { to, subject, event } = message?.envelope ?? {}
    const cells: Record<Name, string> = {
      id: shortId(id),
      state,
      size: message === undefined ? NOTHING : briefSize(message.size),
      age: briefSpan(this.#around.now - idTime(id)),
      tries: String(tries),
      next: nextOf(entry, this.#around),
      to: to === undefined ? lane : shownTo(to),
      subject: subject ?? event ?? '',
    }
    return this.#names.map((name) => cells[name])
  }

  #reason({ entry, message, trouble }: Listed): Reason | undefined {
    if (trouble !== undefined) return { text: trouble }
    if (message === undefined) return undefined
    const { trail, defect } = message
    const first = this.#around.waitsFor?.get(entry.id)
    if (first !== undefined) return { text: `waits for ${first}: its order` }
    const reason = reasonOf(trail, this.#around.now)
    if (defect !== undefined && entry.state !== 'corrupt') return { text: defect }
    return reason ?? (defect === undefined ? undefined : { text: defect })
  }

  #flush(): string[] {
    if (this.#pending === undefined) return []
    const { reason, times } = this.#pending
    this.#pending = undefined
    const these = times === 1 ? '' : `these ${times}: `
    const ago =
      reason.at === undefined ? '' : `, ${briefSpan(this.#around.now - reason.at)} ago`
    const line = `${INDENT}(${these}${printable(reason.text, 500)}${ago})`
    return [cutAt(line, this.#screen.edge)]
  }
}
