/**
 * batch-route - many messages in one request: a line of JSON each, and a line of JSON for each.
 *
 * Answers come in the order of the lines, while lines are still read. Good ones are kept
 * whatever the others are. Lines are under way side by side and share their syncs. Whatever ends
 * the request, each line that was taken has its answer first.
 */
import type { Asked } from './asked.ts'
import { composeLine } from './batch-line.ts'
import { linesOf } from './lines.ts'
import type { InputLine } from './lines.ts'
import { asRefusal, Refusal } from './refusal.ts'
import type { Reply } from './reply.ts'
import { checkCrowd, take } from './take.ts'
import type { TakeDeps } from './take.ts'
import { crowded, tooLarge } from './asked.ts'

/** Lines under way at once, and their bytes; a single line may have more. */
const ABREAST = 128
const BYTES_ABREAST = 32 * 1024 * 1024

export function answerLines(deps: TakeDeps, asked: Asked, limit: number): Reply {
  asked.checkQuery(['to'])
  if (asked.header('idempotency-key') !== undefined)
    throw new Refusal(400, 'invalid', 'idempotency-key: each line has a key of its own', {
      field: 'key',
      hint: 'write "key" into each line',
    })
  const input = asked.pieces()
  return {
    status: 200,
    contentType: 'application/x-ndjson',
    isKept: true,
    stream: (write) => answerAll(deps, asked, { input, limit, write }),
  }
}

interface Stream {
  readonly input: AsyncIterable<Buffer>
  readonly limit: number
  readonly write: (text: string) => Promise<void>
}

async function answerAll(deps: TakeDeps, asked: Asked, stream: Stream): Promise<void> {
  const abreast = new Abreast()
  const { share, signal } = asked
  let tail: Promise<void> = Promise.resolve()
  try {
    for await (const line of linesOf(stream.input, stream.limit, share)) {
      const { length } = line.bytes
      if (isBlank(line)) {
        share.give(length)
        continue
      }
      await abreast.enter(length)
      signal.throwIfAborted()
      const answer = answerOne(deps, asked, line, stream.limit)
      tail = tail.then(async () => {
        const said = await answer
        share.give(length)
        // Its client has gone, perhaps; the line is queued all the same.
        await stream.write(said).catch(() => {})
        abreast.leave(length)
      })
    }
  } finally {
    await tail
  }
}

/** How many lines are under way, and of how many bytes. */
class Abreast {
  #lines = 0
  #bytes = 0
  #freed: () => void = () => {}

  async enter(length: number): Promise<void> {
    while (this.#lines >= ABREAST || (this.#lines > 0 && this.#isFull(length)))
      await new Promise<void>((resolve) => {
        this.#freed = resolve
      })
    this.#lines++
    this.#bytes += length
  }

  leave(length: number): void {
    this.#lines--
    this.#bytes -= length
    this.#freed()
  }

  #isFull(length: number): boolean {
    return this.#bytes + length > BYTES_ABREAST
  }
}

/** Never rejects: what is wrong with a line is its answer. */
async function answerOne(
  deps: TakeDeps,
  { caller, query }: Asked,
  { number: line, bytes, isOver, isCrowded }: InputLine,
  limit: number,
): Promise<string> {
  try {
    if (isOver) throw tooLarge(limit)
    if (isCrowded) throw crowded()
    checkCrowd(deps)
    const terms = deps.terms()
    const to = query.get('to') ?? terms.to
    const composed = composeLine(bytes, { to, terms, now: deps.clock.now() })
    const { id, isRepeat } = await take(deps, caller, composed)
    return textOf({ line, status: isRepeat ? 200 : 202, id, repeat: isRepeat })
  } catch (error) {
    return textOf({ line, ...asRefusal(error).problem })
  }
}

function textOf(answer: object): string {
  return `${JSON.stringify(answer)}\n`
}

function isBlank({ bytes, isOver, isCrowded }: InputLine): boolean {
  if (isOver || isCrowded) return false
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}
