/**
 * floors - the sources keep to the floors of the house, and a source that does not is found.
 */
import { fileURLToPath } from 'node:url'
import t from 'tap'

import { checkFloors } from './floors.ts'

t.test('src keeps the rules of the house', async (t) => {
  const { violations, long, files } = checkFloors(
    fileURLToPath(new URL('../src', import.meta.url)),
  )
  t.ok(files > 0, 'there are sources')
  t.same(violations, [])
  for (const file of long) t.comment(`src/${file}`)
})

t.test('what the rules allow is allowed', async (t) => {
  const root = t.testdir({
    base: {
      'clock.ts': 'export const now = () => Date.now() + Number(new Date())',
      'durable.ts': `import { fsync } from 'node:fs'\nexport { fsync }`,
      'text.ts': `/** Never Date.now(), process.exit or enum. */ export const a = "process.env"`,
    },
    message: { 'id.ts': `import { now } from '../base/clock.ts'\nexport const at = now` },
    config: {
      'find.ts': `import { readFile } from 'node:fs/promises'\nexport const e = process.env`,
    },
    queue: {
      'queue.ts': `export type { at } from '../message/id.ts'`,
      spool: { 'scan.ts': `import 'node:fs'\nimport '../queue.ts'\nnew Date(5)` },
    },
    transport: { 'http.ts': `import { request } from 'undici'` },
    delivery: { 'lane.ts': `import '../queue/queue.ts'\nimport '../transport/http.ts'` },
    intake: { 'server.ts': `import '../delivery/lane.ts'` },
    'index.ts': `export { at } from './message/id.ts'`,
    daemon: {
      'main.ts': `import '../delivery/lane.ts'\nprocess.argv; process.exitCode = 1`,
    },
    cli: { 'send.ts': `await import('node:fs')\nawait import('../queue/queue.ts')` },
  })
  t.same(checkFloors(root), { violations: [], long: [], files: 13 })
})

/** A file that breaks one rule, and what is said of it. */
const SEEDS: readonly (readonly [file: string, text: string, violation: string])[] = [
  ['base/a.ts', `import '../message/id.ts'`, 'base imports from message'],
  [
    'message/a.ts',
    `import type { C } from '../config/config.ts'`,
    'message imports from config',
  ],
  ['config/a.ts', `export * from '../queue/queue.ts'`, 'config imports from queue'],
  ['queue/a.ts', `import '../transport/http.ts'`, 'queue imports from transport'],
  ['transport/a.ts', `await import('../queue/queue.ts')`, 'transport imports from queue'],
  ['transport/a.ts', `import '../delivery/lane.ts'`, 'transport imports from delivery'],
  ['queue/spool/a.ts', `import '../../delivery/lane.ts'`, 'queue imports from delivery'],
  [
    'delivery/a.ts',
    `export let x: import('../daemon/x.ts').X`,
    'delivery imports from daemon',
  ],
  ['delivery/a.ts', `import '../index.ts'`, 'delivery imports from index.ts'],
  ['index.ts', `export * from './cli/send.ts'`, 'index.ts imports from cli'],
  ['daemon/a.ts', `import '../cli/send.ts'`, 'daemon imports from cli'],
  ['cli/a.ts', `import '../daemon/main.ts'`, 'cli imports from daemon'],
  [
    'cli/a.ts',
    `import '../../test/x.ts'`,
    'imports ../../test/x.ts, which lies outside src',
  ],
  ['cli/a.ts', `import '../common/x.ts'`, 'imports ../common/x.ts, which is on no floor'],
  ['common/a.ts', '', 'is on no floor'],
  ['base/a.ts', `import fs from 'node:fs'`, 'imports node:fs'],
  ['queue/a.ts', `import { open } from 'node:fs/promises'`, 'imports node:fs/promises'],
  ['daemon/a.ts', `const fs = await import('fs')`, 'imports fs'],
  ['cli/a.ts', `const x = Date.now()`, 'asks the time by Date.now: the clock is passed in'],
  ['cli/a.ts', `const x = new Date`, 'asks the time by new Date(): the clock is passed in'],
  [
    'intake/a.ts',
    `const s = AbortSignal.any([a, b])`,
    'calls AbortSignal.any: base/linked.ts lets go',
  ],
  ['cli/a.ts', `process.exit(1)`, 'calls process.exit: only bin/ decides'],
  [
    'cli/a.ts',
    `import { exit } from 'node:process'`,
    'calls process.exit: only bin/ decides',
  ],
  [
    'base/a.ts',
    `const { PATH } = globalThis.process.env`,
    'reads process.env: only config, cli and daemon know the program',
  ],
  [
    'delivery/a.ts',
    `import { argv as words } from 'node:process'`,
    'reads process.argv: only config, cli and daemon know the program',
  ],
  ['base/a.ts', `export default 1`, 'has a default export'],
  ['base/a.ts', `export default class {}`, 'has a default export'],
  ['base/a.ts', `const x = 1; export { x as default }`, 'has a default export'],
  ['base/a.ts', `export { default } from './b.ts'`, 'has a default export'],
  ['base/a.ts', 'await import(`../message/id.ts`)', 'base imports from message'],
  ['base/a.ts', `const = 1`, 'Unexpected token'],
  ['base/a.ts', `export enum Colour { Red }`, 'declares an enum'],
  ['base/a.ts', `const enum Colour { Red }`, 'declares an enum'],
  ['cli/worker.ts', '', `'worker' is not a word of this house`],
  ['queue/utils/a.ts', '', `'util' is not a word of this house`],
  ['daemon/lane-manager.ts', '', `'manager' is not a word of this house`],
  ['daemon/sendTasks.ts', '', `'task' is not a word of this house`],
]

t.test('each rule can fail', async (t) => {
  for (const [file, text, violation] of SEEDS) {
    const root = t.testdir(nest(file, text))
    const [said, ...others] = checkFloors(root).violations
    t.equal(said?.replace(':1: ', ': '), `${file}: ${violation}`)
    t.same(others, [], `and nothing else of ${file}`)
  }
})

t.test('a long file is mentioned, and is no violation', async (t) => {
  const root = t.testdir(nest('base/a.ts', '// line\n'.repeat(251)))
  t.same(checkFloors(root), { violations: [], long: ['base/a.ts has 251 lines'], files: 1 })
})

type Content = string | { [name: string]: Content }

/** `a/b.ts` as t.testdir wants it. */
function nest(file: string, text: string): { [name: string]: Content } {
  const parts = file.split('/').toReversed()
  return parts.reduce<Content>((inner, part) => ({ [part]: inner }), text) as {
    [name: string]: Content
  }
}
