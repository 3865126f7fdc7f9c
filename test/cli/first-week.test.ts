/**
 * first-week - the command lines that people type in their first week, as they type them, in a
 * real shell: each with the result that they should have.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { startSink } from '../../src/cli/sink.ts'
import { Program } from './program.ts'
import type { Ended } from './program.ts'

interface Queued {
  readonly envelope: Record<string, unknown>
  readonly body: string
}

/** A machine of somebody's first week, with three destinations and a daemon that was there. */
class Week extends Program {
  static async open(t: Test): Promise<Week> {
    const week = new Week(t)
    for (const state of ['active', 'bounce', 'corrupt', 'keys'])
      mkdirSync(join(week.spool, state))
    const destinations = ['ops', 'crm', 'pager'].map(
      (name) => `[destinations.${name}]\ntype = "http"\nurl = "https://${name}.example/"\n`,
    )
    writeFileSync(week.configFile, destinations.join(''))
    await week.publish()
    return week
  }

  file(name: string, content: string | Buffer): void {
    writeFileSync(join(this.folder, name), content)
  }

  /** The line in this folder. */
  type(line: string, stdin = ''): Promise<Ended> {
    return this.sh(`cd '${this.folder}'\n${line}`, stdin)
  }

  /** What was queued, in its order. */
  queued(state = 'incoming'): Queued[] {
    const files = readdirSync(join(this.spool, state)).filter((name) => name[0] !== '.')
    const idOf = (name: string) => name.split(',')[2]!
    return files
      .toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
      .map((name) => {
        const text = readFileSync(join(this.spool, state, name), 'latin1')
        const end = text.indexOf('\n')
        const envelope = JSON.parse(text.slice(0, end)) as Queued['envelope']
        const bytes = envelope['bytes'] as number
        return { envelope, body: text.slice(end + 1, end + 1 + bytes) }
      })
  }
}

const ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}\n$/
const NOTHING = { code: 0, out: '', err: '' }

t.test('1: cron pipes what a script says, or nothing at all', async (t) => {
  const week = await Week.open(t)
  const silent = await week.type('true 2>&1 | msgq send ops')
  t.match(silent, { code: 65, out: '' })
  t.match(silent.err, /^msgq: send: nothing on stdin/)
  t.match(silent.err, /-E/)
  t.match(await week.type('true | msgq send -E ops'), NOTHING)
  t.match(await week.type('echo done | msgq send -qE ops'), NOTHING)
  t.match(week.queued(), [{ envelope: { to: 'ops' }, body: 'done\n' }])
})

t.test('2: a text stands on the line, for one or for two', async (t) => {
  const week = await Week.open(t)
  t.match(await week.type('msgq send ops "disk full on $(echo db1)"'), { code: 0, out: ID })
  const both = await week.type('msgq send ops,pager "db1 is down"')
  t.equal(both.out.split('\n').length, 3, 'an id for each')
  t.match(
    week.queued().map(({ envelope, body }) => [envelope['to'], body]),
    [
      ['ops', 'disk full on db1'],
      ['ops', 'db1 is down'],
      ['pager', 'db1 is down'],
    ],
  )
})

t.test('3, 4: bytes are kept as they are given, and only --json is JSON', async (t) => {
  const week = await Week.open(t)
  week.file('order.json', '{\n  "id": 7\n}\n')
  await week.type(`msgq send crm -d '{"id":7}'`)
  await week.type(`msgq send crm --json '{"id":7}'`)
  await week.type('msgq send crm -d @order.json')
  t.match(await week.type('msgq send crm --data-binary @order.json'), { code: 0 })
  t.match(await week.type(`msgq send crm --json '{id:7}'`), { code: 65, out: '' })
  const queued = week.queued()
  t.strictSame(
    queued.map(({ envelope }) => envelope['contentType']),
    [undefined, 'application/json', undefined, undefined],
  )
  t.equal(queued[2]!.body, '{\n  "id": 7\n}\n')
  t.equal(queued[3]!.body, queued[2]!.body)
})

