import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { loadConfig } from '../../src/config/load.ts'
import { formatSecret } from '../../src/config/reference.ts'
import { readSecret, secretPlace } from '../../src/config/secret.ts'
import { secretProblems } from '../../src/config/secret-check.ts'
import { asNobody, machine, put } from './machine.ts'

t.test('a variable of the environment', async (t) => {
  const place = { env: { TOKEN: 'hunter2\n', EMPTY: '', ONLY: '\n' } }
  t.equal(readSecret({ env: 'TOKEN' }, place), 'hunter2')
  for (const [env, why] of [
    ['MISSING', 'is not set'],
    ['EMPTY', 'is empty'],
    ['ONLY', 'is empty'],
  ] as const)
    t.throws(() => readSecret({ env }, place), {
      code: 'config',
      message: `secret { env = "${env}" }: ${why}`,
    })
})

t.test('a file: one final newline is cut, and nothing else', async (t) => {
  const dir = t.testdir({ a: 'hunter2\n', b: 'hunter2\r\n', c: ' hunter2 ', d: 'x\n\n' })
  const place = { env: {}, configDir: dir }
  t.equal(readSecret({ file: 'a' }, place), 'hunter2')
  t.equal(readSecret({ file: 'b' }, place), 'hunter2')
  t.equal(readSecret({ file: 'c' }, place), ' hunter2 ')
  t.equal(readSecret({ file: join(dir, 'a') }, { env: {} }), 'hunter2')
  t.throws(() => readSecret({ file: 'd' }, place), {
    message: 'secret { file = "d" }: has a line break or a control character',
  })
})

t.test('systemd goes before the folder of the configuration', async (t) => {
  const dir = t.testdir({
    conf: { both: 'conf', mine: 'conf', sub: { a: 'conf' } },
    cred: { both: 'cred', sub: { a: 'cred' } },
    outside: 'outside',
  })
  const place = {
    env: {},
    configDir: join(dir, 'conf'),
    credentialsDirectory: join(dir, 'cred'),
  }
  t.equal(readSecret({ file: 'both' }, place), 'cred')
  t.equal(readSecret({ file: 'mine' }, place), 'conf')
  t.equal(readSecret({ file: 'sub/a' }, place), 'conf', 'credentials have no folders')
  t.equal(readSecret({ file: '../outside' }, place), 'outside')
  t.throws(() => readSecret({ file: 'none' }, place), {
    code: 'config',
    message: `secret { file = "none" }: no such file: ${dir}/cred/none, ${dir}/conf/none`,
  })
  t.throws(() => readSecret({ file: 'none' }, { env: {} }), {
    message: 'secret { file = "none" }: no such file: none',
  })
})

t.test('what is no secret is not taken for one', async (t) => {
  const dir = t.testdir({ folder: {}, big: 'x'.repeat(64 * 1024 + 1), closed: 'x' })
  chmodSync(dir, 0o755)
  chmodSync(join(dir, 'closed'), 0o000)
  const place = { env: {}, configDir: dir }
  const read = (file: string) => () => readSecret({ file }, place)
  t.throws(read('folder'), { message: /: \S+folder is not a file$/ })
  t.throws(read('big'), { message: /: \S+big is too large for a secret$/ })
  await asNobody(() =>
    t.throws(read('closed'), { code: 'config', message: /closed: permission denied$/ }),
  )
  t.throws(read('big/x'), { message: /big\/x: not a directory$/ })
})

t.test('a secret is shown as a reference', async (t) => {
  t.equal(formatSecret({ file: 'a "b"' }), '{ file = "a \\"b\\"" }')
  t.equal(formatSecret({ env: 'A' }), '{ env = "A" }')
  t.equal(formatSecret({ inline: 'hunter2' }), '"****"')
  t.equal(readSecret({ inline: 'hunter2' }, { env: {} }), 'hunter2')
})

t.test('where secrets are looked for', async (t) => {
  const env = { CREDENTIALS_DIRECTORY: '/run/credentials/msgq.service' }
  t.same(secretPlace({ files: ['/etc/msgq/msgq.toml', '/etc/msgq/conf.d/a.toml'] }, env), {
    env,
    credentialsDirectory: '/run/credentials/msgq.service',
    configDir: '/etc/msgq',
  })
  t.same(secretPlace({ files: [] }, {}), { env: {} })
})

t.test('a check names every secret that is amiss', async (t) => {
  const dir = t.testdir()
  chmodSync(dir, 0o755)
  const config = put(
    join(dir, 'msgq.toml'),
    `[destinations.a]
type = "http"
url = { file = "/nowhere/url" }
auth = { bearer = { file = "open" } }
headers = { x = { env = "UNSET" }, y = { env = "SET" }, z = { file = "sub/gone" } }
[destinations.b]
type = "http"
url = { file = "good" }
auth = { basic = { user = "u", password = { file = "gone" } } }
headers = { x-key = "hunter2", y = { file = "empty" } }
[destinations.c]
type = "http"
url = { file = "mine" }
`,
  )
  chmodSync(put(join(dir, 'open'), 'hunter2'), 0o644)
  chmodSync(put(join(dir, 'good'), 'https://hunter2.example/'), 0o640)
  chmodSync(put(join(dir, 'empty'), ''), 0o640)
  chmodSync(put(join(dir, 'mine'), 'https://hunter2.example/'), 0o600)
  const loaded = loadConfig(machine(dir), { config })
  const said = (env: Record<string, string>) =>
    secretProblems(loaded, secretPlace(loaded, { SET: 'hunter2', ...env })).map(
      ({ level, message }) => `${level} ${message.replaceAll(`${dir}/`, '')}`,
    )
  const gone =
    'msgq.toml:6: destinations.b.auth.basic.password: secret { file = "gone" }: no such file'
  const expected = [
    'error msgq.toml:1: destinations.a.url: secret { file = "/nowhere/url" }: no such file: /nowhere/url',
    'warning msgq.toml:1: destinations.a.headers.x: secret { env = "UNSET" }: is not set (here; the environment of the daemon may have it)',
    'error msgq.toml:1: destinations.a.headers.z: secret { file = "sub/gone" }: no such file: sub/gone',
    'warning msgq.toml:1: destinations.a.auth.bearer: secret { file = "open" }: open can be read by everybody (chmod o-r)',
    'error msgq.toml:6: destinations.b.headers.y: secret { file = "empty" }: is empty',
    `warning ${gone}: gone (here; systemd may give it to the daemon as a credential)`,
  ]
  t.same(said({}), expected)
  mkdirSync(join(dir, 'cred'))
  t.same(
    said({ CREDENTIALS_DIRECTORY: join(dir, 'cred') }),
    [...expected.slice(0, 5), `error ${gone}: cred/gone, gone`],
    'where systemd has given its credentials there is no doubt',
  )
  await asNobody(() =>
    t.match(
      said({}).filter((line) => line.includes('.c.')),
      [/^warning .*mine: permission denied \(for you; the daemon may be allowed to\)$/],
    ),
  )
  t.notMatch(said({}).join('\n'), /hunter2/)
})
