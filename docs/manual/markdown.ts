/**
 * markdown - the prose of the manual: headings, paragraphs, lists, tables, code.
 *
 * `<!-- NAME -->` on a line of its own is a place for blocks that come from elsewhere. What it
 * does not know is an error, so that nothing is missing in a page without a word.
 */
import { lexer } from 'marked'
import type { Token, Tokens } from 'marked'

import type { Block, Inline } from './block.ts'

/** The blocks of a text. The heading of level 1 is the page's name and is left out. */
export function readMarkdown(
  text: string,
  insert: Readonly<Record<string, readonly Block[]>> = {},
): Block[] {
  return lexer(text).flatMap((token) => blocksOf(token, insert))
}

function blocksOf(
  token: Token,
  insert: Readonly<Record<string, readonly Block[]>>,
): readonly Block[] {
  switch (token.type) {
    case 'space':
      return []
    case 'heading': {
      const { depth, tokens } = token as Tokens.Heading
      if (depth === 1) return []
      return [{ kind: depth === 2 ? 'section' : 'subsection', text: inline(tokens) }]
    }
    case 'paragraph':
      return [{ kind: 'paragraph', text: inline(token.tokens) }]
    case 'code':
      return [{ kind: 'code', text: (token as Tokens.Code).text }]
    case 'list':
      return [{ kind: 'items', items: (token as Tokens.List).items.map(itemOf) }]
    case 'table':
      return [tableOf(token as Tokens.Table)]
    case 'html': {
      const name = /^<!-- (\S+) -->/.exec(token.raw)?.[1]
      if (name !== undefined && insert[name] !== undefined) return insert[name]
    }
  }
  throw new Error(`manual: cannot put this into a page: ${token.raw}`)
}

function itemOf({ tokens }: Tokens.ListItem): Inline[] {
  return tokens.flatMap((token) => {
    if (token.type === 'text' || token.type === 'paragraph') return inline(token.tokens)
    throw new Error(`manual: an item of a list is more than text: ${token.raw}`)
  })
}

/** The characters of all columns but the last, at most, for a table of columns. */
const NARROW = 30

/** Two columns are terms; more are columns where they fit, else terms with named lines. */
function tableOf({ header, rows }: Tokens.Table): Block {
  const names = header.map(({ tokens }) => inline(tokens))
  const cells = rows.map((row) => row.map(({ tokens }) => inline(tokens)))
  const width = header
    .slice(0, -1)
    .map((_, column) => Math.max(...rows.map((row) => row[column]!.text.length)))
    .reduce((sum, each) => sum + each + 3, 0)
  if (names.length > 2 && width <= NARROW)
    return {
      kind: 'table',
      rows: [names.map((name) => [{ face: 'bold', of: name }]), ...cells],
    }
  return {
    kind: 'terms',
    terms: cells.map(([head, ...rest]) => ({
      heads: [head!],
      lines: rest
        .map((cell, index) =>
          rest.length === 1
            ? cell
            : [{ face: 'italic' as const, of: names[index + 1]! }, ': ', ...cell],
        )
        .filter((line) => line.length > 0),
    })),
  }
}

function inline(tokens: readonly Token[] | undefined): Inline[] {
  return (tokens ?? []).flatMap((token): Inline[] => {
    switch (token.type) {
      case 'text':
        return token.tokens === undefined ? [unescaped(token.text)] : inline(token.tokens)
      case 'escape':
        return [token.text]
      case 'codespan':
        return [{ face: 'code', of: [token.text] }]
      case 'strong':
        return [{ face: 'bold', of: inline(token.tokens) }]
      case 'em':
        return [{ face: 'italic', of: inline(token.tokens) }]
      // A page has no links: what is behind one is said in SEE ALSO.
      case 'link':
        return inline(token.tokens)
      case 'br':
        return [' ']
      default:
        throw new Error(`manual: cannot put this into a line: ${token.raw}`)
    }
  })
}

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
