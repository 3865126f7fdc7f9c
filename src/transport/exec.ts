/**
 * exec - delivers a message by a command: the body on its stdin, the envelope in its environment.
 *
 * Guarantees that an attempt ends in an outcome, soon after its time limit at the latest,
 * whatever the command does, and that no secret of its environment appears in what is said. No
 * shell looks at the command, and nothing that a sender wrote stands in it. Leaves to its
 * caller when to try, and how often. After a crash of ours a command may still run when
 * the next attempt starts it again.
 */
import { formatDuration } from '../base/duration.ts'
import { errnoOf, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import type { ExecDestination } from '../config/config.ts'
import type { Outcome } from '../message/outcome.ts'
import { concealer } from './conceal.ts'
import { execEnvironment } from './environment.ts'
import { judgeExit, KEPT } from './exit.ts'
import { Run } from './run.ts'
import type { Ran } from './run.ts'
import type { Attempt, Transport, TransportOptions } from './transport.ts'

type ExecAttempt = Attempt<ExecDestination>

/** The transport of destinations of type `exec`. */
export function createExecTransport({
  secrets,
  env,
}: Pick<TransportOptions, 'secrets' | 'env'>): Transport<ExecDestination> {
  const live = new Set<Run>()

  async function deliver(attempt: ExecAttempt, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return { ...stopped(), uncharged: true }
    const { destination, body } = attempt
    const { command, directory, timeout } = destination
    const hidden: string[] = []
    let run: Run
    try {
      const environment = execEnvironment(attempt, env, secrets, hidden)
      run = new Run({ command, directory, environment, body, timeout, kept: KEPT })
    } catch (error) {
      return unstartable(destination, error)
    }
    const stop = () => run.stop()
    live.add(run)
    signal.addEventListener('abort', stop, { once: true })
    try {
      return outcomeOf(await run.ended, destination, concealer(hidden))
    } finally {
      signal.removeEventListener('abort', stop)
      live.delete(run)
    }
  }

  return {
    deliver,
    async close() {
      for (const run of live) run.stop()
      await Promise.all([...live].map((run) => run.ended))
    },
  }
}

function outcomeOf(
  ran: Ran,
  destination: ExecDestination,
  hide: (text: string) => string,
): Outcome {
  if (ran.kind === 'unstarted') return unstartable(destination, ran.error)
  if (ran.cut === 'stopped') return { ...stopped(), mayHaveArrived: true }
  if (ran.cut === 'unreadable')
    return deferred(`body cannot be read: ${plainError(ran.error)}`)
  const outcome = judgeExit(ran, hide)
  if (ran.cut === undefined) return outcome
  const { answer } = outcome
  const reason = `no end in ${formatDuration(destination.timeout)}, and killed`
  const said = answer === undefined ? {} : { answer }
  return { kind: 'deferred', reason, fault: 'receiver', mayHaveArrived: true, ...said }
}

function unstartable({ command, directory }: ExecDestination, error: unknown) {
  if (error instanceof MsgqError) return deferred(error.message)
  // For a directory that is not there the system says the same.
  const where = errnoOf(error) === 'ENOENT' ? ` (or its directory ${directory})` : ''
  return deferred(`cannot be started: ${command[0]}${where}: ${plainError(error)}`)
}

function stopped() {
  return deferred('stopped before it ended')
}

function deferred(reason: string) {
  return { kind: 'deferred', reason: printable(reason), fault: 'configuration' } as const
}
