/**
 * here - what msgq does with some words, called from here: a tenth of the time of a program.
 *
 * For what only looks, or prepares and verifies. That the program does the same is the business
 * of the tests beside this file.
 */
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'

import { systemClock } from '../../src/base/clock.ts'
import type { Io } from '../../src/cli/command.ts'
import { warning } from '../../src/cli/io.ts'
import { main } from '../../src/cli/main.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs msgq in this environment; `home` holds all that belongs to a machine. */
export async function msgqHere(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  home: string,
): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []]
  const io: Io = {
    stdin: Readable.from([]) as unknown as NodeJS.ReadStream,
    stdout: into(out) as unknown as NodeJS.WriteStream,
    stderr: into(err) as unknown as NodeJS.WriteStream,
    environment: {
      ...{ env, home, packageRoot: home },
      ...{ etc: join(home, 'etc'), var: join(home, 'var') },
    },
    clock: systemClock,
    print: async (text) => void out.push(Buffer.from(text).toString()),
    warn: (...said) => void err.push(warning(...said)),
  }
  const code = await main(words, io)
  return { code, out: out.join(''), err: err.join('') }
}

function into(texts: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _, done) {
      texts.push(chunk.toString())
      done()
    },
  })
}
