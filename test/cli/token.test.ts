/**
 * token - a token is shown once, and its file has the hash.
 */
import {
  chmodSync,
  chownSync,
  lstatSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { tokenHash } from '../../src/intake/tokens.ts'
import { put } from '../config/machine.ts'
import { NO_PRLIMIT, withFileLimit } from '../queue/spool/limits.ts'
import { World } from './world.ts'

t.test('add, list, remove', async (t) => {
  const world = await World.open(t)
  const at = join(world.folder, 'msgq.toml')
  const run = (...words: string[]) => world.run('token', ...words, '--config', at)
  put(at, '[destinations.crm]\ntype = "http"\nurl = "https://crm.example/"\n')
  t.match(await run('list'), { code: 78, err: /\[listen\] tokens: names no file/ })
  put(at, `${readFileSync(at, 'utf8')}[listen]\ntokens = { file = "tokens" }\n`)
  t.match(await run('list'), { code: 0, out: 'no tokens\n' })
  const added = await run('add', 'shop', '--scope', 'read,send', '--to', 'crm')
  t.match(added, { code: 0, out: /^msgq_[\w-]{43}\n$/ })
  const kept = readFileSync(join(world.folder, 'tokens'), 'utf8')
  t.notMatch(kept, added.out.trim())
  t.match(JSON.parse(kept).tokens, [
    {
      name: 'shop',
      scopes: ['send', 'read'],
      to: ['crm'],
      sha256: tokenHash(added.out.trim()),
    },
  ])
  t.match(
    (await run('list')).out,
    /^NAME +SCOPES +TO +MADE\nshop +send,read +crm +2026-11-20\n$/,
  )
  for (const [words, code, err] of [
    [['add', 'shop'], 64, /is there already/],
    [['add', 'A B'], 64, /cannot be a name: "A B"/],
    [['add', 'b', '--scope', 'sned'], 64, /did you mean send/],
    [['add', 'b', '--to', 'crn'], 64, /did you mean crm/],
    [['add'], 64, /whose/],
    [['rotate', 'b'], 64, /none of add, list and remove/],
    [['remove', 'shpo'], 66, /did you mean shop/],
  ] as const)
    t.match(await run(...words), { code, err }, words.join(' '))
  t.equal((await run('remove', 'shop')).code, 0)
  t.match(await run('list', '--json'), { code: 0, out: '' })
})

t.test(
  'on a full disk the tokens that are there stay, and a link stays one',
  { skip: NO_PRLIMIT },
  async (t) => {
    const world = await World.open(t)
    const at = join(world.folder, 'msgq.toml')
    put(at, '[listen]\ntokens = { file = "link" }\n')
    symlinkSync(join(world.folder, 'tokens'), join(world.folder, 'link'))
    const add = (name: string) => world.run('token', 'add', name, '--config', at)
    writeFileSync(join(world.folder, 'tokens'), '{"v":1,"tokens":[]}')
    t.equal((await add('a'.repeat(60))).code, 0)
    const before = readFileSync(join(world.folder, 'tokens'))
    const ran = await withFileLimit(before.length + 10, () => add('b'.repeat(60)))
    t.match(ran, { code: 73, err: /tokens: .*: file too large/ })
    t.strictSame(readFileSync(join(world.folder, 'tokens')), before)
    t.ok(lstatSync(join(world.folder, 'link')).isSymbolicLink())
  },
)

t.test('check looks at the file: who may write it, and what stands in it', async (t) => {
  const world = await World.open(t)
  const at = join(world.folder, 'msgq.toml')
  const file = join(world.folder, 'tokens')
  put(
    at,
    '[destinations.crm]\ntype = "http"\nurl = "https://crm.example/"\n[listen]\ntokens = { file = "tokens" }\n',
  )
  const check = () => world.run('check', '--config', at)
  t.match(await check(), {
    code: 0,
    out: /warning +tokens: .*is not there: nobody comes in/,
  })
  await world.run('token', 'add', 'shop', '--to', 'crm', '--config', at)
  t.notMatch((await check()).out, /tokens:/, 'as msgq token makes it, it is well')
  chmodSync(file, 0o664)
  t.match(await check(), { code: 0, out: /others may write it \(mode 0664\)/ })
  chmodSync(file, 0o644)
  chmodSync(world.folder, 0o777)
  t.match(await check(), { code: 0, out: /anybody may put another in its place/ })
  chmodSync(world.folder, 0o755)
  const kept = readFileSync(file, 'utf8')
  put(file, kept.replace('"crm"', '"crn"'))
  t.match(await check(), { code: 0, out: /tokens: shop: no such destination: crn/ })
  const { tokens } = JSON.parse(kept) as { tokens: object[] }
  put(file, JSON.stringify({ v: 1, tokens: [...tokens, ...tokens] }))
  t.match(await check(), { code: 78, out: /tokens: shop: stands twice/ })
  put(file, '{')
  t.match(await check(), { code: 78, out: /is no file of tokens/ })
  if (process.getuid!() !== 0) return
  put(file, kept)
  chownSync(file, 65_534, 0)
  t.match(await check(), { code: 0, out: /is that of uid 65534, who may let in anybody/ })
})
