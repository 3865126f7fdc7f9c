/**
 * smtp - what each answer of a server comes to, and what the mail looks like when it arrives.
 *
 * The odd answers come from a server that plays them; that a mail is one is judged by Postfix.
 */
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'

import PostalMime from 'postal-mime'
import { SMTPServer } from 'smtp-server'
import type { SMTPServerOptions } from 'smtp-server'
import t from 'tap'
import type { Test } from 'tap'

import type { SmtpDestination } from '../../src/config/config.ts'
import type { Body } from '../../src/message/body.ts'
import { createSmtpTransport } from '../../src/transport/smtp.ts'
import { cannotRunPostfix, Postfix } from './postfix.ts'
import { attemptOf, ID } from './support.ts'

function smtpOf(port: number, more: Partial<SmtpDestination> = {}): SmtpDestination {
  return {
    name: 'mail',
    type: 'smtp',
    host: '127.0.0.1',
    port,
    tls: 'none',
    from: 'msgq <msgq@from.example>',
    recipients: ['ann@to.example'],
    timeout: 20_000,
    retry: { min: 1, factor: 2, max: 10, jitter: 0, tries: 0, lifetime: 1000 },
    lane: { window: 20 },
    where: 'test',
    ...more,
  }
}

const open = new AbortController().signal
const transport = createSmtpTransport({ secrets: () => 'the-password' })
t.teardown(() => transport.close())

const send = (destination: SmtpDestination, body = 'tea\n', draft = {}, signal = open) =>
  transport.deliver(attemptOf(destination, body, draft), signal)

interface Got {
  readonly from: string
  readonly to: string[]
  readonly text: string
}

/** A server on loopback, and what it took. */
async function serverOf(t: Test, options: SMTPServerOptions = {}) {
  const got: Got[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const from = mailFrom === false ? '' : mailFrom.address
        const to = rcptTo.map(({ address }) => address)
        got.push({ from, to, text: Buffer.concat(chunks).toString() })
        callback()
      })
    },
    ...options,
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise<void>((resolve) => server.close(resolve)))
  return { got, port: (server.server.address() as AddressInfo).port }
}

