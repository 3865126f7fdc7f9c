import { ok } from 'node:assert'
import * as fs from 'node:fs'
import {
  appendFileSync,
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'

import fc from 'fast-check'
import t from 'tap'

import { parseTrail } from '../../../src/message/trail.ts'
import { formatName, parseName } from '../../../src/queue/spool/name.ts'
import { readMessage } from '../../../src/queue/spool/read.ts'
import { NO_PRLIMIT, withFileLimit } from './limits.ts'
import { NEEDS_ROOT, RESTED, Yard, anId, give, sealed } from './yard.ts'

const OPS = '{"to":"ops"}\n'

void t.test('a file made by hand becomes a message with all its bytes', async (t) => {
  const bodies: Record<string, Buffer> = {
    text: Buffer.from('hello\n'),
    'no line end': Buffer.from('hello'),
    empty: Buffer.alloc(0),
    'one line end': Buffer.from('\n'),
    binary: Buffer.from(Array.from({ length: 512 }, (_, n) => n % 256)),
    'like a trail': Buffer.from(
      'x\n{"at":"2026-11-20T10:00:00.000Z","act":"corrupt","reason":"x"}\n',
    ),
    long: Buffer.alloc(2 * 1024 * 1024, 'long\n'),
  }
  for (const [name, body] of Object.entries(bodies)) {
    const yard = await Yard.open(t)
    yard.put('incoming', name, Buffer.concat([Buffer.from(OPS), body]))
    const [lease, ...others] = await yard.adopt()
    t.strictSame(others, [])
    t.match(
      lease,
      { lane: 'ops', tries: 0, envelope: { to: 'ops', bytes: body.length } },
      name,
    )
    t.ok((await yard.bodyOf(lease!)).equals(body), name)
    t.match(lease!.trail, [{ act: 'adopted', reason: `was ${name}` }])
    t.equal(lease!.envelope.sender.uid, process.getuid!())
    t.strictSame(yard.where(), { active: 1 })
    t.match(yard.said('adopted'), [{ id: lease!.id, message: `adopted ${name}` }])
  }
})

void t.test(
  'any bytes end as a message or in corrupt/, and never throw or vanish',
  async (t) => {
    const yard = await Yard.open(t)
    const line = fc.oneof(
      fc.constant('{"to":"ops"}'),
      fc
        .record({ to: fc.string(), bytes: fc.nat(20) }, { requiredKeys: [] })
        .map((one) => JSON.stringify(one)),
      fc.json(),
      fc.string(),
    )
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .tuple(line, fc.uint8Array({ maxLength: 50 }))
        .map(([text, rest]) => Buffer.concat([Buffer.from(`${text}\n`), rest])),
      fc.uint8Array({ maxLength: 30 }).map((cut) => {
        const { bytes } = sealed({ body: 'body' })
        return Buffer.concat([bytes.subarray(0, bytes.length - cut.length), cut])
      }),
    )
    const name = fc.oneof(
      fc.stringMatching(/^[^./\0][^/\0]{0,80}$/u),
      fc.constant('plain'),
      fc.constant(0).map(() => sealed().name),
    )
    const files = fc.uniqueArray(fc.tuple(name, content), {
      selector: ([one]) => one,
      minLength: 1,
      maxLength: 8,
    })
    const property = fc.asyncProperty(files, async (some) => {
      const before = yard.ids().length
      for (const [file, bytes] of some) yard.put('incoming', file, bytes)
      const made = yard.ls('incoming').length
      await yard.claim()
      yard.clock.pass(RESTED)
      const leases = await yard.claim()
      ok(yard.ls('incoming').length === 0, `left: ${yard.ls('incoming')}`)
      ok(yard.ids().length === before + made, 'each is somewhere')
      for (const lease of leases)
        ok((await yard.bodyOf(lease)).length === lease.envelope.bytes)
    })
    await t.resolves(fc.assert(property, { numRuns: 150 }))
  },
)

