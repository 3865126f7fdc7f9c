/**
 * manual - the pages say every command, every option and every file that there is, and nothing
 * that there is not; and what shows pages has nothing to say of them.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import t from 'tap'

import { readMarkdown } from '../docs/manual/markdown.ts'
import { allCommands, shownOptions } from '../docs/manual/options.ts'
import { allPages } from '../docs/manual/pages.ts'
import { roff } from '../docs/manual/roff.ts'
import { COMMANDS } from '../src/cli/commands.ts'
import { fileTable, optionPaths } from '../src/config/options.ts'
import { newProgram as newDaemon } from '../src/daemon/main.ts'

const ROOT = resolve(import.meta.dirname, '..')
const pages = await allPages('2026-11-20')
const commands = await allCommands()

const lacks = (program: string) =>
  spawnSync(program, ['/dev/null']).error !== undefined && `no ${program} here`

/** A page as somebody reads it who has no terminal: sections with their lines. */
function sectionsOf(file: string): Map<string, string> {
  const sections = new Map<string, string>()
  let name = ''
  for (const line of pages.get(file)!.split('\n')) {
    const heading = /^\.S[HS] "(.*)"$/.exec(line)?.[1]
    if (heading !== undefined) name = heading
    const text = line.replaceAll(/\\f[RBI]/g, '').replaceAll('\\(aq', "'")
    const shown = text.replaceAll('\\-', '-').replaceAll('\\ ', ' ').replaceAll('\\e', '\\')
    sections.set(name, `${sections.get(name) ?? ''}${shown}\n`)
  }
  return sections
}

/** The terms of a section: what stands behind .TP and .TQ. */
function termsIn(section = ''): string[] {
  return [...section.matchAll(/^\.T[PQ]\n(.*)$/gm)].map(([, term]) => term!)
}

