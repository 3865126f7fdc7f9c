/**
 * roff - blocks as man(7) macros, as groff and mandoc both want them.
 */
import { plain } from './block.ts'
import type { Block, Inline, Terms } from './block.ts'

export interface Page {
  /** `msgq.toml` */
  readonly name: string
  readonly section: number
  /** `2026-11-20` */
  readonly date: string
  readonly version: string
  readonly blocks: readonly Block[]
}

/** Characters of a line of the source. */
const WIDTH = 78
/** What is typed and no longer than this stays in one line. */
const WHOLE = 48

const FACES = { bold: '\\fB', italic: '\\fI', code: '\\fB' } as const

/** The source of a page. */
export function roff({ name, section, date, version, blocks }: Page): string {
  const head = `.TH ${name.toUpperCase().replaceAll('-', '\\-')} ${section} ${date} "msgq ${version}" "msgq"`
  const lines = [`'\\" t`, head]
  blocks.forEach((block, index) => {
    const before = blocks[index - 1]?.kind
    lines.push(...linesOf(block, before === 'section' || before === 'subsection'))
  })
  return `${lines.join('\n')}\n`
}

function linesOf(block: Block, isFirst: boolean): string[] {
  const apart = isFirst ? [] : ['.PP']
  switch (block.kind) {
    case 'section':
      return [`.SH ${argument(block.text, (text) => text.toUpperCase())}`]
    case 'subsection':
      return [`.SS ${argument(block.text)}`]
    case 'paragraph':
      return [...apart, ...filled(block.text)]
    case 'code':
      return [
        ...apart,
        '.RS 4',
        '.EX',
        ...block.text.trimEnd().split('\n').map(verbatim),
        '.EE',
        '.RE',
      ]
    case 'items':
      return block.items.flatMap((item) => ['.IP \\(bu 2', ...filled(item)])
    case 'terms':
      return termLines(block)
    case 'table':
      return [
        ...apart,
        '.TS',
        `${block.rows[0]!.map((_, index, all) => (index === all.length - 1 ? 'lx' : 'l')).join(' ')}.`,
        ...block.rows.flatMap(rowLines),
        '.TE',
      ]
  }
}

/** The last cell may take more than one line. */
function rowLines(row: readonly (readonly Inline[])[]): string[] {
  const cells = row.slice(0, -1).map((cell) => `${faced(cell)}\t`)
  return [`${cells.join('')}T{`, ...filled(row.at(-1)!), 'T}']
}

function termLines({ terms }: Terms): string[] {
  return terms.flatMap(({ heads, lines }) => [
    ...heads.flatMap((head, index) => [index === 0 ? '.TP' : '.TQ', guarded(faced(head))]),
    ...lines.flatMap((line, index) => [...(index === 0 ? [] : ['.br']), ...filled(line)]),
  ])
}

/** Text in lines of the source that end between words. */
function filled(text: readonly Inline[]): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of faced(text)
    // Not at a space that must not break.
    .split(/(?<!\\)\s+/)
    .filter((each) => each !== '')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(guarded(line))
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return line === '' ? lines : [...lines, guarded(line)]
}

/** A piece of text; spaces in what is typed as it stands do not break, unless it is long. */
function faced(text: readonly Inline[], outer = '\\fR'): string {
  return text
    .map((each) => {
      if (typeof each === 'string') return escaped(each.replaceAll('\n', ' '))
      const face = FACES[each.face]
      const inner = each.face === 'code' ? typed(each.of) : faced(each.of, face)
      return `${face}${inner}${outer}`
    })
    .join('')
}

function typed(text: readonly Inline[]): string {
  const words = escaped(plain(text)).replaceAll('-', '\\-')
  return words.length > WHOLE ? words : words.replaceAll(/ +/g, '\\ ')
}

function verbatim(line: string): string {
  return guarded(escaped(line).replaceAll('-', '\\-'))
}

/** An argument of a macro. */
function argument(
  text: readonly Inline[],
  change: (text: string) => string = (same) => same,
): string {
  return `"${escaped(change(plain(text))).replaceAll('"', '\\(dq')}"`
}

const SIGNS: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '^': '\\(ha',
  '~': '\\(ti',
  '`': '\\(ga',
  "'": '\\(aq',
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^~`']|[^\u0000-\u007f]/gu, (sign) => {
    const hex = sign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
    return SIGNS[sign] ?? `\\[u${hex}]`
  })
}

/** A line that no dot at its beginning makes a macro. */
function guarded(line: string): string {
  return line.startsWith('.') ? `\\&${line}` : line
}