void t.test('what no message may say ends in corrupt/ with the reason', async (t) => {
  const cases: [string, RegExp][] = [
    ['no json\nbody', /line 1 is no JSON/],
    ['', /has no envelope line/],
    ['{"to":"ops"}', /has no envelope line/],
    ['{"body":"x"}\n', /a member that msgq does not know: "body"/],
    ['{"to":"ops","notbefore":"2999-01-01T00:00:00Z"}\n', /does not know: "notbefore"/],
    ['{"to":"ops","\\u001b[2J":1}\n', /does not know: "\[2J"/],
    ['{"method":"POST"}\n', /to: is missing/],
    ['{"to":"ops","headers":{"x-a":"b\\nc: d"}}\n', /x-a has a character/],
    ['{"to":"ops","headers":{"x-a\\r":"b"}}\n', /headers: has a bad name/],
    ['{"to":"https://x.example/\\u0000"}\n', /to: has a control character/],
    ['{"to":"https://u:p@x.example/"}\n', /to: has a user or password/],
    ['{"to":"ops","bytes":9}\nbody', /is cut short: 4 of 9 bytes of body/],
    ['{"to":"ops","bytes":-1}\nbody', /`bytes` is no length/],
    ['{"to":"ops","bytes":4,"sha256":"00"}\nbody', /its body is not the one sealed/],
    [`{"to":"ops","subject":"${'x'.repeat(65_536)}"}\n`, /first line is longer than 64K/],
    [`${OPS}${'x'.repeat(4 * 1024 * 1024 + 1)}`, /is over the limit of 4.0M/],
    [`${OPS}${'x'.repeat(5 * 1024 * 1024)}`, /is over the limit of 4.0M/],
  ]
  for (const [content, reason] of cases) {
    const yard = await Yard.open(t)
    yard.put('incoming', 'mine', content)
    t.strictSame(await yard.adopt(), [], reason.source)
    t.strictSame(yard.where(), { corrupt: 1 }, reason.source)
    const file = yard.only('corrupt')
    const { id } = parseName(file)!
    t.match(yard.said('corrupt'), [{ id, message: reason }])
    const kept = yard.read('corrupt')
    t.ok(
      kept.subarray(0, content.length).equals(Buffer.from(content)),
      'its bytes are kept',
    )
    const [told] = parseTrail(kept.subarray(content.length).toString())
    t.match(told, { act: 'corrupt', reason }, 'and the reason stands behind them')
    t.match(await yard.engine.get(id), { entry: { state: 'corrupt' }, defect: reason })
  }
})

void t.test('members that begin with x- are allowed, and left behind', async (t) => {
  const yard = await Yard.open(t)
  yard.put('incoming', 'mine', '{"to":"ops","x-made-by":"cron","subject":"s"}\nbody')
  const [lease] = await yard.adopt()
  t.equal(lease?.envelope.subject, 's')
  t.notOk('x-made-by' in lease!.envelope)
})

void t.test('with `bytes` the rest is no body, as in a copy of a message', async (t) => {
  const yard = await Yard.open(t)
  const { bytes, id } = sealed({
    body: 'body',
    trail: '{"at":"2026-11-20","act":"held"}\n',
  })
  yard.put('incoming', 'copy', bytes)
  const [lease] = await yard.adopt()
  t.equal((await yard.bodyOf(lease!)).toString(), 'body')
  t.not(lease!.id, id, 'a copy is another message')
  t.match(lease!.trail, [{ act: 'adopted' }])
})

void t.test(
  'a file by a Windows editor, with its mark and line ends, is one as well',
  async (t) => {
    const yard = await Yard.open(t)
    yard.put('incoming', 'notepad', '\ufeff{"to":"ops"}\r\nline\r\n')
    const [lease] = await yard.adopt()
    t.equal((await yard.bodyOf(lease!)).toString(), 'line\r\n')
  },
)

