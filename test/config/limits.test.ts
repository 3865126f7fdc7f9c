import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

import t from 'tap'

import type { Destination } from '../../src/config/config.ts'
import {
  areCurrent,
  DEFAULT_LIMITS,
  defaultDestination,
  publishLimits,
  readLimits,
} from '../../src/config/limits.ts'
import { loadConfig } from '../../src/config/load.ts'
import { machine, put } from './machine.ts'

const NOW = Date.parse('2026-11-20T10:15:00Z')

function setUp(dir: string) {
  const config = put(
    join(dir, 'msgq.toml'),
    `spool = "q"
any_filesystem = true
[send]
to = "crm"
message_size_limit = "1k"
[destinations.crm]
type = "http"
url = { file = "hunter2" }
content_type = "application/json"
auth = { bearer = "hunter3" }
[destinations.constructor]
type = "http"
url = "https://x.example/hunter4"
method = "PUT"
`,
  )
  const spool = join(dir, 'q')
  mkdirSync(join(spool, 'run'), { recursive: true })
  return { config, spool, load: () => loadConfig(machine(dir), { config }) }
}

t.test('what is published is read again', async (t) => {
  const dir = t.testdir()
  const { config, spool, load } = setUp(dir)
  await publishLimits(spool, load(), NOW)
  const limits = readLimits(spool)
  const lane = { window: 20, first: 5 }
  t.same(limits?.lane, lane)
  t.match(limits, {
    at: '2026-11-20T10:15:00.000Z',
    configFiles: [config],
    messageSizeLimit: 1024,
    minFree: DEFAULT_LIMITS.minFree,
    to: 'crm',
    anyFilesystem: true,
  })
  t.same(
    [...(limits?.destinations ?? [])],
    [
      ['crm', { type: 'http', method: 'POST', contentType: 'application/json', lane }],
      ['constructor', { type: 'http', method: 'PUT', lane }],
    ],
  )
  t.equal(limits?.destinations.get('toString'), undefined)
  const file = join(spool, 'run/limits.json')
  t.match(JSON.parse(readFileSync(file, 'utf8')), { v: 1 })
  t.notMatch(readFileSync(file, 'utf8'), /hunter/, 'no secret and no URL is in it')
  t.equal(statSync(file).mode & 0o777, 0o644)
})

t.test('everybody may read it, whatever the umask', async (t) => {
  const { spool, load } = setUp(t.testdir())
  const umask = process.umask(0o077)
  try {
    await publishLimits(spool, load(), NOW)
    await publishLimits(spool, load(), NOW + 1)
  } finally {
    process.umask(umask)
  }
  t.equal(statSync(join(spool, 'run/limits.json')).mode & 0o777, 0o644)
  t.equal(readLimits(spool)?.at, '2026-11-20T10:15:00.001Z')
})

t.test('without a configuration', async (t) => {
  const dir = t.testdir()
  const config = loadConfig(machine(dir), {})
  const spool = join(dir, 'q')
  await t.rejects(publishLimits(spool, config, NOW), { code: 'ENOENT' })
  mkdirSync(join(spool, 'run'), { recursive: true })
  await publishLimits(spool, config, NOW)
  const limits = readLimits(spool)!
  t.match(limits, { ...DEFAULT_LIMITS, configFiles: [], anyFilesystem: false })
  t.notOk('to' in limits)
  t.ok(areCurrent(limits, undefined))
  t.notOk(areCurrent(limits, '/etc/msgq/msgq.toml'), 'there is a configuration now')
})

t.test(
  'a write that is cut short is an error, and what was published stands',
  async (t) => {
    const { spool, load } = setUp(t.testdir())
    const config = load()
    const [[, crm]] = config.destinations as unknown as [[string, Destination]]
    const many = new Map(Array.from({ length: 2000 }, (_, n) => [`crm-${n}`, crm]))
    await publishLimits(spool, config, NOW)
    const restore = limitFileSize(64 * 1024)
    try {
      await t.rejects(publishLimits(spool, { ...config, destinations: many }, NOW), {
        code: 'EFBIG',
      })
    } finally {
      restore()
    }
    t.equal(readLimits(spool)?.destinations.size, config.destinations.size)
    await publishLimits(spool, { ...config, destinations: many }, NOW)
    t.equal(readLimits(spool)?.destinations.size, 2000)
  },
)

