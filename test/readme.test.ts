import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
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
function blocks(kind: string, page = README): string[] {
  const fence = new RegExp(`^\`\`\`${kind}\n([\\s\\S]*?)^\`\`\`$`, 'gm')
  return [...page.matchAll(fence)].map((match) => match[1]!)
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

void t.test('each configuration that a page shows can be loaded', async (t) => {
  const folder = t.testdir({})
  const file = join(folder, 'msgq.toml')
  const etc = join(folder, 'etc')
  const machine = { env: {}, home: folder, packageRoot: folder, etc, var: folder }
  let loaded = 0
  for (const page of pages())
    for (const text of blocks('toml', readFileSync(page, 'utf8'))) {
      // Some show a single option.
      if (!/^\[/m.test(text)) continue
      loaded++
      writeFileSync(file, text)
      const { problems } = checkConfig(machine, { config: file })
      const isElsewhere = /: no such (?:destination|file)/
      const faults = problems.filter(({ message }) => !isElsewhere.test(message))
      t.strictSame(faults, [], `${page}: ${text}`)
    }
  t.ok(loaded > 20, `${loaded} configurations`)
})

void t.test('no link from a page to another one, or to a heading, is dead', async (t) => {
  let links = 0
  for (const page of pages())
    for (const link of linksOf(page)) {
      links++
      const [path = '', heading] = link.split('#')
      const target = path === '' ? page : join(dirname(page), path)
      const isThere = existsSync(target)
      t.ok(
        isThere && (heading === undefined || anchorsOf(target).has(heading)),
        `${page}: ${link}`,
      )
    }
  t.ok(links > 150, `${links} links`)
})

void t.test('docs/README.md leads to every page of docs', async (t) => {
  const led = new Set(linksOf('docs/README.md'))
  const all = readdirSync('docs').filter((name) => /^(?!README).*\.md$/.test(name))
  for (const page of [...all, 'decisions/README.md', '../spool/README.md'])
    t.ok(led.has(page), page)
})

/** Every page; of the folder of spools that alone which is no message. */
function pages(): string[] {
  const below = ['docs', 'systemd'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) =>
      join(folder, name),
    ),
  )
  const all = [...below, 'README.md', 'CHANGELOG.md', 'spool/README.md']
  return all.filter((page) => page.endsWith('.md'))
}

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
