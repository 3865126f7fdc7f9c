/**
 * complete - asked by a shell while somebody types: a line for each word that may stand there,
 * with what it means behind a tab. Whatever goes wrong, there is nothing to offer.
 */
import { findSpool } from '../config/find.ts'
import type { Flags } from '../config/find.ts'
import { shortId } from '../message/id.ts'
import type { State } from '../message/state.ts'
import { candidatesFor } from './candidates.ts'
import type { Candidate, Source } from './candidates.ts'
import type { Define, Io } from './command.ts'
import { COMMANDS } from './commands.ts'
import { addCommand, newProgram } from './program.ts'

/** Messages that are offered; nobody reads through more. */
const OFFERED = 200

/** Where the messages are that a command is for; those of others may be anywhere. */
const FOR: Readonly<Record<string, readonly State[]>> = {
  flush: ['deferred'],
  release: ['hold'],
  requeue: ['bounce', 'corrupt'],
}

/** `msgq complete -- WORDS`, the last of which is being typed. */
export const define: Define = (command, begin) => {
  command.argument('[WORD...]').action((words: string[]) => {
    begin((io, flags) => complete(words, io, flags))
  })
}

async function complete(words: string[], io: Io, flags: Flags): Promise<number> {
  const found = await candidates(words, io, flags).catch((): Candidate[] => [])
  const lines = found.map(({ text, about = '' }) => `${text}\t${about}\n`)
  await io.print(lines.join(''))
  return 0
}

async function candidates(words: string[], io: Io, flags: Flags): Promise<Candidate[]> {
  const [name = '', ...rest] = words
  if (words.length <= 1 || (name === 'help' && words.length === 2))
    return COMMANDS.filter((each) => each.name.startsWith(words.at(-1) ?? '')).map(
      (each) => ({ text: each.name, about: each.summary }),
    )
  const listed = COMMANDS.find((each) => each.name === name || each.alias === name)
  if (listed === undefined) return []
  const command = addCommand(newProgram(), listed)
  const { define: defineIt } = await listed.load()
  defineIt(command, () => {})
  return candidatesFor(command, rest, sourceOf(rest, io, flags))
}

/** Asks the configuration and the spool that the line being typed is about. */
function sourceOf(words: readonly string[], io: Io, flags: Flags): Source {
  const valueOf = (...names: readonly string[]) => {
    const at = words.findLastIndex((word) => names.includes(word))
    return at === -1 ? undefined : words[at + 1]
  }
  const { config = valueOf('-c', '--config'), spool = valueOf('--spool') } = flags
  const meant: Flags = { config, spool }
  const place = () => findSpool(io.environment, meant)
  return {
    async destinations() {
      const { termsOf } = await import('../library/terms.ts')
      const { destinations } = await termsOf(io, meant, await place())
      return [...(destinations?.keys() ?? [])].toSorted().map((text) => ({ text }))
    },
    async messages(command) {
      const { openDesk } = await import('../queue/open.ts')
      const { spool: folder, anyFilesystem } = await place()
      const desk = await openDesk(folder, { clock: io.clock, anyFilesystem })
      const states = FOR[command]
      const selector = states === undefined ? {} : { states }
      const { items } = await desk.list(selector, { limit: OFFERED })
      return items.map(({ id, state, lane }) => ({
        text: shortId(id),
        about: `${state}, ${lane}`,
      }))
    },
  }
}
