/**
 * security - docs/SECURITY.md names the dependencies that there are, and proofs that exist.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'

const ROOT = resolve(import.meta.dirname, '..')
const page = readFileSync(join(ROOT, 'docs/SECURITY.md'), 'utf8')

t.test('each dependency has its row, and no other', async (t) => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const table = page.slice(page.indexOf('## Dependencies'))
  const rows = [...table.matchAll(/^\| `(\S+)`/gm)].map(([, name]) => name)
  t.same(rows, Object.keys(dependencies).toSorted())
})

t.test('the tests and pages that it names are there', async (t) => {
  const tests = [...page.matchAll(/`(test\/[^`]+)`/g)].map(([, file]) => file!)
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, file]) => `docs/${file}`)
  t.ok(tests.length > 10)
  for (const file of [...tests, ...links]) t.ok(existsSync(join(ROOT, file)), file)
})

t.test('what the Containerfile copies is there', async (t) => {
  const text = readFileSync(join(ROOT, 'etc/packaging/Containerfile'), 'utf8')
  const copies = [...text.matchAll(/^COPY (?!--from)(.+)$/gm)]
  const sources = copies.flatMap(([, words]) => words!.split(' ').slice(0, -1))
  t.ok(sources.length > 5)
  for (const file of sources) t.ok(existsSync(join(ROOT, file)), file)
  t.match(text, /\nUSER msgq\n/)
  t.match(text, /\nENTRYPOINT \[/, 'no shell is PID 1')
})
