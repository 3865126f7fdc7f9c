/**
 * lines - the lines of an input of any length, one at a time.
 *
 * A line that is over the limit, or for which there is no room, is never held: that is said, and
 * it is passed by.
 */
export interface InputLine {
  /** From 1. */
  readonly number: number
  /** Without its newline; empty for a line that is not held. */
  readonly bytes: Buffer
  readonly isOver: boolean
  readonly isCrowded: boolean
}

/** Who says how much may be held; what was yielded is for its reader to give back. */
export interface Room {
  take(bytes: number): boolean
  give(bytes: number): void
}

const ANY: Room = { take: () => true, give: () => {} }

const NEWLINE = 0x0a

/** The lines of an input; the last one may lack its newline. */
export async function* linesOf(
  input: AsyncIterable<Buffer>,
  limit: number,
  room: Room = ANY,
): AsyncGenerator<InputLine, void, undefined> {
  let number = 1
  let parts: Buffer[] = []
  let length = 0
  let held = 0
  let isCrowded = false
  const drop = (): void => {
    room.give(held)
    held = 0
    parts = []
  }
  const take = (part: Buffer): void => {
    length += part.length
    if (length <= limit && !isCrowded) {
      isCrowded = !room.take(part.length)
      if (!isCrowded) held += part.length
    }
    if (length > limit || isCrowded) drop()
    else parts.push(part)
  }
  const line = (): InputLine => {
    const isOver = length > limit
    const whole = { number: number++, bytes: Buffer.concat(parts), isOver, isCrowded }
    parts = []
    length = held = 0
    isCrowded = false
    return whole
  }
  for await (const chunk of input) {
    let start = 0
    let end = chunk.indexOf(NEWLINE)
    while (end !== -1) {
      take(chunk.subarray(start, end))
      yield line()
      start = end + 1
      end = chunk.indexOf(NEWLINE, start)
    }
    take(chunk.subarray(start))
  }
  if (length > 0) yield line()
}