t.test('5: a second body is refused, and a form is said to be one', async (t) => {
  const week = await Week.open(t)
  t.match(await week.type('msgq send crm -d a=1 -d b=2'), { code: 64, err: /twice/ })
  const form = `-H 'content-type: application/x-www-form-urlencoded' -d 'a=1&b=2'`
  t.match(await week.type(`msgq send crm -H 'x-a: 1' ${form}`), { code: 0 })
  t.match(week.queued(), [{ body: 'a=1&b=2', envelope: { headers: { 'x-a': '1' } } }])
})

t.test('6: a ping reads no stdin, and what curl has and we have not is told', async (t) => {
  const week = await Week.open(t)
  const ping = 'https://hc-ping.example/UUID -X GET --expires 10m'
  t.match(await week.type(`sleep 5 | { msgq send ${ping}; kill $$; }`), { out: ID })
  t.match(week.queued(), [{ body: '', envelope: { method: 'GET' } }])
  for (const option of ['-f', '-S', '-k', '-L', '-o x', '-m 10', '-u a:b', '--retry 5']) {
    const { code, err } = await week.type(`msgq send ops hello ${option}`)
    t.equal(code, 64, option)
    t.match(err, /\n {2}hint: /, option)
  }
})

t.test('7: it leaves the list of a loop alone', async (t) => {
  const week = await Week.open(t)
  week.file('hosts', 'h1\nh2\nh3\n')
  const loop = 'while read -r h; do msgq send -q ops "$h down"; done < hosts'
  t.match(await week.type(loop), NOTHING)
  t.equal(week.queued().length, 3)
})

t.test('8: bytes of any kind come through a pipe', async (t) => {
  const week = await Week.open(t)
  const line =
    'printf "\\037\\213\\000\\377" | msgq send crm --content-type application/gzip'
  t.match(await week.type(line), { code: 0 })
  t.match(week.queued(), [
    { body: '\u001f\u008b\0\u00ff', envelope: { contentType: 'application/gzip' } },
  ])
})

t.test('9: the id can be kept, or thrown away', async (t) => {
  const week = await Week.open(t)
  week.file('e.json', '{}')
  const kept = await week.type('set -e; id=$(msgq send crm --json @e.json); echo "got $id"')
  t.match(kept, { code: 0, out: /^got \w{26}\n$/ })
  t.match(await week.type('msgq send crm --json @e.json >&-'), { code: 0 })
  t.equal(week.queued().length, 2)
})

t.test('10, 11: a subject, as with mail(1), and how bad it is', async (t) => {
  const week = await Week.open(t)
  week.file('log.txt', 'it failed\n')
  await week.type('msgq send ops -s "Backup failed on db1" < log.txt')
  await week.type('msgq send pager --level critical "db1 is down"')
  t.match(week.queued(), [
    { envelope: { subject: 'Backup failed on db1' }, body: 'it failed\n' },
    { envelope: { level: 'critical' } },
  ])
  t.match(await week.type('msgq send ops -sS hello'), { code: 64 })
  t.match(await week.type('msgq send ops --level bad hello'), { code: 64 })
})

t.test('12: a form with a file, as with curl', async (t) => {
  const week = await Week.open(t)
  week.file('report.pdf', Buffer.from('%PDF\r\n\0\n\xff', 'latin1'))
  t.match(await week.type('msgq send crm -F file=@report.pdf -F kind=daily'), { code: 0 })
  const [{ body, envelope } = { body: '', envelope: {} }] = week.queued()
  const contentType = String(envelope['contentType'])
  t.match(contentType, /^multipart\/form-data; boundary=/)
  const headers = { 'content-type': contentType }
  const form = await new Response(Buffer.from(body, 'latin1'), { headers }).formData()
  t.equal(form.get('kind'), 'daily')
  const file = form.get('file') as File
  t.match(file, { name: 'report.pdf', type: 'application/octet-stream' })
  t.equal(Buffer.from(await file.arrayBuffer()).toString('latin1'), '%PDF\r\n\0\n\xff')
})