void t.test(
  'a file is left alone until nothing of it has changed for two seconds',
  async (t) => {
    const yard = await Yard.open(t)
    yard.put('incoming', 'slow', OPS)
    t.strictSame(await yard.claim(), [])
    for (let n = 0; n < 3; n++) {
      yard.clock.run(1_500)
      appendFileSync(yard.path('incoming', 'slow'), `${n}`)
      utimesSync(yard.path('incoming', 'slow'), 0, 0)
      t.strictSame(await yard.claim(), [], 'it still grows, whatever its mtime says')
      t.strictSame(yard.where(), { incoming: 1 })
    }
    yard.clock.run(RESTED)
    t.equal((await yard.bodyOf(await yard.lease())).toString(), '012')
  },
)

void t.test(
  'what somebody writes after it was taken in is not his message any more',
  async (t) => {
    const yard = await Yard.open(t)
    const fd = openSync(yard.path('incoming', 'slow'), 'w')
    writeSync(fd, `${OPS}first`)
    await yard.claim()
    yard.clock.pass(RESTED)
    const [lease] = await yard.claim()
    t.equal((await yard.bodyOf(lease!)).toString(), 'first')
    writeSync(fd, ' second')
    closeSync(fd)
    t.equal((await yard.bodyOf(lease!)).toString(), 'first', 'what was sealed is a copy')
    t.equal(readMessage(yard.path('active', yard.only('active'))).envelope.bytes, 5)
  },
)

void t.test('a sealed file under a name by hand is a message of its own', async (t) => {
  const yard = await Yard.open(t)
  const { bytes } = sealed({ body: 'body' })
  yard.put('incoming', 'restored', bytes)
  const [lease] = await yard.adopt()
  t.equal((await yard.bodyOf(lease!)).toString(), 'body')
})

void t.test(
  'a name of ours on an unsealed file is no reason to hurry, and keeps its id',
  async (t) => {
    const yard = await Yard.open(t)
    const { name, id } = sealed()
    yard.put('incoming', name, `${OPS}body`)
    const [lease] = await yard.adopt()
    t.equal(lease?.id, id)
    t.equal((await yard.bodyOf(lease!)).toString(), 'body')
  },
)

void t.test('a copy under way is not judged by its first half', async (t) => {
  const yard = await Yard.open(t)
  const { name, bytes, id } = sealed({ body: 'b'.repeat(1_000), trail: '' })
  for (const length of [0, 10, bytes.length - 500]) {
    yard.put('incoming', name, bytes.subarray(0, length))
    t.strictSame(await yard.claim(), [])
    t.strictSame(yard.where(), { incoming: 1 }, `${length} bytes so far`)
  }
  writeFileSync(yard.path('incoming', name), bytes)
  t.strictSame(await yard.claim(), [], 'it rests')
  yard.clock.pass(RESTED)
  const lease = await yard.lease()
  t.equal(lease.id, id, 'and is the message that it was')
  t.strictSame(lease.trail, [])
})

void t.test('a copy that ends half-way is corrupt, once it has rested', async (t) => {
  const yard = await Yard.open(t)
  const { name, bytes, id } = sealed()
  yard.put('incoming', name, bytes.subarray(0, -3))
  t.strictSame(await yard.adopt(), [])
  yard.clock.pass(RESTED)
  t.strictSame(await yard.claim(), [])
  t.strictSame(yard.where(), { corrupt: 1 })
  t.match(await yard.engine.get(id), { defect: /cut short/ })
})

