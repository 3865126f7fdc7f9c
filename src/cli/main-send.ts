/**
 * main-send - msgq as cron starts it a thousand times: a `send` that is plainly written.
 *
 * src/bundle.mjs makes one file of it, with all that one message needs. What needs more than
 * that, commander first of all, throws MSGQ_DETOUR, and bin/msgq begins anew with main.ts: until
 * then nothing may have been written, said, or read from stdin.
 */
import { mayBecome } from './become.ts'
import { complain } from './complain.ts'
import { systemIo } from './io.ts'
import { plainLine } from './plain-line.ts'
import { run } from './send.ts'

/** Runs `msgq send` with these arguments; resolves with its exit code. */
export async function mainSend(argv: readonly string[]): Promise<number> {
  const io = systemIo()
  const [, ...words] = argv
  const line = mayBecome() ? plainLine(words) : undefined
  if (line === undefined) {
    const { main } = await import('./main.ts')
    return main(argv, io)
  }
  try {
    return await run(line, io, line.flags)
  } catch (error) {
    return complain(error, 'send', io)
  }
}
