/**
 * show - one message at 3 a.m.: the diagnosis, the way out, the story; and its bytes.
 */
import { execFile, spawnSync } from 'node:child_process'
import { appendFileSync, chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'

import { Control } from '../daemon/fake-control.ts'
import type { DaemonStatus, LaneStatus } from '../../src/delivery/status.ts'
import { asNobody, put } from '../config/machine.ts'
import { HOUR, MINUTE, NOON, World, screen } from './world.ts'

const OPS = '[destinations.ops]\ntype = "http"\nurl = "https://ops.example/in/s3cret"\n'

/** A daemon that answers, as far as `show` asks. */
async function daemonUp(t: Test, world: World, lanes: LaneStatus[] = []): Promise<void> {
  const status: Partial<DaemonStatus> = { destinations: ['ops'], lanes }
  const routes = { 'GET /v1/status': () => ({ status: 200, body: status }) }
  const control = await Control.open(world.spool, routes)
  t.teardown(() => control.close())
}

/** The first two lines: what is the matter, and what to do. */
async function said(world: World, id: string): Promise<string[]> {
  const { code, out, err } = await world.run('show', id)
  if (code !== 0) throw new Error(err)
  const [first, second] = out.split('\n') as [string, string]
  return [first.slice(28), second.slice(12)]
}

t.test('a page tells the whole story of a message', async (t) => {
  const world = await World.open(t, OPS)
  await daemonUp(t, world)
  world.at(NOON - 5 * HOUR)
  const id = await world.defer(
    { to: 'ops', subject: 'user.created', level: 'error', key: 'user-4711' },
    10_000,
    { at: world.iso(), reason: '503 Service Unavailable', answer: '' },
  )
  await world.engine.act('hold', { ids: [id] }, { by: 'bob' })
  world.pass(HOUR)
  const why = { by: 'alice', reason: 'was held by mistake' }
  await world.engine.act('release', { ids: [id] }, why)
  await world.fail({ to: 'ops' }, 2 * MINUTE, {
    reason: 'no answer in 10s',
    status: undefined as never,
    fault: 'network',
    ms: 10_000,
  })
  world.at(NOON - 12 * MINUTE)
  const long = `{"error":"${'x'.repeat(150)}","hint":"the end"}`
  await world.fail({ to: 'ops' }, 26 * MINUTE, {
    reason: `503 Service Unavailable: "${long.slice(0, 100)}..."`,
    answer: long,
  })
  world.at(NOON)
  const { code, out } = await world.run('show', '00000001')
  t.equal(code, 0)
  t.equal(
    out,
    screen(`
      ${id}  deferred, failed 3 times: 503 Service Unavailable: "${long.slice(0, 100)}..." (fault: receiver)
        next      in 14m (12:14:00); or now: msgq flush 00000001
        to        ops (https://ops.example/in/...)
        subject   user.created
        level     error
        body      5 B, sha256 2cf24dba...
        from      uid 1000 (ann) on web1, key user-4711
        times     accepted 07:00:00 (5h ago), given up after Nov 25 08:00

        TRY  WHEN       TOOK  OUTCOME   ANSWER
          1  07:00:00   31ms  deferred  503 Service Unavailable
          -  07:00:00      -  held      by bob
          -  08:00:00      -  released  by alice: "was held by mistake"
          2  08:00:00  10.0s  deferred  no answer in 10s (fault: network)
          3  11:48:00   31ms  deferred  503 Service Unavailable: "${long.slice(0, 100)}..."
        answer    ${long}
        more: --body  --raw  --curl  --batch
    `),
  )
})

t.test('without a daemon each state says what to start', async (t) => {
  const world = await World.open(t, OPS)
  const later = await world.defer({ to: 'ops' }, HOUR)
  const under = await world.send({ to: 'ops' })
  await world.claim('ops')
  const fresh = await world.send({ to: 'ops' })
  t.same(await said(world, fresh), [
    'incoming, waits because msgqd is not running',
    'goes out once msgqd runs (systemctl start msgq); at once: msgqd --once',
  ])
  t.same(await said(world, under), [
    'active, was under way when msgqd ended',
    'goes out again once msgqd runs (systemctl start msgq); at once: msgqd --once',
  ])
  t.same(await said(world, later), [
    'deferred, waits because msgqd is not running, after 1 try: ' +
      '503 Service Unavailable: "upstream down" (fault: receiver)',
    'at 13:00:00 or later, once msgqd runs (systemctl start msgq); at once: msgqd --once',
  ])
})

t.test('with a daemon each state says what comes next', async (t) => {
  const world = await World.open(t, OPS)
  await daemonUp(t, world, [
    {
      lane: '=slow.example_443',
      window: 5,
      active: 0,
      closedUntil: world.iso(HOUR),
      why: '429 Too Many Requests',
    },
  ])
  const bounced = await world.bounce({ to: 'ops' })
  t.same(await said(world, bounced), [
    'bounce, failed for good: 404 Not Found (fault: configuration)',
    'mend the cause, then send it anew: msgq requeue 00000001',
  ])
  const held = await world.send({ to: 'ops' })
  await world.engine.act('hold', { ids: [held] }, { by: 'alice', reason: 'wrong totals' })
  t.same(await said(world, held), [
    'hold, held by alice: "wrong totals"',
    'waits for a person; to let it go: msgq release 00000002',
  ])
  const under = await world.send({ to: 'ops' })
  await world.claim('ops')
  t.same(await said(world, under), [
    'active, attempt 1 is under way',
    'ends within the timeout of its destination',
  ])
  const planned = await world.send({ to: 'ops', notBefore: world.iso(30 * MINUTE) })
  t.same(await said(world, planned), [
    'incoming, scheduled by its sender',
    'in 30m (12:30:00); or now: msgq flush 00000004',
  ])
  const slow = await world.send({ to: 'https://slow.example/' })
  t.same(await said(world, slow), [
    'incoming, waits because =slow.example_443 is closed until 13:00: 429 Too Many Requests',
    'in 1h (13:00:00); or now: msgq flush 00000005',
  ])
  const lost = await world.send({ to: 'crm' })
  t.same(await said(world, lost), [
    'incoming, waits because the configuration has no destination "crm"',
    'define [destinations.crm] in msgq.toml, then: msgq reload',
  ])
  const event = await world.send({ event: 'user.created' })
  t.same(await said(world, event), ['incoming, due, waits for its turn', 'soon'])
  const due = await world.send({ to: 'ops' })
  t.same(await said(world, due), ['incoming, due, waits for its turn', 'soon'])
})

t.test('a corrupt message says what is wrong with it', async (t) => {
  const world = await World.open(t, OPS)
  const id = await world.send({ to: 'ops' })
  const file = world.fileIn('incoming')
  writeFileSync(file, readFileSync(file, 'utf8').replace('hello', 'jello'))
  await world.engine.claim({ room: () => 1, max: 1 })
  t.same(world.files('corrupt').length, 1)
  t.same(await said(world, id), [
    'corrupt: its body is not the one sealed',
    'is kept until it is deleted or requeued; to see its bytes: msgq show 00000001 --raw',
  ])
  const body = await world.run('show', id, '--body')
  t.equal(body.code, 65)
  t.equal(body.out, '')
  t.equal(
    body.err,
    `msgq: show: ${id}: its body is not the one sealed\n` +
      '  hint: msgq show 00000001 --raw prints what is there\n',
  )
  t.match((await world.run('show', id, '--raw')).out, /\njello\n/)
})

t.test('what a sender put into URL and headers is shown by --raw alone', async (t) => {
  const world = await World.open(t)
  const id = await world.send({
    to: 'https://hooks.example/T0/B1/s3cret',
    headers: { Authorization: 'Bearer s3cret', 'x-api-key': 's3cret', 'x-plain': 'seen' },
  })
  for (const flags of [[], ['--json'], ['--curl']]) {
    const { code, out } = await world.run('show', id, ...flags)
    t.equal(code, 0)
    t.match(out, 'https://hooks.example/T0/...')
    t.match(out, 'seen')
    t.notMatch(out, 's3cret', flags.join())
  }
  t.match((await world.run('show', id, '--raw')).out, 'https://hooks.example/T0/B1/s3cret')
})

t.test('JSON is the line of mailq with envelope, trail and diagnosis', async (t) => {
  const world = await World.open(t, OPS)
  const id = await world.defer({ to: 'ops' }, HOUR)
  const { out } = await world.run('show', id, '--json')
  const listed = JSON.parse((await world.run('mailq', '--json', id)).out) as object
  const shown = JSON.parse(out) as Record<string, unknown>
  t.match(shown, listed)
  t.match(shown, {
    envelope: { v: 1, id, bytes: 5, sender: { uid: 1000 } },
    trail: [{ try: 1, outcome: 'deferred', status: 503, ms: 31, due: world.iso(HOUR) }],
    diagnosis: /^deferred, waits because msgqd is not running/,
    command: 'msgqd --once',
  })
  t.equal(out.trimEnd().split('\n').length, 1)
})

t.test('--body is the body and --raw the file, byte by byte', async (t) => {
  const world = await World.open(t)
  const body = 'no newline\u0000\r\n at the end'
  const id = await world.send({ to: 'ops' }, body)
  t.same(await world.run('show', id, '--body'), { code: 0, out: body, err: '' })
  const stored = readFileSync(world.fileIn('incoming'), 'utf8')
  t.same(await world.run('show', id, '--raw'), { code: 0, out: stored, err: '' })
  const large = 'x'.repeat(3 * 1024 * 1024)
  const second = await world.send({ to: 'ops' }, large)
  t.ok(
    (await world.run('show', second, '--body')).out === large,
    'also one that is streamed',
  )
  t.match((await world.run('show', second, '--raw')).out, large.slice(0, 100))
})

t.test('bytes that would harm a terminal are not put on one', async (t) => {
  const world = await World.open(t)
  const harmful = await world.send({ to: 'ops' }, 'a\u001b[2Jb')
  const ran = await world.runOn({ columns: 80 }, 'show', harmful, '--body')
  t.equal(ran.code, 65)
  t.equal(ran.out, '')
  t.match(ran.err, 'hint: msgq show 00000001 --body | less, or > FILE')
  t.equal(
    (await world.run('show', harmful, '--body')).out,
    'a\u001b[2Jb',
    'a pipe gets them',
  )
  const text = await world.send({ to: 'ops' }, 'grüße\n\tand more\r\n')
  t.equal((await world.runOn({ columns: 80 }, 'show', text, '--body')).code, 0)
})

const curl = spawnSync('curl', ['--version']).status === 0 ? {} : { skip: 'no curl' }

t.test('the curl command makes the request that msgqd makes', curl, async (t) => {
  const seen: { method?: string; headers: object; body: string }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      seen.push({ method: request.method!, headers: request.headers, body })
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const world = await World.open(
    t,
    `[destinations.ops]\ntype = "http"\nurl = "http://127.0.0.1:${port}/in"\n` +
      'auth = { bearer = { file = "token" } }\n',
  )
  put(join(world.environment.etc, 'msgq/token'), 's3cret')
  const id = await world.send(
    { to: 'ops', method: 'PUT', key: 'k-1', headers: { 'x-note': `it's $HOME` } },
    '{"a":1}',
  )
  const { out, err } = await world.run('show', id, '--curl')
  t.notMatch(out, 's3cret')
  t.match(err, '**** stands for what is secret')
  const [source, command] = out.split(' | ') as [string, string]
  t.equal(source, 'msgq show 00000001 --body')
  // The shell reads it as it stands; the body comes from the same command that is named.
  const { out: body } = await world.run('show', id, '--body')
  await new Promise((resolve, reject) => {
    const shell = execFile('sh', ['-c', `unset http_proxy; ${command}`], (error) =>
      error ? reject(error) : resolve(undefined),
    )
    shell.stdin!.end(body)
  })
  t.match(seen, [
    {
      method: 'PUT',
      headers: {
        'x-note': `it's $HOME`,
        'idempotency-key': 'k-1',
        'webhook-id': id,
        'msgq-attempt': '1',
        'content-type': 'text/plain; charset=utf-8',
        authorization: '****',
      },
      body: '{"a":1}',
    },
  ])
})

t.test('a curl command needs a destination that there is', async (t) => {
  const world = await World.open(t, OPS)
  const lost = await world.send({ to: 'crm' })
  t.match(await world.run('show', lost, '--curl'), {
    code: 78,
    err: 'msgq: show: no such destination: crm\n  hint: msgq config lists',
  })
  const event = await world.send({ event: 'user.created' })
  t.match(await world.run('show', event, '--curl'), {
    code: 78,
    err: `msgq: show: ${event} is an event, and no request yet\n`,
  })
})

t.test('an id that fits none or several is 66, and what is no id 64', async (t) => {
  const world = await World.open(t)
  await world.send({ to: 'ops' })
  t.match(await world.run('show', '0000000Z'), {
    code: 66,
    out: '',
    err: 'no such message',
  })
  t.match(await world.run('show', 'nonsense!'), { code: 64, out: '', err: 'is no id' })
  t.match(await world.run('show'), { code: 64, out: '' })
  t.match(await world.run('show', '00000001', '--raw', '--json'), { code: 64, out: '' })
  await world.send({ to: 'ops' })
  const twin = world.files('incoming').find((name) => name.includes('00000002'))!
  const other = twin.replace(/,[^,]{10}(?=\w{16}@)/, ',01K0000000')
  writeFileSync(join(world.spool, 'incoming', other), '')
  const several = await world.run('show', '00000002')
  t.equal(several.code, 66)
  t.match(several.err, /00000002: fits 2 messages.*\n.*01K0000000\w{16} \(incoming, ops\)/)
})

t.test('a file that is not ours to read is 77', async (t) => {
  const world = await World.open(t)
  const id = await world.send({ to: 'ops' })
  for (const folder of ['', 'incoming', 'active', 'deferred', 'hold', 'bounce', 'corrupt'])
    chmodSync(join(world.spool, folder), 0o755)
  chmodSync(world.fileIn('incoming'), 0o600)
  for (const flags of [['--body'], ['--raw']]) {
    const ran = await asNobody(() => world.run('show', id, ...flags))
    t.equal(ran.code, 77)
    t.match(ran.err, `msgq: show: ${id}: permission denied\n  hint: run as`)
  }
  const page = await asNobody(() => world.run('show', id))
  t.match(page.out, `${id}  incoming, cannot be read: permission denied\n`)
})

t.test('a trail with strange lines does no harm', async (t) => {
  const world = await World.open(t, OPS)
  const id = await world.send({ to: 'ops' })
  const at = world.iso()
  const odd = { at, act: 'postponed', reason: 'a\u001b[31m\nb' }
  appendFileSync(world.fileIn('incoming'), `torn {"at\n${JSON.stringify(odd)}\n`)
  const { out } = await world.run('show', id)
  t.match(out, / {4}- {2}12:00:00 +- {2}postponed {2}a \[31m b\n/)
  // eslint-disable-next-line no-control-regex
  t.notMatch(out, /[\u0000-\u0009\u000b-\u001f]/)
})

t.test('a repeat that was dropped by its key is answered by the first one', async (t) => {
  const world = await World.open(t)
  const draft = { to: 'ops', key: '42' }
  const first = await world.send(draft)
  const repeat = await world.send(draft)
  const [lease, ...others] = await world.engine.claim({ room: () => 9, max: 9 })
  t.strictSame([lease?.id, others], [first, []])
  await world.engine.noted()
  const shown = await world.run('show', repeat.slice(-8))
  t.equal(shown.code, 0)
  t.match(shown.out, first)
  const what = `was a repeat of ${first}, by its key, and was dropped`
  t.equal(shown.err, `msgq: show: ${repeat} ${what}; this is the first one\n`)
  await world.deliver(lease!)
  const gone = await world.run('show', repeat)
  t.match(gone, { code: 0, err: shown.err })
  t.match(gone.out, `${first}  delivered 12:00:00 (0s ago)\n`)
  rmSync(join(world.spool, 'log'), { recursive: true })
  t.match(await world.run('show', repeat), {
    code: 66,
    out: '',
    err: `msgq: show: ${repeat} ${what}\n  hint: the first`,
  })
})

t.test('a message that is gone is answered by the journal', async (t) => {
  const world = await World.open(t)
  const id = await world.defer({ to: 'ops', key: 'k' }, MINUTE)
  world.engine.note({ ...world.told(id, 'deferred'), try: 1, reason: '503', ms: 31 })
  world.pass(MINUTE)
  await world.deliver(await world.claim('ops'), { try: 2, ms: 1_234, reason: '200 OK' })
  world.pass(4 * MINUTE)
  for (const word of [id, '00000001']) {
    const { code, out } = await world.run('show', word)
    t.equal(code, 0)
    t.equal(
      out,
      screen(`
        ${id}  delivered 12:01:00 (4m ago)
          to        ops
          from      ann
          key       k
          times     accepted 12:00:00

          TRY  WHEN      TOOK  EVENT      ANSWER
            -  12:00:00     -  queued     by ann
            1  12:00:00  31ms  deferred   503
            2  12:01:00  1.2s  delivered  200 OK
          its body is gone; more: msgq log 00000001 --json
      `),
    )
  }
  const { out: json } = await world.run('show', id, '--json')
  t.match(JSON.parse(json), {
    id,
    state: 'gone',
    outcome: 'delivered',
    to: 'ops',
    journal: [{ event: 'queued' }, { event: 'deferred' }, { event: 'delivered' }],
  })
  for (const option of ['--body', '--raw', '--curl', '--batch']) {
    const { code, out, err } = await world.run('show', id, option)
    t.strictSame([code, out], [66, ''], option)
    t.match(err, `msgq: show: ${id}: delivered 12:01:00 (4m ago)\n  hint: its file is gone`)
  }
})

t.test('a deleted one says who did it and why', async (t) => {
  const world = await World.open(t)
  const id = await world.send({ to: 'ops' })
  const why = { by: 'ann', reason: 'sent twice' }
  await world.engine.act('delete', { ids: [id] }, why)
  const { out } = await world.run('show', id)
  t.match(out, `${id}  deleted by ann 12:00:00 (0s ago): "sent twice"\n`)
})