void t.test(
  'adoption that a crash cut short at any step leaves one message with one id',
  async (t) => {
    const id = anId()
    const { bytes } = sealed({ id, body: 'body' })
    const claimed = `20261120T090000.000Z,0,${id}@_adopt#abc1`
    const byHand = `${OPS}body`
    type Step = [what: string, put: (yard: Yard) => void]
    const steps: Step[] = [
      ['its id was fixed', (yard) => yard.put('active', claimed, byHand)],
      [
        'the copy was begun',
        (yard) => {
          yard.put('active', claimed, byHand)
          yard.put('active', `.${id}`, bytes.subarray(0, 20))
        },
      ],
      [
        'the copy was whole',
        (yard) => {
          yard.put('active', claimed, byHand)
          yard.put('active', `.${id}`, bytes)
        },
      ],
      ['the copy took its place', (yard) => yard.put('active', claimed, bytes)],
      ['it was in incoming/', (yard) => yard.put('incoming', sealed({ id }).name, bytes)],
      [
        'it waited to be tried again',
        (yard) => yard.put('incoming', `${claimed.slice(0, -5)}.again`, byHand),
      ],
    ]
    for (const [what, put] of steps) {
      const yard = await Yard.open(t, { recover: false })
      put(yard)
      t.equal(await yard.restart(), 0, `${what}: nothing was in flight`)
      await yard.claim({ room: () => 0 })
      yard.clock.pass(RESTED)
      const lease = await yard.lease()
      t.equal(lease.id, id, what)
      t.equal((await yard.bodyOf(lease)).toString(), 'body', what)
      t.strictSame(yard.where(), { active: 1 }, `${what}: nothing else is left`)
    }
  },
)

void t.test(
  'where the copy cannot be written the file comes again under its id',
  { skip: NO_PRLIMIT },
  async (t) => {
    const yard = await Yard.open(t)
    const body = 'x'.repeat(100_000)
    yard.put('incoming', 'mine', OPS + body)
    await yard.claim()
    yard.clock.pass(RESTED)
    await withFileLimit(64 * 1024, () => yard.claim())
    t.strictSame(yard.where(), { incoming: 1 }, 'nothing half-written is left')
    t.match(yard.said('unreadable'), [
      { message: /cannot be adopted: .*; tried again in a minute/ },
    ])
    const { id } = yard.said('unreadable')[0]!
    t.match(yard.only('incoming'), new RegExp(`${id}@_adopt.again$`))
    t.strictSame(await yard.claim(), [], 'not at once')
    yard.clock.pass(60_000)
    const lease = await yard.lease()
    t.equal(lease.id, id)
    t.equal((await yard.bodyOf(lease)).toString(), body)
  },
)

void t.test(
  'what was put aside, mended and requeued is the message it was meant to be',
  async (t) => {
    for (const body of ['body', 'body\n', '', '\n\n', '{"at":"x"}\n']) {
      const yard = await Yard.open(t)
      yard.put('incoming', 'mine', `{"to":"ops","nobefore":1}\n${body}`)
      await yard.adopt()
      // Requeued unmended it comes back, with one more reason behind it.
      for (let n = 0; n < 2; n++) {
        const { id } = parseName(yard.only('corrupt'))!
        const { done } = await yard.engine.act('requeue', { ids: [id] }, { by: 'ann' })
        t.strictSame(done, [id])
        await yard.adopt()
      }
      const file = yard.only('corrupt')
      const mended = readFileSync(yard.path('corrupt', file), 'utf8').replace(
        ',"nobefore":1',
        '',
      )
      yard.put('corrupt', file, mended)
      const { id } = parseName(file)!
      await yard.engine.act('requeue', { ids: [id] }, { by: 'ann' })
      const [lease] = await yard.adopt()
      t.equal(lease?.id, id, 'under the id that the operator knows')
      t.equal((await yard.bodyOf(lease!)).toString(), body, JSON.stringify(body))
    }
  },
)

void t.test('no line of ours is ever written behind a body made by hand', async (t) => {
  const yard = await Yard.open(t)
  const { name, id } = sealed({ due: Date.now() + 3_600_000 })
  yard.put('incoming', name, `${OPS}body`)
  for (const act of ['hold', 'release'] as const)
    t.strictSame((await yard.engine.act(act, { ids: [id] }, { by: 'ann' })).done, [id])
  t.equal(yard.read('incoming').toString(), `${OPS}body`)
  renameSync(
    yard.path('incoming', yard.only('incoming')),
    yard.path('active', `${name}#x1`),
  )
  await yard.restart()
  t.equal(yard.read('incoming').toString(), `${OPS}body`, 'nor by recovery')
  const [lease] = await yard.adopt()
  t.equal((await yard.bodyOf(lease!)).toString(), 'body')
})

