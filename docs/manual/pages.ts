/**
 * pages - all pages of the manual: their prose from here, the rest from where it is true.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { VERSION } from '../../src/base/version.ts'
import { newProgram as newDaemon } from '../../src/daemon/main.ts'
import type { Block } from './block.ts'
import { readMarkdown } from './markdown.ts'
import { allCommands, commandBlocks, commonOptions, programBlocks } from './options.ts'
import { roff } from './roff.ts'
import { tomlBlocks } from './toml.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** The source of each page by its file's name. */
export async function allPages(date: string): Promise<ReadonlyMap<string, string>> {
  const commands = await allCommands()
  const pages: Readonly<Record<string, Readonly<Record<string, readonly Block[]>>>> = {
    'msgq.1': { options: [commonOptions(commands)], commands: commandBlocks(commands) },
    'msgqd.8': { options: programBlocks(newDaemon()) },
    'msgq.toml.5': { options: tomlBlocks(textOf('etc/msgq.toml')) },
    'msgq-spool.5': { spool: readMarkdown(textOf('spool/README.md')) },
  }
  return new Map(
    Object.entries(pages).map(([file, insert]) => {
      const [, name, section] = /^(.*)\.(\d)$/.exec(file)!
      const blocks = readMarkdown(textOf(`docs/manual/${file}.md`), insert)
      return [
        file,
        roff({ name: name!, section: Number(section), date, version: VERSION, blocks }),
      ]
    }),
  )
}

function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}
