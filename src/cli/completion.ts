/**
 * completion - prints what makes a shell complete the command lines of msgq.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Define } from './command.ts'

/** The files below etc/completions, by the shell that reads them. */
const SHELLS = { bash: 'msgq.bash', zsh: '_msgq', fish: 'msgq.fish' } as const

const HELP = `
  source <(msgq completion bash)      in ~/.bashrc
  source <(msgq completion zsh)       in ~/.zshrc, behind compinit
  msgq completion fish | source       in ~/.config/fish/config.fish

It completes commands, options, destinations, states, and the ids of messages.`

/** `msgq completion`. */
export const define: Define = (command, begin) => {
  command
    .addArgument(
      command
        .createArgument('<SHELL>', 'whose completion to print')
        .choices(Object.keys(SHELLS)),
    )
    .addHelpText('after', HELP)
    .action((shell: keyof typeof SHELLS) => {
      begin(async (io) => {
        const { packageRoot } = io.environment
        const file = join(packageRoot, 'etc/completions', SHELLS[shell])
        await io.print(readFileSync(file, 'utf8'))
        return 0
      })
    })
}