void t.test(
  "another user's file is ours once it is taken in",
  { skip: NEEDS_ROOT },
  async (t) => {
    const yard = await Yard.open(t)
    const draft = { to: 'ops', subject: 's', headers: { 'x-a': 'b' } }
    const { name, bytes, id } = sealed({ draft, tries: 9, body: 'body' })
    const [first, ...rest] = bytes.toString().split('\n')
    const envelope = JSON.parse(first!) as object
    const forged = {
      ...envelope,
      parent: anId(),
      createdAt: '2099-01-01T00:00:00Z',
      sender: { uid: 0, user: 'root' },
    }
    const content = [JSON.stringify(forged), ...rest].join('\n')
    give(yard.path('incoming', yard.put('incoming', name, content)), 65_534)
    const lease = await yard.lease()
    t.equal(lease.id, id, 'it keeps the id of its name')
    t.equal(lease.tries, 0, 'and nothing else of it')
    t.match(lease.envelope, { ...draft, sender: { uid: 65_534 } })
    t.strictSame(Object.keys(lease.envelope.sender), ['uid'])
    t.notOk('parent' in lease.envelope)
    t.ok(Date.parse(lease.envelope.createdAt) <= yard.clock.now())
    t.equal((await yard.bodyOf(lease)).toString(), 'body')
    t.equal(statSync(yard.path('active', yard.only('active'))).uid, 0)
  },
)

void t.test(
  "another user's file is held to its own envelope, not to its name",
  { skip: NEEDS_ROOT },
  async (t) => {
    const yard = await Yard.open(t)
    const { bytes, id } = sealed({
      draft: { to: 'crm', notBefore: '2999-01-01T00:00:00Z' },
    })
    give(
      yard.path('incoming', yard.put('incoming', sealed({ id, lane: 'ops' }).name, bytes)),
      65_534,
    )
    t.strictSame(await yard.claim(), [])
    t.match((await yard.engine.get(id))?.entry, {
      state: 'deferred',
      lane: 'crm',
      due: Date.parse('2999-01-01T00:00:00Z'),
    })
  },
)

void t.test(
  'hard links: a backup by links harms nothing, and stays as it is named',
  async (t) => {
    const yard = await Yard.open(t)
    const id = await yard.send()
    const [file] = yard.ls('incoming')
    const backup = `${yard.root}/backup`
    linkSync(yard.path('incoming', file!), backup)
    const lease = await yard.lease()
    t.equal(lease.id, id)
    await yard.engine.settle(lease, { to: 'delivered' })
    t.strictSame(yard.where(), {})
    t.equal(readMessage(backup).envelope.id, id)
  },
)

void t.test('a copy that cannot take its place does not stay', async (t) => {
  const yard = await Yard.open(t)
  const { sealInPlace } = await t.mockImport<
    typeof import('../../../src/queue/spool/adopt.ts')
  >('../../../src/queue/spool/adopt.ts', {
    'node:fs': {
      ...fs,
      renameSync: () => {
        throw Object.assign(new Error('EIO'), { code: 'EIO' })
      },
    },
  })
  const name = { due: 1_000, tries: 0, id: anId(), lane: '_adopt', claim: 'x1' }
  yard.put('active', formatName(name), `${OPS}body`)
  const options = { now: yard.clock.now(), messageSizeLimit: 1_000 }
  await t.rejects(sealInPlace(yard.layout, name, options), { code: 'EIO' })
  t.strictSame(readdirSync(yard.path('active', '')), [formatName(name)])
})