t.test('13: no password in a URL, and no secret on a screen', async (t) => {
  const week = await Week.open(t)
  t.match(await week.type('msgq send https://ann:pw@host.example/hook -d x'), {
    code: 64,
    err: /user or password/,
  })
  const secret = `-H 'x-api-key: s3cret' https://hooks.example/T0/s3cret -d x`
  const { out } = await week.type(`msgq send ${secret}`)
  for (const look of [
    'mailq',
    'mailq --json',
    `show ${out.trim()}`,
    `show ${out.trim()} --json`,
  ])
    t.notMatch(await week.type(`msgq ${look}`), { out: /s3cret/ }, look)
  t.match(await week.type(`msgq show ${out.trim()} --raw`), { out: /s3cret/ })
})

t.test('14: a crontab says once whom all of it is for', async (t) => {
  const week = await Week.open(t)
  t.match(await week.type('export MSGQ_TO=ops; echo hello | msgq send -qE'), NOTHING)
  t.match(week.queued(), [{ envelope: { to: 'ops' } }])
  const nobody = await week.type('echo hello | msgq send')
  t.match(nobody, { code: 64, err: /there are ops, crm, pager/ })
})

t.test('15, 16: when it may go, and when it is worth nothing', async (t) => {
  const week = await Week.open(t)
  await week.type(`msgq send crm --json '{}' --expires 5m --key otp-7-1`)
  await week.type('msgq send ops --at 2999-11-20T09:00Z standup')
  t.match(week.queued(), [
    { envelope: { key: 'otp-7-1', expiresAt: /Z$/ } },
    { envelope: { notBefore: '2999-11-20T09:00:00.000Z' } },
  ])
  t.match(await week.type('msgq send ops --at 09:00 standup'), { code: 0 })
  t.match(await week.type("msgq send ops --at 'tomorrow 9:00' standup"), { code: 64 })
  t.match(await week.type('msgq send ops --at 09:00 --delay 5m standup'), { code: 64 })
})

t.test('18: many in one go are answered line by line', async (t) => {
  const week = await Week.open(t)
  const json = ['{"body":"a"}', '{"body":"b"', '{"body":"c","to":"ops"}']
  const { code, out, err } = await week.type('msgq send --batch crm', json.join('\n'))
  t.equal(code, 65)
  t.match(out, /^\w{26}\n\w{26}\n$/)
  t.match(err, /line 2: is no JSON/)
  t.match(
    week.queued().map(({ envelope, body }) => [envelope['to'], body]),
    [
      ['crm', 'a'],
      ['ops', 'c'],
    ],
  )
  const lines = 'tail -n 3 | msgq send --lines ops --level info -q'
  t.match(await week.type(lines, 'one\ntwo {"to":"crm"}\n\nthree'), NOTHING)
  t.match(week.queued().slice(2), [
    { envelope: { to: 'ops', level: 'info' }, body: 'two {"to":"crm"}' },
    { envelope: { to: 'ops', level: 'info' }, body: 'three' },
  ])
  t.match(await week.type('msgq send --lines ops --key 1', 'x\n'), { code: 64 })
})