/** Command lines in a page: in code, or in a file that is no page wherever a verb follows `msgq`. */
function* typedIn(text: string, file: string) {
  const isPage = file.endsWith('.md')
  const code = isPage ? [...text.matchAll(/^```[^]*?^```$|`[^`\n]+`/gm)].join('\n') : text
  const others = new Set(['help', 'msgq'])
  const verbs = new RegExp(
    `^(?:${commands.map((it) => it.name()).join('|')}|[a-z]+-[a-z-]+)$`,
  )
  const start = isPage
    ? /(?<=^|[\s`(/;|"])(?<!groups )msgq (?=[a-z])/g
    : /(?<!(?:user|group|as|for|-g|-o) )\bmsgq (?=[a-z])/g
  for (const line of code.split('\n'))
    for (const { index, 0: match } of line.replace(/\s#.*/, '').matchAll(start)) {
      const [rest] = line.slice(index + match.length).split(/[`|;&<>)]|\s#|,\s|\.\s/)
      const words = rest!.trim().split(/\s+/)
      // Elsewhere it may be a sentence.
      const verb = isPage ? /^[a-z][a-z-]*$/ : verbs
      if (verb.test(words[0]!) && !others.has(words[0]!)) yield { line, words }
    }
}

const shown = (flags: string) => flags.replaceAll(/<(.+?)>/g, '$1')
const options = (command: Command) => shownOptions(command).map(shown)

t.test('each command with each of its options, and no other', async (t) => {
  const sections = sectionsOf('msgq.1')
  const common = termsIn(sections.get('OPTIONS'))
  t.same(common, ['-c, --config file', '--spool dir', '-h, --help'])
  const headings = [...sections.keys()].filter((name) => name.startsWith('msgq '))
  t.same(
    headings.map((name) => name.split(' ')[1]),
    COMMANDS.map(({ name }) => name),
  )
  for (const command of commands) {
    const section = sections.get(`msgq ${command.name()} ${command.usage()}`)
    const terms = termsIn(section).filter((term) => term.startsWith('-'))
    const own = options(command).filter((flags) => !common.includes(flags))
    t.same(terms, own, command.name())
  }
})

t.test('what other pages tell people to type is there', async (t) => {
  const lists = ['docs/*.md', 'docs/examples/**/*.md', 'etc/**', 'systemd/*', 'spool/*.md']
  const { stdout } = spawnSync('git', ['-c', 'safe.directory=*', 'ls-files', ...lists], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  const known = new Map(commands.map((command) => [command.name(), command]))
  for (const command of commands)
    for (const alias of command.aliases()) known.set(alias, command)
  let typed = 0
  // A page that a machine wrote, and what was decided long ago.
  const told = /^docs\/(?:boot\.md|decisions\/)/
  for (const file of stdout.split('\n').filter((it) => it !== '' && !told.test(it)))
    for (const { line, words } of typedIn(readFileSync(join(ROOT, file), 'utf8'), file)) {
      typed++
      const command = known.get(words[0]!)
      const ours = words.slice(1, words.includes('--') ? words.indexOf('--') : undefined)
      const wrong = ours
        .map((word) => /^--[a-z][a-z-]*/.exec(word)?.[0])
        .filter((option) => option !== undefined)
        .filter(
          (option) =>
            option !== '--help' && !command?.options.some(({ long }) => long === option),
        )
      t.ok(command, `${file}: ${line}`)
      t.same(wrong, [], `${file}: ${line}`)
    }
  t.ok(typed > 200, 'there is something to look at')
})

t.test('the daemon with each of its options', async (t) => {
  const terms = termsIn(sectionsOf('msgqd.8').get('OPTIONS'))
  t.same(terms, options(newDaemon()))
})

t.test('each option of msgq.toml', async (t) => {
  const sections = sectionsOf('msgq.toml.5')
  for (const path of optionPaths(fileTable)) {
    const [table, option] = path.length === 1 ? ['Above the first table', path[0]!] : path
    if (path[0] === 'destinations') t.ok(sections.has('[destinations.crm]'))
    else if (path[0] === 'mail') t.ok(sections.has('[mail]'))
    else if (path[0] === 'expect') t.ok(sections.has('[[expect]]'))
    else if (path[0] === 'routes') t.ok(sections.has('[[routes]]'))
    else {
      const name = path.length === 1 ? table! : `[${table}]`
      const said = termsIn(sections.get(name)).some((term) =>
        term.startsWith(`${option} = `),
      )
      t.ok(said, path.join('.'))
    }
  }
})

t.test('each folder of the spool', async (t) => {
  const [readme] = readFileSync(join(ROOT, 'spool/README.md'), 'utf8').split('## The name')
  const folders = [...readme!.matchAll(/^\| `(\w+\/)` /gm)].map(([, folder]) => folder!)
  t.ok(folders.length > 6)
  t.same(termsIn(sectionsOf('msgq-spool.5').get('THE FOLDERS')), folders)
})

t.test('package.json installs them all', async (t) => {
  const { man } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  t.same(man.toSorted(), [...pages.keys()].map((file) => `dist/man/${file}`).toSorted())
})

for (const [file, source] of pages)
  t.test(file, async (t) => {
    const path = join(t.testdir({}), file)
    writeFileSync(path, source)
    // Roff joins such a line with the next one: `msgq check` was msgqcheck.
    t.notMatch(source, /\\$/m, 'no line ends within a command')
    t.test('mandoc has nothing to say', { skip: lacks('mandoc') }, async (t) => {
      const { stdout, status } = spawnSync('mandoc', ['-Tlint', path], { encoding: 'utf8' })
      t.same([status, stdout], [0, ''])
    })
    t.test('groff has nothing to say', { skip: lacks('groff') }, async (t) => {
      const args = ['-man', '-t', '-K', 'utf8', '-Tutf8', '-ww', '-z', path]
      const { stderr } = spawnSync('groff', args, { encoding: 'utf8' })
      t.equal(stderr, '')
    })
  })

t.test('what roff would take for its own is text', { skip: lacks('mandoc') }, async (t) => {
  const text = `.dot 'quote' \\fB back ^~\` "x" -- ä €`
  const page = roff({
    name: 'x',
    section: 1,
    date: '2026-11-20',
    version: '1',
    blocks: [
      { kind: 'section', text: ['NAME'] },
      { kind: 'paragraph', text: [text] },
      { kind: 'code', text },
    ],
  })
  const path = join(t.testdir({}), 'x.1')
  writeFileSync(path, page)
  const { stdout } = spawnSync('mandoc', ['-Tutf8', path], { encoding: 'utf8' })
  t.equal(stdout.split(text).length, 3, stdout)
})

t.test('what no page can show is an error', async (t) => {
  for (const text of ['<b>x</b>\n', '<!-- nowhere -->\n', '![x](y.png)\n', '> quote\n'])
    t.throws(() => readMarkdown(text), /cannot put this/, text)
})
