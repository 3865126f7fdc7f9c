import { deepEqual } from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import t from 'tap'

import { MsgqError } from '../../src/base/errors.ts'
import { findConfig, findSpool, systemEnvironment } from '../../src/config/find.ts'
import type { Environment, Flags } from '../../src/config/find.ts'
import { loadConfig } from '../../src/config/load.ts'
import { asNobody, machine, put } from './machine.ts'

/** What a search ends with, from both who search: they may never disagree. */
async function place(environment: Environment, flags: Flags = {}) {
  const found = await findSpool(environment, flags)
  const { files, spool, spoolIsDefault, anyFilesystem } = loadConfig(environment, flags)
  deepEqual(found, {
    ...(files[0] === undefined ? {} : { configFile: files[0] }),
    spool,
    spoolIsDefault,
    anyFilesystem,
  })
  return found
}

t.test('the first configuration that exists counts', async (t) => {
  const dir = t.testdir()
  const files = {
    flag: put(join(dir, 'flag.toml'), ''),
    env: put(join(dir, 'env.toml'), ''),
    etc: put(join(dir, 'etc/msgq/msgq.toml'), ''),
    xdg: put(join(dir, 'xdg/msgq/msgq.toml'), ''),
    home: put(join(dir, 'home/.config/msgq/msgq.toml'), ''),
    checkout: put(join(dir, 'package/etc/msgq.toml'), ''),
  }
  mkdirSync(join(dir, 'package/.git'))
  const named = machine(dir, { MSGQ_CONFIG: files.env, XDG_CONFIG_HOME: join(dir, 'xdg') })
  const unnamed = machine(dir, { XDG_CONFIG_HOME: join(dir, 'xdg'), MSGQ_CONFIG: '' })
  const plain = machine(dir)
  t.equal(findConfig(named, { config: files.flag })?.file, files.flag)
  t.equal(findConfig(named, {})?.file, files.env)
  t.equal(findConfig(unnamed, {})?.file, files.etc)
  const bare = { ...unnamed, etc: join(dir, 'nothing') }
  t.equal(findConfig(bare, {})?.file, files.xdg)
  t.equal(findConfig({ ...plain, etc: bare.etc }, {})?.file, files.home)
  const homeless = { ...plain, etc: bare.etc, home: '' }
  t.equal(findConfig(homeless, {})?.file, files.checkout)
  t.equal(findConfig({ ...homeless, packageRoot: join(dir, 'x') }, {}), undefined)
  const relative = machine(dir, { XDG_CONFIG_HOME: 'xdg' })
  t.equal(
    findConfig({ ...relative, etc: bare.etc }, {})?.file,
    files.home,
    'a relative XDG folder is ignored, as its specification says',
  )
})

t.test('an installed package is no configuration: an update would delete it', async (t) => {
  const dir = t.testdir()
  const root = join(dir, 'lib/node_modules/msgq')
  put(join(root, 'etc/msgq.toml'), '')
  const environment = { ...machine(dir), packageRoot: root }
  t.equal(findConfig(environment, {}), undefined, 'no .git beside its package.json')
  mkdirSync(join(root, '.git'))
  t.equal(findConfig(environment, {}), undefined, 'nor below node_modules')
})

t.test('the spool that nobody named', async (t) => {
  const dir = t.testdir()
  const plain = machine(dir)
  const home = join(dir, 'home/.local/state/msgq')
  t.match(await place(plain), { spool: home, spoolIsDefault: true, configFile: undefined })
  const state = machine(dir, { XDG_STATE_HOME: join(dir, 'state') })
  t.match(await place(state), { spool: join(dir, 'state/msgq') })
  await t.rejects(findSpool({ ...plain, home: '' }, {}), {
    code: 'config',
    message: 'spool: there is no home directory to put it in',
  })

  put(join(dir, 'package/etc/msgq.toml'), '')
  mkdirSync(join(dir, 'package/.git'))
  t.match(await place(plain), { spool: join(dir, 'package/spool'), spoolIsDefault: true })

  const shared = join(dir, 'var/spool/msgq')
  mkdirSync(shared, { recursive: true })
  t.match(await place({ ...plain, packageRoot: '/' }), { spool: shared })
  t.match(await place({ ...plain, home: '', packageRoot: '/' }), { spool: shared })
  put(join(dir, 'home/.config/msgq/msgq.toml'), '')
  t.match(await place(plain), { spool: home }, 'a person with a configuration of his own')
})