t.test('19: a full disk refuses, and says that nothing was queued', async (t) => {
  const week = await Week.open(t)
  const config = readFileSync(week.configFile, 'utf8')
  writeFileSync(week.configFile, `[send]\nmin_free = "900000GiB"\n${config}`)
  const { code, err } = await week.type("echo '96 /' | msgq send -E ops -s disk")
  t.equal(code, 75)
  t.match(err, /nothing was queued/)
  t.strictSame(week.queued(), [])

  const sink = await startSink({ port: 0, answers: ['/no=503'] })
  t.teardown(() => sink.close())
  const alert = `echo '96 /' | msgq send -E -s disk --last-resort ${sink.url}`
  t.match(await week.type(`${alert}/yes`), {
    code: 0,
    out: '',
    err: /not queued: .*min_free[^]*without the queue delivered to .*: 200 OK/,
  })
  t.match(await week.type(`${alert}/no`), { code: 75, err: /without the queue: .* 503 / })
  t.match(await week.type(`${alert}/yes --delay 5m`), { code: 75, err: /not go out yet/ })
  t.strictSame([sink.accepted.size, week.queued()], [1, []])
  t.match(await week.type('msgq send ops --level critical "disk full"'), { code: 0 })
  t.match(week.queued(), [{ body: 'disk full' }])
})

t.test('20: what cron and others hand to sendmail', async (t) => {
  const week = await Week.open(t)
  const config = readFileSync(week.configFile, 'utf8')
  writeFileSync(week.configFile, `${config}[mail]\nroot = "ops"\n`)
  const mail = 'To: root\nSubject: Cron <root@db1> backup\n\nit failed\n'
  const line = 'msgq sendmail -i -oem -odi -FCronDaemon -t'
  t.match(await week.type(line, mail), { code: 0, out: '', err: '' })
  t.match(week.queued(), [
    { envelope: { to: 'ops', subject: 'Cron <root@db1> backup' }, body: /it failed/ },
  ])
})

t.test('21: lists end in their total, give ids, and may be cut off', async (t) => {
  const week = await Week.open(t)
  t.match(await week.type('msgq mailq --names | head -1'), { out: '0 messages\n', code: 0 })
  await week.type('for n in 1 2 3; do msgq send -q crm "$n"; done; msgq send -q ops 4')
  t.match(await week.type('msgq mailq | grep -v "^!" | tail -1'), { out: /^4 messages, / })
  t.match(await week.type('msgq mailq | head -1'), { code: 0, err: '' })
  const deleted = await week.type('msgq mailq --to crm --ids | msgq delete -')
  t.match(deleted, { code: 0, out: 'matched 3, done 3, skipped 0\n' })
  t.match(week.queued(), [{ envelope: { to: 'ops' } }])
})

t.test('22, 23: flush means what waits, requeue ALL what bounced', async (t) => {
  const week = await Week.open(t)
  await week.type(
    'msgq send -q crm a; msgq hold ALL; msgq send -q crm b; msgq expire --state incoming',
  )
  t.match(await week.type('msgq flush'), { code: 0, out: 'matched 0, done 0, skipped 0\n' })
  t.match(await week.type('msgq flush --to crm'), { code: 0 })
  const again = await week.type('msgq requeue ALL')
  t.match(again, { code: 0, out: 'matched 1, done 1, skipped 0\n' })
  t.match(week.queued(), [{ body: 'b' }])
  t.match(week.queued('hold'), [{ body: 'a' }], 'who was held on purpose stays')
  for (const verb of ['hold', 'release', 'requeue', 'delete', 'expire'])
    t.match(await week.type(`msgq ${verb}`), { code: 64, err: /which messages\?/ })
})

t.test('25: what is in force, and what a monitoring system asks', async (t) => {
  const week = await Week.open(t)
  t.match(await week.type('msgq config destinations.crm.url'), {
    code: 0,
    out: /crm\.example/,
  })
  t.match(await week.type('msgq reload'), { code: 69, err: /msgqd is not running/ })
  const line = 'msgq status --warn deferred=50,oldest=1h --crit bounce=200'
  t.match(await week.type(line), {
    code: 2,
    out: /^MSGQ CRITICAL - msgqd is not running \| /,
  })
  t.match(await week.type('msgq qshape deferred'), { code: 0, out: /^\s+T\s+5\s/ })
})
