/**
 * listen - which addresses may be listened at, and the file of tokens.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { checkConfig } from '../../src/config/load.ts'
import { TokenFile, readTokens, tokenPath, writeTokens } from '../../src/config/tokens.ts'
import { machine, put } from './machine.ts'

t.test('an address is the loopback, or there are tokens', async (t) => {
  const dir = t.testdir()
  const file = join(dir, 'msgq.toml')
  const check = (toml: string) => {
    put(file, `[listen]\n${toml}\n`)
    const { config, problems } = checkConfig(machine(dir), { config: file })
    return { listen: config?.listen, problem: problems[0]?.message }
  }
  for (const [text, host, port] of [
    ['127.0.0.1:8025', '127.0.0.1', 8025],
    ['localhost:0', 'localhost', 0],
    ['[::1]:8025', '::1', 8025],
  ] as const)
    t.match(check(`http = "${text}"`).listen, { http: { host, port } })
  for (const text of ['0.0.0.0:8025', '[::]:8025', '10.0.0.1:80', 'localhost.example:80']) {
    t.match(check(`http = "${text}"`).problem, /:2: listen.http: .* is not the loopback/)
    t.ok(check(`http = "${text}"\ntokens = { file = "tokens" }`).listen, text)
  }
  for (const text of [
    '127.0.0.1',
    '8025',
    'http://127.0.0.1:80',
    '::1:80',
    '127.0.0.1:70000',
  ])
    t.match(check(`http = "${text}"`).problem, /listen.http: is no address with a port/)
  t.match(check('tokens = "abc"').problem, /listen.tokens: names no file/)
  t.match(check('cors = ["*"]').problem, /listen.cors: is no origin/)
})

t.test('the file of tokens: absent, good, changed, broken', async (t) => {
  const dir = t.testdir()
  const path = tokenPath({ file: 'tokens' }, join(dir, 'msgq.toml'), undefined)
  t.equal(path, join(dir, 'tokens'))
  const file = new TokenFile(path)
  t.strictSame(file.tokens, [])
  const token = {
    name: 'shop',
    sha256: 'a'.repeat(64),
    scopes: ['send' as const],
    to: ['crm'],
    createdAt: '2026-11-20T10:00:00.000Z',
  }
  await writeTokens(path, [token])
  t.strictSame(file.tokens, [token], 'a change counts at once')
  const credential = join(t.testdir({ tokens: '' }), 'tokens')
  t.equal(
    tokenPath({ file: 'tokens' }, '/etc/msgq.toml', join(credential, '..')),
    credential,
  )
  for (const text of ['', '{}', '{"v":2,"tokens":[]}', '{"v":1,"tokens":[{"name":"x"}]}']) {
    writeFileSync(path, text)
    t.throws(() => readTokens(path), { code: 'config' })
    t.throws(() => file.tokens, { code: 'config' }, 'and nobody comes in')
  }
})
