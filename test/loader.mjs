/**
 * loader - has Node.js read .ts: `node --import ./test/loader.mjs FILE.ts`.
 *
 * esbuild takes the types out once, and what it made is kept below node_modules/, where
 * `npm ci` clears it away. A test file that finds its modules there starts in half the time
 * that tsx needs (docs/decisions/0052-time-of-the-tests.md), and there are hundreds of them. It checks
 * no types: `npm run check` does. What is kept counts only for the very text it was made
 * from; many processes may make it at once.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { register } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const KEPT = join(ROOT, 'node_modules/.cache/loader')

const OPTIONS = {
  loader: 'ts',
  format: 'esm',
  target: 'node20.19',
  sourcemap: 'inline',
  sourcesContent: false,
  // Whatever a tsconfig.json says elsewhere.
  tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
}

// Node.js imports this file once more in the thread where it asks for sources.
if (isMainThread) register(import.meta.url)

/** The hook: https://nodejs.org/api/module.html#loadurl-context-nextload */
export async function load(url, context, next) {
  if (!/^file:.*\.ts(\?|$)/.test(url) || url.includes('/node_modules/'))
    return next(url, context)
  const path = fileURLToPath(url)
  const text = readFileSync(path, 'utf8')
  return { format: 'module', source: await withoutTypes(path, text), shortCircuit: true }
}

async function withoutTypes(path, text) {
  const hash = createHash('sha1').update(JSON.stringify(OPTIONS)).update(text)
  const footer = `//${hash.digest('hex')}`
  const kept = join(KEPT, `${relative(ROOT, path).replaceAll('/', '+')}.js`)
  const before = read(kept)
  if (before?.includes(footer)) return before

  const { transform } = await import('esbuild')
  const { code } = await transform(text, { ...OPTIONS, footer, sourcefile: path })
  mkdirSync(KEPT, { recursive: true })
  const staged = `${kept}.${process.pid}`
  writeFileSync(staged, code)
  renameSync(staged, kept)
  return code
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