/** A server that says these lines, one at each command, and then hangs or hangs up. */
async function playing(t: Test, lines: readonly string[], end: 'hang' | 'close') {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    const left = [...lines]
    const next = () => {
      const line = left.shift()
      if (line !== undefined) socket.write(`${line}\r\n`)
      else if (end === 'close') socket.destroy()
    }
    next()
    socket.on('data', next)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

const refusal = (code: number, message: string) =>
  Object.assign(new Error(message), { responseCode: code })

t.test('a mail arrives, the same one at each attempt', async (t) => {
  const { got, port } = await serverOf(t)
  const recipients = ['ann@to.example', 'bob@to.example']
  const draft = { subject: 'Größe: é', level: 'error' }
  const first = await send(smtpOf(port, { recipients }), 'tea é\n.\n', draft)
  t.match(first, { kind: 'delivered', status: 250, reason: /^250 / })
  await send(smtpOf(port, { recipients }), 'tea é\n.\n', draft)
  t.equal(got[0]!.text, got[1]!.text)
  t.same([got[0]!.from, got[0]!.to], ['msgq@from.example', recipients])
  const mail = await new PostalMime().parse(got[0]!.text)
  t.equal(mail.subject, 'Größe: é')
  t.equal(mail.messageId, `<${ID}@from.example>`)
  t.equal(mail.text?.replaceAll('\r\n', '\n'), 'tea é\n.\n')
  t.equal(mail.date, '1970-01-01T00:00:00.000Z')
  t.equal(mail.from?.name, 'msgq')
  const header = (key: string) => mail.headers.find((each) => each.key === key)?.value
  t.equal(header('auto-submitted'), 'auto-generated')
  t.equal(header('importance'), 'High')
})

t.test('the body is what its content type says', async (t) => {
  const { got, port } = await serverOf(t)
  const mailOf = async (body: string, contentType?: string) => {
    await send(smtpOf(port), body, contentType === undefined ? {} : { contentType })
    return new PostalMime().parse(got.at(-1)!.text)
  }
  const page = await mailOf('<p>é</p>', 'text/html')
  t.match([page.html, page.text], ['<p>é</p>\n', undefined])
  const json = await mailOf('{"a":1}', 'application/json')
  t.match(got.at(-1)!.text, /^Content-Type: application\/json\r$/im)
  t.equal(Buffer.from(json.attachments[0]!.content as ArrayBuffer).toString(), '{"a":1}')
  const plain = await mailOf('')
  t.equal(plain.subject, 'msgq: message for mail')
  t.equal(plain.text?.trim() ?? '', '')
})

t.test('nothing that a sender wrote becomes a header or a command', async (t) => {
  const { got, port } = await serverOf(t)
  const odd = `a\u2028Bcc: eve@evil.example`
  await send(smtpOf(port), '.\r\nMAIL FROM:<eve@evil.example>\r\n', {
    subject: odd,
    contentType: 'text/x; a="b"',
  })
  t.equal(got.length, 1)
  t.same(got[0]!.to, ['ann@to.example'])
  const mail = await new PostalMime().parse(got[0]!.text)
  t.same([mail.bcc, mail.subject], [undefined, odd])
})

t.test('4xx is later, 5xx is never', async (t) => {
  for (const [code, kind] of [
    [450, 'deferred'],
    [550, 'bounced'],
    [503, 'deferred'],
  ] as const)
    for (const step of ['onMailFrom', 'onRcptTo', 'onData'] as const) {
      const { port } = await serverOf(t, {
        [step]: (
          first: { resume?: () => void },
          _session: unknown,
          callback: (error: Error) => void,
        ) => {
          first.resume?.()
          callback(refusal(code, `${step} says no`))
        },
      })
      const outcome = await send(smtpOf(port))
      t.match(outcome, { kind, status: code }, `${code} ${step}`)
      t.match(outcome.reason, `${step} says no`)
    }
})

t.test('some receivers are refused', async (t) => {
  const { got, port } = await serverOf(t, {
    onRcptTo({ address }, _session, callback) {
      if (address.startsWith('gone')) callback(refusal(550, 'no such user'))
      else if (address.startsWith('full')) callback(refusal(452, 'mailbox full'))
      else callback()
    },
  })
  const to = (...names: string[]) =>
    smtpOf(port, { recipients: names.map((name) => `${name}@to.example`) })
  const some = await send(to('gone', 'ann', 'full'))
  t.match(some, { kind: 'deferred', status: 452, fault: 'receiver' })
  t.match(some.reason, /^not taken for gone@to\.example \(550 no such user\); full@/)
  t.match(some.reason, /; taken for ann@to\.example \(250 .*\)$/)
  t.same((some as { taken?: string[] }).taken, ['ann@to.example'])
  t.same(got[0]!.to, ['ann@to.example'])
  t.match(await send(to('gone', 'full')), { kind: 'deferred', status: 452 })
  t.match(await send(to('gone')), {
    kind: 'bounced',
    reason: 'not taken for gone@to.example (550 no such user)',
  })
  t.equal(got.length, 1)
  t.match(await send(to('gone', 'ann')), {
    kind: 'bounced',
    status: 550,
    reason:
      /^not taken for gone@to\.example \(550 no such user\); taken for ann@to\.example \(250/,
    taken: ['ann@to.example'],
  })
})

t.test('who has a mail gets it no second time', async (t) => {
  let isFull = true
  const { got, port } = await serverOf(t, {
    onRcptTo({ address }, _session, callback) {
      if (isFull && address.startsWith('full')) callback(refusal(452, 'mailbox full'))
      else callback()
    },
  })
  const recipients = ['ann@to.example', 'full@to.example', 'bea@BÜCHER.example']
  const destination = smtpOf(port, { recipients })
  const first = (await send(destination)) as { taken?: string[] }
  t.same(first.taken, ['ann@to.example', 'bea@BÜCHER.example'])
  isFull = false
  const again = (taken: string[]) =>
    transport.deliver({ ...attemptOf(destination, 'tea\n', {}), taken }, open)
  t.match(await again(first.taken!), { kind: 'delivered' })
  t.same(got.at(-1)!.to, ['full@to.example'])
  t.match(got.at(-1)!.text, /^To: ann@to\.example, full@/m, 'it names them all')
  t.match(await again(recipients), { kind: 'delivered', reason: /all of its receivers/ })
  t.equal(got.length, 2)
})

t.test('what is refused of us, and not of the mail, waits', async (t) => {
  const auth = { user: 'msgq', password: { file: 'x' } }
  const { port } = await serverOf(t, {
    onAuth: ({ password }, _session, callback) =>
      callback(refusal(535, `no such password: ${password}`)),
  })
  t.match(await send(smtpOf(port, { auth })), {
    kind: 'deferred',
    fault: 'configuration',
    status: 535,
    reason: 'login refused: 535 no such password: ***',
    ...{ suspends: true, uncharged: true },
  })
  const busy = await serverOf(t, {
    onAuth: (_auth, _session, callback) => callback(refusal(454, 'come again')),
  })
  const later = await send(smtpOf(busy.port, { auth }))
  t.match(later, { kind: 'deferred', fault: 'receiver', status: 454 })
  t.notOk('suspends' in later)
  const closed = await playing(t, ['554 no service'], 'close')
  t.match(await send(smtpOf(closed)), { kind: 'deferred', reason: /554 no service/ })
  const anonymous = await playing(
    t,
    ['220 hi', '250 hi', '530 5.7.0 log in first'],
    'close',
  )
  t.match(await send(smtpOf(anonymous)), { kind: 'deferred', status: 530, suspends: true })
})

t.test('without TLS nothing is sent, unless it says so', async (t) => {
  const { got, port } = await serverOf(t)
  t.match(await send(smtpOf(port, { tls: 'starttls' })), { kind: 'deferred' })
  const own = await serverOf(t, { disabledCommands: [] })
  const outcome = await send(smtpOf(own.port, { tls: 'starttls' }))
  t.match(
    outcome,
    { kind: 'deferred', fault: 'network' },
    'its certificate is not verified',
  )
  t.match(outcome.reason, /certificate/)
  t.same([got, own.got], [[], []])
})

t.test('silence, garbage, and a connection that ends', async (t) => {
  const silent = await playing(t, [], 'hang')
  t.match(await send(smtpOf(silent, { timeout: 100 })), {
    kind: 'deferred',
    fault: 'network',
    reason: `127.0.0.1:${silent}: no answer in 100ms`,
  })
  const taken = ['220 hi', '250 hi', '250 ok', '250 ok', '354 go on']
  for (const lines of [[], ['220 hi'], ['\0\xff garbage'], taken]) {
    const port = await playing(t, lines, 'close')
    t.match(await send(smtpOf(port)), { kind: 'deferred' }, lines.at(-1) ?? 'nothing')
  }
  const gone = createServer().listen(0)
  const free = (gone.address() as AddressInfo).port
  await new Promise((resolve) => gone.close(resolve))
  t.same(await send(smtpOf(free)), {
    kind: 'deferred',
    fault: 'network',
    reason: `connection refused: 127.0.0.1:${free}`,
  })
  t.match(await send(smtpOf(25, { host: 'no-such-host.invalid' })), {
    kind: 'deferred',
    fault: 'network',
  })
  const stop = new AbortController()
  const ended = send(smtpOf(silent), 'x', {}, stop.signal)
  setTimeout(() => stop.abort(), 50)
  t.match(await ended, { reason: 'stopped before an answer came', fault: 'configuration' })
  t.match(await send(smtpOf(silent), 'x', {}, stop.signal), { uncharged: true })
})

t.test('only what was told of the mail may have it', async (t) => {
  const arrived = async (lines: readonly string[], end: 'hang' | 'close') => {
    const timeout = end === 'hang' ? 200 : 20_000
    const outcome = await send(smtpOf(await playing(t, lines, end), { timeout }))
    t.match(outcome, { kind: 'deferred', fault: 'network' })
    return 'mayHaveArrived' in outcome
  }
  const greeting = ['220 hi', '250 hi']
  for (const end of ['hang', 'close'] as const) {
    t.equal(await arrived([], end), false, `${end} at the greeting`)
    t.equal(await arrived(greeting.slice(0, 1), end), false, `${end} at EHLO`)
    t.equal(await arrived([...greeting, '250 ok', '250 ok'], end), true, `${end} at DATA`)
    t.equal(
      await arrived([...greeting, '250 ok', '250 ok', '354 go on'], end),
      true,
      `${end} behind it`,
    )
  }
  const silent = await playing(t, [], 'hang')
  const stop = new AbortController()
  const ended = send(smtpOf(silent), 'x', {}, stop.signal)
  setTimeout(() => stop.abort(), 50)
  t.match(await ended, { uncharged: true, mayHaveArrived: undefined })
  // A stop while the body is read must not wait for the server's time.
  const late = new AbortController()
  const body: Body = {
    kind: 'stream',
    length: 1,
    open: () => Readable.from([Buffer.from('x')]).on('end', () => late.abort()),
  }
  const attempt = attemptOf(smtpOf(silent, { timeout: 60_000 }), body, {})
  t.match(await transport.deliver(attempt, late.signal), { uncharged: true })
})

t.test('Postfix takes it', { skip: cannotRunPostfix() }, async (t) => {
  const postfix = await Postfix.start()
  t.teardown(() => postfix.stop())
  const recipients = ['ann@to.example', 'gone@to.example']
  const outcome = await send(smtpOf(postfix.port, { recipients }), 'tea é\n', {
    subject: 'é',
  })
  t.match(outcome, { kind: 'bounced', status: 550, taken: ['ann@to.example'] })
  t.match(outcome.reason, /^not taken for gone@to\.example \(550 5\.1\.1 /)
  const mail = await new PostalMime().parse(
    postfix.mail(/queued as (\w+)/.exec(outcome.reason)![1]!),
  )
  t.match(mail, { subject: 'é', text: 'tea é\n', messageId: `<${ID}@from.example>` })
  t.match(await send(smtpOf(postfix.port, { recipients: ['later@to.example'] })), {
    kind: 'deferred',
    status: 450,
  })
  t.match(await send(smtpOf(postfix.port, { recipients: ['ann@other.example'] })), {
    kind: 'bounced',
    reason: /554 5\.7\.1 .*Relay access denied/,
  })
})