t.test('what a daemon left that was killed in it goes with the next one', async (t) => {
  const { spool, load } = setUp(t.testdir())
  const run = join(spool, 'run')
  writeFileSync(join(run, 'limits.json.new'), '{"v":1,')
  writeFileSync(join(run, 'limits.json.by-hand'), '')
  await publishLimits(spool, load(), NOW)
  t.same(readdirSync(run).toSorted(), ['limits.json', 'limits.json.by-hand'])
})

function survive(): void {}

function prlimit(...args: string[]): string {
  return execFileSync('prlimit', ['--pid', String(process.pid), ...args]).toString()
}

/** Has the kernel cut our writes at a size, as a full disk does. */
function limitFileSize(bytes: number): () => void {
  const before = prlimit('--fsize', '--raw', '--noheadings', '--output', 'SOFT').trim()
  process.on('SIGXFSZ', survive)
  prlimit(`--fsize=${bytes}:`)
  return () => {
    prlimit(`--fsize=${before}:`)
    process.off('SIGXFSZ', survive)
  }
}

t.test('what cannot be read is no limit', async (t) => {
  const spool = t.testdir()
  t.equal(readLimits(spool), undefined)
  const good = {
    v: 1,
    at: '2026-11-20T10:15:00.000Z',
    configFiles: [],
    revision: '',
    messageSizeLimit: 1,
    minFree: 0,
    anyFilesystem: false,
    destinations: {},
  }
  const file = join(spool, 'run/limits.json')
  put(file, JSON.stringify(good))
  t.ok(readLimits(spool))
  for (const text of [
    '',
    'null',
    '[]',
    JSON.stringify(good).slice(0, 40),
    JSON.stringify({ ...good, v: 2 }),
    ...Object.keys(good)
      .filter((key) => key !== 'anyFilesystem')
      .map((key) => JSON.stringify({ ...good, [key]: undefined })),
    JSON.stringify({ ...good, messageSizeLimit: '1' }),
    JSON.stringify({ ...good, configFiles: [1] }),
    JSON.stringify({ ...good, destinations: [] }),
    JSON.stringify({ ...good, destinations: { crm: null } }),
  ]) {
    put(file, text)
    t.equal(readLimits(spool), undefined, text)
  }
  rmSync(dirname(file), { recursive: true })
  writeFileSync(dirname(file), '')
  t.equal(readLimits(spool), undefined)
})

t.test('limits are those of the configuration that was read', async (t) => {
  const dir = t.testdir()
  const { config, spool, load } = setUp(dir)
  const part = put(join(dir, 'conf.d/a.toml'), '')
  const publish = async () => {
    await publishLimits(spool, load(), NOW)
    return readLimits(spool)!
  }
  const text = readFileSync(config)
  let limits = await publish()
  t.ok(areCurrent(limits, config))
  t.notOk(areCurrent(limits, undefined))
  t.notOk(areCurrent(limits, join(dir, 'other.toml')))
  const changes: [what: string, change: () => void][] = [
    ['a file that was written', () => writeFileSync(config, `${text.toString()}\n`)],
    ['an old date on a new file', () => utimesSync(config, 0, 0)],
    ['a file in conf.d', () => writeFileSync(part, '# longer')],
    ['a new file in conf.d', () => void put(join(dir, 'conf.d/b.toml'), '')],
    ['one file less', () => rmSync(join(dir, 'conf.d/b.toml'))],
    ['no conf.d', () => rmSync(dirname(part), { recursive: true })],
    ['a conf.d', () => mkdirSync(dirname(part))],
  ]
  for (const [what, change] of changes) {
    limits = await publish()
    t.ok(areCurrent(limits, config), `before: ${what}`)
    // The kernel's clock is coarse; two changes within one tick look alike.
    await new Promise((done) => setTimeout(done, 25))
    change()
    t.notOk(areCurrent(limits, config), what)
  }
  const read = load()
  await new Promise((done) => setTimeout(done, 25))
  writeFileSync(config, `${text.toString()}# changed\n`)
  await publishLimits(spool, read, NOW)
  t.notOk(areCurrent(readLimits(spool)!, config), 'changed between reading and publishing')
  const { revision: _, ...unknown } = load()
  await publishLimits(spool, unknown, NOW)
  t.notOk(areCurrent(readLimits(spool)!, config), 'a state that is not known')
})

t.test('a bare URL is a destination made of the defaults', async (t) => {
  const dir = t.testdir()
  const { load } = setUp(dir)
  const config = load()
  t.same(defaultDestination(config, 'https://x.example/a'), {
    name: '=x.example_443',
    type: 'http',
    url: 'https://x.example/a',
    method: 'POST',
    headers: {},
    retry: config.retry,
    http: config.http,
    lane: config.lane,
    where: 'default',
  })
})
