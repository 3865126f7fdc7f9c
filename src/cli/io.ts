/**
 * io - the real world of a command: standard streams, environment, clock.
 *
 * A stream is opened when it is first used: opening stdin changes how its owner's shell reads it.
 */
import { systemClock } from '../base/clock.ts'
import { errnoOf, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { systemEnvironment } from '../config/find.ts'
import type { Io } from './command.ts'

/** The reader of stdout left: there is nobody to print for, and that is no error. */
export class ReaderLeft extends Error {}

/** The Io of this program. */
export function systemIo(): Io {
  let stdout: NodeJS.WriteStream | undefined
  let stderr: NodeJS.WriteStream | undefined
  return {
    get stdin() {
      return process.stdin
    },
    get stdout() {
      return (stdout ??= unbreakable(process.stdout))
    },
    get stderr() {
      return (stderr ??= unbreakable(process.stderr))
    },
    environment: systemEnvironment(),
    clock: systemClock,
    print(text) {
      return new Promise((resolve, reject) => {
        this.stdout.write(text, (error) => (error ? reject(unprinted(error)) : resolve()))
      })
    },
    warn(line, hint) {
      this.stderr.write(warning(line, hint))
    },
  }
}

/** What is wrong, and what to do, in the one form that all of it has. */
export function warning(line: string, hint?: string): string {
  return `msgq: ${line}\n${hint === undefined ? '' : `  hint: ${hint}\n`}`
}

/** A stream whose errors are heard where it is written to, and nowhere else. */
function unbreakable(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  return stream.on('error', () => {})
}

function unprinted(error: Error): Error {
  const code = errnoOf(error)
  if (code === 'EPIPE' || code === 'EBADF' || code === 'ERR_STREAM_DESTROYED')
    return new ReaderLeft()
  return new MsgqError('cannot-create', `stdout: ${plainError(error)}`, undefined, error)
}