t.test('a configuration of the machine means the spool of the machine', async (t) => {
  const dir = t.testdir()
  put(join(dir, 'etc/msgq/msgq.toml'), '')
  t.match(await place(machine(dir)), {
    spool: join(dir, 'var/spool/msgq'),
    spoolIsDefault: true,
  })
})

t.test('the spool that somebody named', async (t) => {
  const dir = t.testdir()
  const file = put(join(dir, 'conf/msgq.toml'), 'spool = "../q" # beside\n')
  const flags = { config: file }
  t.match(await place(machine(dir), flags), {
    configFile: file,
    spool: join(dir, 'q'),
    spoolIsDefault: false,
  })
  const env = machine(dir, { MSGQ_SPOOL: 'by-env' })
  t.match(await place(env, flags), { spool: resolve('by-env'), spoolIsDefault: false })
  t.match(await place(env, { ...flags, spool: '/by-flag' }), { spool: '/by-flag' })
  writeFileSync(file, 'spool = "/abs"')
  t.match(await place(machine(dir), flags), { spool: '/abs', spoolIsDefault: false })
})

t.test('a file system of any kind: the environment goes before the file', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), 'any_filesystem = true\n')
  const flags = { config }
  t.equal((await place(machine(dir))).anyFilesystem, false)
  t.equal((await place(machine(dir), flags)).anyFilesystem, true)
  for (const [word, any] of [
    ['1', true],
    ['yes', true],
    ['0', false],
    ['', true],
  ] as const) {
    const environment = machine(dir, { MSGQ_ANY_FILESYSTEM: word })
    t.equal((await place(environment, flags)).anyFilesystem, any, word)
  }
})

t.test('a configuration that cannot be read is never skipped', async (t) => {
  const dir = t.testdir()
  chmodSync(dir, 0o755)
  const file = put(join(dir, 'etc/msgq/msgq.toml'), '')
  put(join(dir, 'home/.config/msgq/msgq.toml'), '')
  chmodSync(file, 0o000)
  await asNobody(async () => {
    const refused = { code: 'no-permission', exitCode: 77, message: /permission denied/ }
    await t.rejects(findSpool(machine(dir), {}), refused)
    await t.rejects(findSpool(machine(dir), { spool: '/q' }), refused)
    t.throws(() => loadConfig(machine(dir), {}), refused)
  })
  await asNobody(() => {
    const folder = dirname(file)
    return t.rejects(findSpool(machine(dir, { MSGQ_CONFIG: file }), {}), {
      code: 'no-permission',
      message: new RegExp(folder),
    })
  })
})

t.test('a configuration that somebody named must exist', async (t) => {
  const dir = t.testdir()
  put(join(dir, 'etc/msgq/msgq.toml'), '')
  const missing = join(dir, 'missing.toml')
  await t.rejects(findSpool(machine(dir), { config: missing }), {
    code: 'config',
    message: `${missing}: no such file or directory`,
    hint: '--config names it',
  })
  await t.rejects(findSpool(machine(dir, { MSGQ_CONFIG: missing }), {}), {
    code: 'config',
    hint: '$MSGQ_CONFIG names it',
  })
  await t.rejects(findSpool(machine(dir), { config: dir }), {
    code: 'config',
    message: `${dir}: is a directory`,
  })
})

t.test('what is broken elsewhere in the file does not hide the spool', async (t) => {
  const dir = t.testdir()
  const config = join(dir, 'msgq.toml')
  for (const text of [
    'active_limit = = 3\nspool = "/q"\n[retry]\nmin = 10s\n',
    '# spool = "/x"\nspool = \'/q\'\n[destinations.crm\n',
    '\uFEFFspool = "/q"\r\nactve_limit = 1\r\n[send]\r\nto = "\r\n',
    '\tspool="/q"\n[[[',
  ]) {
    writeFileSync(config, text)
    t.match(
      await findSpool(machine(dir), { config }),
      { spool: '/q' },
      JSON.stringify(text),
    )
    t.throws(() => loadConfig(machine(dir), { config }), { code: 'config' })
  }
})

