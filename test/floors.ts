/**
 * floors - checks the rules of the house (docs/design.md) over a tree of sources.
 *
 * Reads the syntax tree, so that comments and strings never count. Knows the rules and no more:
 * whether the code compiles is the compiler's business. A file that it cannot place or parse is
 * a violation too, so that nothing escapes the rules by lying somewhere new.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { Visitor, parseSync } from 'oxc-parser'
import type {
  MemberExpression,
  ModuleExportName,
  Node,
  Span,
  VisitorObject,
} from 'oxc-parser'

/** From the ground up. What stands on one line stands side by side: neither imports the other. */
const FLOORS: readonly (readonly string[])[] = [
  ['base'],
  ['message'],
  ['config'],
  ['queue', 'transport'],
  ['delivery'],
  ['intake', 'receiver'],
  // What programs and commands do to a queue alike.
  ['library'],
  // Its barrel, and the one file outside a folder.
  ['index.ts'],
  ['daemon', 'cli'],
]

const TOUCHES_FILES = /^(base\/durable\.ts|queue\/spool\/|config\/|cli\/)/
const ASKS_THE_TIME = /^base\/clock\.ts$/
const KNOWS_THE_PROGRAM = /^(config|cli|daemon)\//
const FORBIDDEN_NAME =
  /(^|[^a-z])(job|task|worker|payload|handler|helper|util|process|manager)(s|es)?([^a-z]|$)/

export interface Report {
  /** One line each: the file and its line, and what it may not do. */
  readonly violations: readonly string[]
  /** Files of more than 250 lines: allowed, and worth a look. */
  readonly long: readonly string[]
  readonly files: number
}

/** Holds every .ts file below a folder (`src`) against the rules. */
export function checkFloors(root: string): Report {
  const violations: string[] = []
  const long: string[] = []
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts'))
    .toSorted()
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8')
    const lines = text.trimEnd().split('\n').length
    if (lines > 250) long.push(`${file} has ${lines} lines`)
    violations.push(...checkFile(file, text))
  }
  return { violations, long, files: files.length }
}

function checkFile(file: string, text: string): string[] {
  const { program, errors } = parseSync(file, text)
  const found = errors.map(({ message }) => `${file}: ${message}`)
  const name = file.replaceAll(/([a-z])([A-Z])/g, '$1-$2').toLowerCase()
  const word = FORBIDDEN_NAME.exec(name)?.[2]
  if (word) found.push(`${file}: '${word}' is not a word of this house`)
  if (floorOf(file) === -1) found.push(`${file}: is on no floor`)
  const say = ({ start }: Span, what: string) => {
    found.push(`${file}:${text.slice(0, start).split('\n').length}: ${what}`)
  }
  new Visitor(rules(file, text, say)).visit(program)
  return found
}

/** What is looked at of a file, by the kind of node. */
function rules(
  file: string,
  text: string,
  say: (node: Span, what: string) => void,
): VisitorObject {
  const imports = (node: Span, from: Node | null): void => {
    const specifier = from === null ? undefined : textOf(from)
    const wrong = specifier === undefined ? undefined : checkImport(file, specifier)
    if (wrong) say(node, wrong)
  }
  const uses = (node: Span, use: string): void => {
    const wrong = checkUse(file, use)
    if (wrong) say(node, wrong)
  }
  const written = ({ start, end }: Span) => text.slice(start, end)
  const isDefault = (name: ModuleExportName) => written(name) === 'default'
  const hasDefault = (node: Span) => say(node, 'has a default export')
  return {
    ImportDeclaration(node) {
      imports(node, node.source)
      if (!/^(node:)?process$/.test(node.source.value)) return
      // `process.env` of `import { env } from 'node:process'`.
      for (const specifier of node.specifiers)
        if (specifier.type === 'ImportSpecifier')
          uses(node, `process.${written(specifier.imported)}`)
    },
    ExportNamedDeclaration(node) {
      imports(node, node.source)
      for (const { exported } of node.specifiers) if (isDefault(exported)) hasDefault(node)
    },
    ExportAllDeclaration: (node) => imports(node, node.source),
    ImportExpression: (node) => imports(node, node.source),
    TSImportType: (node) => imports(node, node.source),
    NewExpression(node) {
      if (written(node.callee) === 'Date' && node.arguments.length === 0)
        uses(node, 'new Date()')
    },
    MemberExpression(node) {
      uses(node, `${written(node.object).replace(/^globalThis\./, '')}.${nameOf(node)}`)
    },
    TSEnumDeclaration: (node) => say(node, 'declares an enum'),
    ExportDefaultDeclaration: hasDefault,
    TSExportAssignment: hasDefault,
  }
}

function floorOf(file: string): number {
  const place = file.split('/')[0]!
  return FLOORS.findIndex((side) => side.includes(place))
}

/** What a string says, if it says the same each time. */
function textOf(node: Node): string | undefined {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value
  if (node.type !== 'TemplateLiteral' || node.expressions.length > 0) return undefined
  return node.quasis[0]?.value.cooked ?? undefined
}

function checkImport(file: string, specifier: string): string | undefined {
  if (/^(node:)?fs(\/promises)?$/.test(specifier))
    return TOUCHES_FILES.test(file) ? undefined : `imports ${specifier}`
  if (!specifier.startsWith('.')) return undefined
  const target = posix.join(posix.dirname(file), specifier)
  if (target.startsWith('../')) return `imports ${specifier}, which lies outside src`
  const [mine, theirs] = [file.split('/')[0], target.split('/')[0]]
  if (mine === theirs) return undefined
  if (floorOf(target) === -1) return `imports ${specifier}, which is on no floor`
  return floorOf(target) < floorOf(file) ? undefined : `${mine} imports from ${theirs}`
}

function nameOf({ property }: MemberExpression): string {
  return property.type === 'Identifier' ? property.name : ''
}

/** What is wrong with asking this of the world, if it is. */
function checkUse(file: string, use: string): string | undefined {
  // Only bin/ ends the program, once main has said with which code.
  // What each call leaves in a signal that lives on stays there for ever.
  if (use === 'AbortSignal.any') return 'calls AbortSignal.any: base/linked.ts lets go'
  if (use === 'process.exit') return 'calls process.exit: only bin/ decides'
  if ((use === 'Date.now' || use === 'new Date()') && !ASKS_THE_TIME.test(file))
    return `asks the time by ${use}: the clock is passed in`
  if ((use === 'process.env' || use === 'process.argv') && !KNOWS_THE_PROGRAM.test(file))
    return `reads ${use}: only config, cli and daemon know the program`
  return undefined
}
