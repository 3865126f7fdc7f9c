import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'

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

void t.test('the files that the README names are there', async (t) => {
  for (const [, path] of README.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g))
    t.ok(existsSync(path!), `${path}`)
})