t.test('a spool that is written in another way is left to the parser', async (t) => {
  const dir = t.testdir()
  const config = join(dir, 'msgq.toml')
  for (const text of [
    '"spool" = "/q"',
    'spool = """/q"""',
    'spool = "\\u002fq"',
    'active_limit = 3 # spool\nspool = "/q"',
    'spool = "/q"\n[send]\nto = """\nhttps://x.example/\\\nspool = 1"""',
  ]) {
    writeFileSync(config, text)
    t.match(
      await findSpool(machine(dir), { config }),
      { spool: '/q' },
      JSON.stringify(text),
    )
  }
})

t.test('where the spool cannot be known nothing is guessed', async (t) => {
  const dir = t.testdir()
  const config = join(dir, 'msgq.toml')
  const cases: [text: string, message: string][] = [
    ['"spool" = "/q', '1:11: unfinished string'],
    ['spool = /q', '1:9: '],
    ['spool = "/q"\nspool = "/r"', '2:1: '],
    ['\nspool = 3', '2: spool: is not a text'],
    ['spool = ""', '1: spool: is empty'],
    ['spool = "~/q"', '1: spool: begins with ~, which only a shell expands'],
    ['spol = "/q"', '1: spol: unknown option, perhaps meant as spool'],
    ['spool_dir = "/q"', '1: spool_dir: unknown option, perhaps meant as spool'],
    ['[send]\nspool = "/q"', '2: send.spool: stands in [send], not above the first table'],
    ['[spool]\npath = "/q"', '1: spool: is not a text'],
    [
      '[destinations.crm]\nurl = "x"\nspool = "/q"',
      '3: destinations.crm.spool: stands in [destinations.crm], not above the first table',
    ],
  ]
  for (const [text, message] of cases) {
    writeFileSync(config, text)
    const error = await findSpool(machine(dir), { config }).catch((thrown) => thrown)
    t.ok(error instanceof MsgqError, text)
    t.ok(error.message.startsWith(`${config}:${message}`), error.message)
    t.ok(error.message.endsWith(', so that the spool cannot be known'))
    t.equal(error.code, 'config')
    t.throws(() => loadConfig(machine(dir), { config }), { code: 'config' }, 'nor loaded')
    t.match(
      await findSpool(machine(dir), { config, spool: '/r' }),
      { spool: '/r', configFile: config },
      'and with a spool that is named it does not matter',
    )
  }
  writeFileSync(config, Buffer.from('spool = "/\xe9"\n', 'latin1'))
  await t.rejects(findSpool(machine(dir), { config }), { message: /is not UTF-8 text/ })
})

t.test('any_filesystem counts also where the spool is in doubt', async (t) => {
  const dir = t.testdir()
  const config = put(join(dir, 'msgq.toml'), 'spool = 1\nany_filesystem = true')
  t.match(await findSpool(machine(dir), { config, spool: '/r' }), { anyFilesystem: true })
})

t.test('what send needs loads no parser', async (t) => {
  const seen = new Set<string>()
  const walk = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    for (const [, from] of readFileSync(file, 'utf8').matchAll(
      /^import (?!type )[^;]*?from '([^']+)'/gm,
    ))
      if (from!.startsWith('.')) walk(resolve(dirname(file), from!))
      else t.match(from, /^node:/, `${file} imports ${from}`)
  }
  for (const name of ['find.ts', 'limits.ts'])
    walk(resolve(import.meta.dirname, '../../src/config', name))
  t.ok(seen.size > 6, 'the walk saw what they import in turn')
})

t.test('the machine that we run on', async (t) => {
  const environment = systemEnvironment()
  t.equal(environment.packageRoot, resolve(import.meta.dirname, '../..'))
  t.match(environment, { etc: '/etc', var: '/var', env: process.env })
  const { HOME } = process.env
  t.teardown(() => void (process.env['HOME'] = HOME ?? ''))
  process.env['HOME'] = '/h'
  t.equal(systemEnvironment().home, '/h')
  delete process.env['HOME']
  t.type(systemEnvironment().home, 'string')
})
