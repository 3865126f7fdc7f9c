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
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { register } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
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
if (isMainThread) {
  register(import.meta.url)
  // tap would have every program that a test starts list its modules, by a loader of its own;
  // who counts what is covered needs that.
  if (process.env['_TAPJS_PROCESSINFO_COVERAGE_'] !== '1') {
    delete process.env['NODE_OPTIONS']
    globalThis[Symbol.for('process-on-spawn@*:singletonId')]?.unwrap()
  }
}

/** The hook: https://nodejs.org/api/module.html#resolvespecifier-context-nextresolve */
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context)
  if (specifier !== 'tap') return found
  return { ...found, url: pathToFileURL(await tapAsOne(fileURLToPath(found.url))).href }
}

/** tap as one file. Its own are three hundred, and each test file would look for all of them. */
async function tapAsOne(path) {
  const { version } = JSON.parse(read(join(path, '../../../package.json')))
  // Where tap knows the lines of a stack for its own.
  const kept = join(KEPT, `node_modules/@tapjs/tap-but-mock-${version}.mjs`)
  if (existsSync(kept)) return kept
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: OPTIONS.target,
    // It finds the hooks of its mocks beside itself.
    external: ['@tapjs/mock'],
    banner: {
      js: `import * as module_ from 'node:module'; const require = module_.createRequire(import.meta.url)`,
    },
    write: false,
  })
  keep(kept, outputFiles[0].text)
  return kept
}

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
  keep(kept, code)
  return code
}

function keep(path, text) {
  mkdirSync(dirname(path), { recursive: true })
  const staged = `${path}.${process.pid}`
  writeFileSync(staged, text)
  renameSync(staged, path)
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
