/**
 * toml - the options of msgq.toml, as etc/msgq.toml says them. A test holds that file to the
 * schema.
 */
import { code } from './block.ts'
import type { Block, Inline } from './block.ts'

/** A section for each table, with its options. */
export function tomlBlocks(text: string): Block[] {
  const blocks: Block[] = [{ kind: 'subsection', text: ['Above the first table'] }]
  // The first lines say how to check the file; the page says it in its own words.
  const [, ...parts] = text.split('\n\n')
  for (const part of parts) {
    const lines = part.split('\n').filter((line) => line !== '')
    const remark = lines
      .filter((line) => line.startsWith('# '))
      .map((line) => line.slice(2))
    const options = lines.filter((line) => !line.startsWith('# '))
    const said = remark.length === 0 ? [] : inline(remark.join(' '))
    const [first] = options
    const table = /^#?(\[.*\])$/.exec(first ?? '')?.[1]
    if (table !== undefined) blocks.push({ kind: 'subsection', text: [table] })
    if (table !== undefined || first === undefined) {
      if (said.length > 0) blocks.push({ kind: 'paragraph', text: said })
    } else
      blocks.push({
        kind: 'terms',
        terms: [
          {
            heads: options.map((option) => [breakable(option.replace(/^#/, ''))]),
            lines: [said],
          },
        ],
      })
  }
  return blocks
}

/** What stands in backticks is typed as it stands. */
function inline(text: string): Inline[] {
  return text.split('`').map((piece, index) => (index % 2 === 0 ? piece : code(piece)))
}

/** A long value may be broken between its members. */
function breakable(option: string): Inline {
  return option.length <= 70 ? code(option) : { face: 'bold', of: [option] }
}
