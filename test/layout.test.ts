/**
 * layout - what lies at the top of the repository: a newcomer reads it first.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const FOLDERS = ['.ci', '.github', 'bin', 'docs', 'etc', 'spool', 'src', 'systemd', 'test']
const FILES = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'package-lock.json',
  'package.json',
  'tsconfig.json',
]

const root = fileURLToPath(new URL('..', import.meta.url))

const files = listed()
const skip = files === undefined && 'no git here, or no repository'

t.test('the top level is what the design says, and nothing else', { skip }, async (t) => {
  const folders = new Set<string>()
  const others = new Set<string>()
  for (const file of files ?? []) {
    const [top, below] = file.split('/', 2) as [string, string | undefined]
    if (below !== undefined) folders.add(top)
    else if (!top.startsWith('.')) others.add(top)
  }
  t.same([...folders].toSorted(), FOLDERS)
  t.same([...others].toSorted(), FILES)
})

/** Every file that git keeps or would keep, so that a stray one is seen before its commit. */
function listed(): string[] | undefined {
  // The checkout may belong to another user than the one who tests it.
  const args = ['-c', 'safe.directory=*', 'ls-files', '-z']
  const which = ['--cached', '--others', '--exclude-standard']
  try {
    return execFileSync('git', [...args, ...which], { cwd: root, encoding: 'utf8' })
      .split('\0')
      .filter((file) => file !== '' && existsSync(`${root}/${file}`))
  } catch {
    return undefined
  }
}
