/**
 * sendmail - what is handed to /usr/sbin/sendmail becomes messages, and nothing is lost silently.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import { put } from '../config/machine.ts'
import { MAILINGS } from './mails.ts'
import { MSGQ, Program } from './program.ts'
import { Sending } from './sending.ts'

const TOML = `[mail]
root = "ops"
default = "crm"
[destinations.ops]
type = "http"
url = "https://ops.example/"
[destinations.crm]
type = "http"
url = "https://crm.example/"
`

for (const { by, args, stdin, subject, text } of MAILINGS)
  t.test(`from ${by}`, async (t) => {
    const sending = new Sending(t, TOML)
    const { code, out, err, queued } = await sending.run(['sendmail', ...args], { stdin })
    t.same({ code, out, err }, { code: 0, out: '', err: '' })
    const to = /ann@/.test([...args, stdin].join(' ')) ? ['ops', 'crm'] : ['ops']
    t.same(
      queued.map(({ envelope, body }) => [envelope.to, envelope.subject, body.toString()]),
      to.map((each) => [each, subject, text]),
    )
  })

const mailx = ['/usr/bin/bsd-mailx'].find((file) => existsSync(file))
t.test(
  'from mail(1) itself',
  { skip: mailx === undefined && 'no bsd-mailx here' },
  async (t) => {
    const program = new Program(t)
    writeFileSync(program.configFile, TOML)
    const link = join(program.folder, 'sendmail')
    symlinkSync(MSGQ, link)
    const rc = join(program.folder, 'mailrc')
    writeFileSync(rc, `set sendmail=${link}\nset sendwait\n`)
    const env = { ...program.env, MAILRC: rc, LC_ALL: 'C.UTF-8' }
    const { status, stderr } = spawnSync(mailx!, ['-s', 'Grüße', 'root'], {
      env,
      input: 'von mail(1)\n.\n',
      encoding: 'utf8',
    })
    t.same([status, stderr], [0, ''])
    t.match(program.messages(), [{ envelope: { to: 'ops', subject: 'Grüße' } }])
    t.equal(program.messages()[0]!.body, 'von mail(1)\n.\n')
  },
)

t.test('by the name of sendmail, and of mailq', async (t) => {
  const program = new Program(t)
  writeFileSync(program.configFile, TOML)
  for (const name of ['sendmail', 'mailq']) symlinkSync(MSGQ, join(program.folder, name))
  const send = program.start([join(program.folder, 'sendmail'), '-oi', '-f', 'x@y', 'root'])
  send.child.stdin.end('Subject: linked\n\ntext\n')
  t.same(await send.ended, { code: 0, signal: null, out: '', err: '' })
  t.match(program.messages(), [
    { envelope: { to: 'ops', subject: 'linked' }, body: 'text\n' },
  ])
  const list = program.start([join(program.folder, 'mailq'), '--count'])
  t.match(await list.ended, { code: 0, out: '1\n' })
})

t.test('a mail that a schema refuses is for nobody, and says so', async (t) => {
  const sending = new Sending(
    t,
    TOML.replace('.example/"', '.example/"\nschema = "o.json"'),
  )
  put(join(sending.environment.etc, 'msgq/o.json'), '{"type": "object"}')
  const args = ['sendmail', '-t', 'root']
  const mail = (text: string) => ({ stdin: `To: ann@example.com\n\n${text}\n` })
  const { code, out, err, queued } = await sending.run(args, mail('"text"'))
  t.strictSame({ code, out, queued }, { code: 65, out: '', queued: [] })
  t.match(
    err,
    /^msgq: sendmail: body: wants an object, and there is "text"\n.* of ops says so/,
  )
  const good = await sending.run(args, mail('{"a": 1}'))
  t.match(good, {
    code: 0,
    queued: [{ envelope: { to: 'ops' } }, { envelope: { to: 'crm' } }],
  })
})

t.test('options of sendmail are taken, and mean nothing', async (t) => {
  const sending = new Sending(t, TOML)
  const args =
    '-odi -oem -F Name -fa@b -r c@d -B 7BIT -N never -R hdrs -O X=y -Am -v -Y -bm'
  const { code, err, queued } = await sending.run(
    ['sendmail', ...args.split(' '), '--', 'root'],
    { stdin: 'x\n' },
  )
  t.same([code, err, queued.length], [0, '', 1])
  t.same((await sending.run(['sendmail', '-q'])).code, 0)
  for (const [argv, err] of [
    [['sendmail'], 'no receivers'],
    [['sendmail', '-bs', 'root'], 'speaks no SMTP'],
    [['sendmail', '-bp'], 'msgq mailq'],
  ] as const) {
    const refused = await sending.run(argv, { stdin: 'x\n' })
    t.match(refused, { code: 64, err })
    t.same(refused.queued, [])
  }
})

t.test('one dot ends the mail, unless it is told not to', async (t) => {
  const sending = new Sending(t, TOML)
  const stdin = 'Subject: x\n\none\n.\ntwo\n'
  const body = async (...args: string[]) => {
    const { queued } = await sending.run(['sendmail', ...args, 'root'], { stdin })
    return queued[0]!.body.toString()
  }
  t.equal(await body(), 'one\n')
  t.equal(await body('-i'), 'one\n.\ntwo\n')
  t.equal(await body('-oi'), 'one\n.\ntwo\n')
})

t.test('a mail that is its subject', async (t) => {
  const sending = new Sending(t, TOML)
  const stdin = 'Subject: disk full\nTo: root\n\n'
  const { queued } = await sending.run(['sendmail', '-t'], { stdin })
  t.match(queued, [{ envelope: { subject: 'disk full' } }])
  t.equal(queued[0]!.body.toString(), 'disk full')
})

t.test('a text over the limit is cut, and says so', async (t) => {
  const sending = new Sending(t, `[send]\nmessage_size_limit = "1k"\n${TOML}`)
  for (const size of [2_000, 5_000_000]) {
    const stdin = `Subject: x\n\n${'ä'.repeat(size)}\n`
    const { code, queued } = await sending.run(['sendmail', '-i', 'root'], { stdin })
    t.equal(code, 0)
    const body = queued[0]!.body.toString()
    t.ok(queued[0]!.body.length <= 1024)
    t.match(body, /^ä+\n\[cut: the mail was over the limit of 1.0 KiB\]\n$/)
  }
})

t.test('nothing is lost without a word', async (t) => {
  const stdin = 'Subject: help\n\ntext\n'
  const mail = ['sendmail', '-i', 'bob', 'ops']
  const nobody = new Sending(t, TOML.replace('default = "crm"', ''))
  const partly = await nobody.run(mail, { stdin })
  t.match(partly, {
    code: 67,
    err: /nowhere for the mail of bob: help\n.*hint: \[mail\] default/,
  })
  t.same(
    partly.queued.map(({ envelope }) => envelope.to),
    ['ops'],
    'the others have it',
  )
  const broken = new Sending(t, 'mail = 7')
  const unread = await broken.run(mail, { stdin })
  t.match(unread, { code: 75, err: /nowhere for the mail of bob, ops: help/ })
  t.same(unread.queued, [])

  const gone = new Sending(t, TOML)
  rmSync(gone.spool, { recursive: true })
  const program = new Program(t)
  writeFileSync(program.configFile, TOML)
  rmSync(join(program.spool, 'incoming'), { recursive: true })
  const { code, err } = await program.msgq(mail, stdin)
  t.equal(code, 75)
  t.match(err, /^msgq: sendmail: the mail "help" was not queued: spool: /)
})

t.test('where mail goes is checked with the rest', async (t) => {
  for (const [toml, err] of [
    [
      '[mail]\nroot = "osp"\n[destinations.ops]\ntype = "http"\nurl = "https://a.b/"\n',
      /msgq\.toml:2: mail\.root: no such destination: "osp".*\n?.*did you mean ops/,
    ],
    ['[mail]\nroot = 5\n', /mail\.root/],
    ['[mail]\nroot = ""\n', /mail\.root: is empty/],
    ['mail = "ops"\n', /mail: is not a table/],
  ] as const) {
    const sending = new Sending(t, toml)
    t.match(await sending.run(['config']), { code: 78, err }, toml)
  }
  const { out } = await new Sending(t, TOML).run(['config', 'mail'])
  t.match(out, /mail.*root = "ops", default = "crm"/)
})
