/**
 * lines - the lines of an input of any length, one at a time.
 *
 * A line that is over the limit is never held: it is said to be over, and passed by.
 */
export interface InputLine {
  /** From 1. */
  readonly number: number
  /** Without its newline; empty for a line that is over the limit. */
  readonly bytes: Buffer
  readonly isOver: boolean
}

const NEWLINE = 0x0a

/** The lines of an input; the last one may lack its newline. */
export async function* linesOf(
  input: AsyncIterable<Buffer>,
  limit: number,
): AsyncGenerator<InputLine, void, undefined> {
  let number = 1
  let parts: Buffer[] = []
  let length = 0
  const take = (part: Buffer): void => {
    length += part.length
    if (length > limit) parts = []
    else parts.push(part)
  }
  const line = (): InputLine => {
    const whole = { number: number++, bytes: Buffer.concat(parts), isOver: length > limit }
    parts = []
    length = 0
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
