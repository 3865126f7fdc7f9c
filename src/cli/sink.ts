/**
 * sink - `msgq sink`: listens, prints a line for each request, and plays a script of answers.
 *
 * Ends with 0 when it is interrupted or has answered as many requests as were asked for, and
 * says what it counted. A reader of its output that is slow slows the answers down.
 */
import { parseDuration } from '../base/duration.ts'
import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import { shortId } from '../message/id.ts'
import type { Define, Io } from './command.ts'
import { collect } from './option-row.ts'
import { Sink } from './sink-server.ts'
import type { Arrival, SinkSetup } from './sink-server.ts'

const PORT = 8025
const LOOPBACK = '127.0.0.1'

export const define: Define = (command, begin) => {
  command
    .argument('[port]', `port to listen on; 0 is any that is free (default: ${PORT})`)
    .option('--answer <list>', 'answers in turn: [PATH=]200,503:30,timeout,reset', collect)
    .option('--slow <span>', 'wait so long before each answer')
    .option('--bind <address>', `address to listen on (default: ${LOOPBACK})`)
    .option('--count <n>', 'end after so many requests')
    .option('--json', 'a JSON object a line')
    .addHelpText('after', EXAMPLES)
    .action((port: string | undefined, options: Omit<SinkOptions, 'port'>) =>
      begin((io) => runSink({ ...options, ...(port === undefined ? {} : { port }) }, io)),
    )
}

const EXAMPLES = `
Examples:
  msgq sink                                    answer 200 to everything on port 8025
  msgq sink --answer 503,503,200               twice "later", then yes
  msgq sink --answer /a=timeout --answer /b=400   by path`

/** What the command line says, as it says it. */
export interface SinkOptions {
  /** PORT; 0 is any that is free. */
  readonly port?: string
  readonly bind?: string
  /** Once for each `--answer`. */
  readonly answer?: readonly string[]
  readonly slow?: string
  readonly json?: boolean
  readonly count?: string
}

/** Starts a sink. Rejects with a MsgqError when its script is wrong or it cannot listen. */
export async function startSink(setup: SinkSetup = {}): Promise<Sink> {
  const sink = new Sink(setup)
  await sink.listen(setup.port ?? PORT, setup.bind ?? LOOPBACK)
  return sink
}

/** Runs a sink until it is interrupted, or has answered `count` requests. */
export async function runSink(
  options: SinkOptions,
  io: Pick<Io, 'print' | 'clock'>,
): Promise<number> {
  const json = options.json ?? false
  const count = whole('--count', options.count, 1, Number.MAX_SAFE_INTEGER)
  const slow = options.slow === undefined ? 0 : span('--slow', options.slow)
  const port = whole('PORT', options.port, 0, 65_535) ?? PORT
  const end = new End(count)
  try {
    const sink = await startSink({
      port,
      slow,
      ...(options.bind === undefined ? {} : { bind: options.bind }),
      answers: options.answer ?? [],
      clock: io.clock,
      onArrival: (arrival) =>
        io
          .print(json ? jsonLine(arrival) : textLine(arrival))
          .catch((error: unknown) => end.fail(error)),
      onAnswered: () => end.answered(),
    })
    try {
      await io.print(
        json ? `${JSON.stringify({ url: sink.url })}\n` : `listening on ${sink.url}\n`,
      )
      await end.reached
    } finally {
      end.forget()
      await sink.close()
    }
    await io.print(totals(sink, json))
    return 0
  } finally {
    // Where it never began, too.
    end.forget()
  }
}

/** When to end: after so many answers, at a signal, or because nobody reads any more. */
class End {
  readonly reached: Promise<void>
  #resolve = () => {}
  #reject = (_error: unknown) => {}
  #left: number

  constructor(count = Infinity) {
    this.#left = count
    this.reached = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // It may fail while nobody waits for it yet.
    this.reached.catch(() => {})
    process.once('SIGINT', this.#resolve).once('SIGTERM', this.#resolve)
  }

  answered(): void {
    if (--this.#left === 0) this.#resolve()
  }

  fail(error: unknown): void {
    this.#reject(error)
  }

  forget(): void {
    process.off('SIGINT', this.#resolve).off('SIGTERM', this.#resolve)
  }
}

function whole(
  what: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined
  const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN
  if (number >= least && number <= most) return number
  const limits = most < Number.MAX_SAFE_INTEGER ? `${least} to ${most}` : String(least)
  throw new MsgqError(
    'usage',
    `${what}: is no number from ${limits}: ${shown(text)}`,
    'msgq sink --help',
  )
}

function span(what: string, text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  throw new MsgqError(
    'usage',
    `${what}: is no span of time: ${shown(text)}`,
    'as in 250ms or 2s',
  )
}

function shown(text: string): string {
  return JSON.stringify(printable(text, 60))
}

/** `10:15:00.123  POST /in  7 bytes  9T0V1A1P  attempt 3  -> 503  repeat  {"a":1}` */
function textLine(arrival: Arrival): string {
  const { at, method, path, bytes, id, attempt, answer, repeat, text } = arrival
  const parts = [
    timeOfDay(new Date(at)),
    `${method} ${printable(path, 200)}`,
    `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`,
    id === undefined ? 'no id' : printable(shortId(id)),
    ...(attempt === undefined ? [] : [`attempt ${attempt}`]),
    `-> ${answer}`,
    ...(repeat ? ['repeat'] : []),
    ...(text === undefined ? [] : [text]),
  ]
  return `${parts.join('  ')}\n`
}

function timeOfDay(date: Date): string {
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

function jsonLine({ at, ...rest }: Arrival): string {
  return `${JSON.stringify({ at: new Date(at).toISOString(), ...rest })}\n`
}

function totals({ requests, unique, repeats, broken }: Sink, json: boolean): string {
  if (json) return `${JSON.stringify({ requests, messages: unique, repeats, broken })}\n`
  const parts = [
    `${requests} ${requests === 1 ? 'request' : 'requests'}`,
    `${unique} ${unique === 1 ? 'message' : 'messages'}`,
    `${repeats} ${repeats === 1 ? 'repeat' : 'repeats'}`,
    ...(broken === 0 ? [] : [`${broken} broken off`]),
  ]
  return `${parts.join(', ')}\n`
}
