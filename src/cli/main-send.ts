/**
 * main-send - msgq as cron starts it a thousand times: with `send` at hand.
 *
 * src/bundle.mjs makes one file of it, with all that one message needs. What needs more than
 * that throws MSGQ_DETOUR, and bin/msgq begins anew with main.ts: until then nothing may have
 * been written, said, or read from stdin.
 */
import { COMMANDS } from './commands.ts'
import { systemIo } from './io.ts'
import { main } from './main.ts'
import { define } from './send.ts'

const commands = COMMANDS.map((command) =>
  command.name === 'send' ? { ...command, load: async () => ({ define }) } : command,
)

/** Runs `msgq send` with these arguments; resolves with its exit code. */
export function mainSend(argv: readonly string[]): Promise<number> {
  return main(argv, systemIo(), commands)
}
