import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { marked } from 'marked'
import t from 'tap'

import { checkConfig } from '../src/config/load.ts'
import { Machine } from './end-to-end/machine.ts'

// What the README shows is run, in its order, against a real daemon and a receiver on loopback.

const README = readFileSync('README.md', 'utf8')

/** The fenced blocks of a kind, in order. */
function blocks(kind: string): string[] {
  const fence = new RegExp(`^\`\`\`${kind}\n([\\s\\S]*?)^\`\`\`$`, 'gm')
  return [...README.matchAll(fence)].map((match) => match[1]!)
}

void t.test('every command line of the README works as it stands', async (t) => {
  const machine = new Machine(t)
  const sink = await machine.sink()
  const routes = blocks('toml').filter((block) => block.includes('[[routes]]'))
  machine.configure(
    ['ops', 'crm', 'chat']
      .map((name) => `[destinations.${name}]\ntype = "http"\nurl = "${sink.url}/${name}"\n`)
      .concat(routes)
      .join(''),
  )
  const home = join(machine.spool, '..')
  await machine.start()
  mkdirSync(join(home, 'bin'))
  for (const name of ['msgq', 'msgqd']) {
    const shim = join(home, 'bin', name)
    writeFileSync(
      shim,
      `#!/bin/sh\nexec "${process.execPath}" "${resolve('bin', name)}" "$@"\n`,
    )
    chmodSync(shim, 0o755)
  }
  writeFileSync(join(home, 'order.json'), '{"order":1}')
  writeFileSync(join(home, 'report.txt'), 'all is well\n')
  const bash = (line: string) =>
    spawnSync('bash', ['-c', line], {
      cwd: home,
      encoding: 'utf8',
      env: {
        ...machine.env,
        PATH: `${join(home, 'bin')}:${process.env['PATH']}`,
        TMPDIR: home,
      },
    })

  const lines = blocks('console')
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('$ '))
    .map((line) => line.slice(2))
  t.ok(lines.length > 15, `${lines.length} command lines`)
  for (const line of lines) {
    const { status, stderr } = bash(line)
    t.equal(status, 0, `${line}\n${stderr}`)
  }

  const [byHand] = blocks('sh').filter((block) => block.includes('incoming/'))
  const before = sink.accepted.size
  const made = bash(byHand!)
  t.equal(made.status, 0, made.stderr)
  await machine.until('the message made by hand arrives', () => sink.accepted.size > before)
})

void t.test('the configuration of the README loads', async (t) => {
  const folder = t.testdir({ 'msgq.toml': blocks('toml')[0]! })
  symlinkSync('/nonexistent', join(folder, 'etc'))
  const { problems } = checkConfig(
    { env: {}, home: '', packageRoot: folder, etc: join(folder, 'etc'), var: folder },
    { config: join(folder, 'msgq.toml') },
  )
  t.strictSame(problems, [])
})

void t.test(
  'no link from a page to another one is dead, nor to a heading of it',
  async (t) => {
    const pages = ['docs', 'systemd']
      .flatMap((folder) =>
        readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) =>
          join(folder, name),
        ),
      )
      .concat('README.md', 'CHANGELOG.md', 'spool/README.md')
      .filter((page) => page.endsWith('.md'))
    let links = 0
    for (const page of pages)
      for (const link of linksOf(page)) {
        links++
        const [path = '', heading] = link.split('#')
        const target = path === '' ? page : join(dirname(page), path)
        const isThere =
          existsSync(target) && (heading === undefined || anchorsOf(target).has(heading))
        t.ok(isThere, `${page}: ${link}`)
      }
    t.ok(links > 150, `${links} links`)
  },
)

void t.test('docs/README.md leads to every page of docs', async (t) => {
  const led = new Set(linksOf('docs/README.md'))
  const pages = readdirSync('docs').filter(
    (name) => name.endsWith('.md') && name !== 'README.md',
  )
  for (const page of [...pages, 'decisions/README.md', '../spool/README.md'])
    t.ok(led.has(page), page)
})

/** Where the links of a page lead that do not leave the repository. */
function linksOf(page: string): string[] {
  const links: string[] = []
  void marked.walkTokens(tokensOf(page), (token) => {
    if (token.type === 'link' && !/^[a-z]+:/.test(token.href)) links.push(token.href)
  })
  return links
}

/** The headings of a page as GitHub calls them in a URL. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>()
  void marked.walkTokens(tokensOf(page), (token) => {
    if (token.type !== 'heading') return
    const words = token.text.toLowerCase().replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    anchors.add(words.replaceAll(' ', '-'))
  })
  return anchors
}

function tokensOf(page: string) {
  return marked.lexer(readFileSync(page, 'utf8'))
}
