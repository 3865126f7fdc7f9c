/**
 * token - a token is shown once, and its file has the hash.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { tokenHash } from '../../src/intake/tokens.ts'
import { put } from '../config/machine.ts'
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
    [['add', 'A B'], 64, /a name has/],
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
