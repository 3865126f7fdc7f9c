/**
 * floors - checks the rules of the house (docs/design.md) over a tree of sources.
 *
 * Reads the syntax tree, so that comments and strings never count. Knows the rules and no more:
 * whether the code compiles is the compiler's business. A file that it cannot place is a
 * violation too, so that nothing escapes the rules by lying somewhere new.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'

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
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true)
  const found: string[] = []
  const name = file.replaceAll(/([a-z])([A-Z])/g, '$1-$2').toLowerCase()
  const word = FORBIDDEN_NAME.exec(name)?.[2]
  if (word) found.push(`${file}: '${word}' is not a word of this house`)
  if (floorOf(file) === -1) found.push(`${file}: is on no floor`)
  const say = (node: ts.Node, what: string) => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
    found.push(`${file}:${line + 1}: ${what}`)
  }
  const visit = (node: ts.Node): void => {
    const specifier = importedBy(node)
    if (specifier !== undefined) {
      const wrong = checkImport(file, specifier)
      if (wrong) say(node, wrong)
      for (const imported of namesTaken(node, specifier))
        checkUse(file, imported, node, say)
    }
    const use = useOf(node)
    if (use) checkUse(file, use, node, say)
    if (ts.isEnumDeclaration(node)) say(node, 'declares an enum')
    if (isDefaultExport(node)) say(node, 'has a default export')
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function floorOf(file: string): number {
  const place = file.split('/')[0]!
  return FLOORS.findIndex((side) => side.includes(place))
}

/** The module that a node imports or exports from, statically or at run time. */
function importedBy(node: ts.Node): string | undefined {
  const from =
    ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
      ? node.moduleSpecifier
      : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
        ? node.arguments[0]
        : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
          ? node.argument.literal
          : undefined
  return from && ts.isStringLiteralLike(from) ? from.text : undefined
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

/** `process.exit`, `Date.now`, `new Date()`: what a node asks of the world, or undefined. */
function useOf(node: ts.Node): string | undefined {
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date')
    return node.arguments?.length ? undefined : 'new Date()'
  if (ts.isPropertyAccessExpression(node))
    return `${node.expression.getText().replace(/^globalThis\./, '')}.${node.name.text}`
  return undefined
}

/** `process.env` of `import { env } from 'node:process'`. */
function namesTaken(node: ts.Node, specifier: string): string[] {
  const bindings = ts.isImportDeclaration(node)
    ? node.importClause?.namedBindings
    : undefined
  if (!/^(node:)?process$/.test(specifier) || !bindings || !ts.isNamedImports(bindings))
    return []
  return bindings.elements.map(
    ({ propertyName, name }) => `process.${(propertyName ?? name).text}`,
  )
}

function checkUse(
  file: string,
  use: string,
  node: ts.Node,
  say: (node: ts.Node, what: string) => void,
): void {
  // Only bin/ ends the program, once main has said with which code.
  if (use === 'process.exit') say(node, 'calls process.exit: only bin/ decides')
  if ((use === 'Date.now' || use === 'new Date()') && !ASKS_THE_TIME.test(file))
    say(node, `asks the time by ${use}: the clock is passed in`)
  if ((use === 'process.env' || use === 'process.argv') && !KNOWS_THE_PROGRAM.test(file))
    say(node, `reads ${use}: only config, cli and daemon know the program`)
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true
  if (ts.isExportSpecifier(node)) return node.name.text === 'default'
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
  )
}
