/**
 * smtp - delivers a message as one mail to one server, by nodemailer.
 *
 * Guarantees that an attempt ends in an outcome, within its time limit, and that no secret is in
 * what it says. Who has it of several receivers gets it no second time. TLS is verified. A connection for each mail: what a server remembers of one
 * cannot touch the next, and the lane's window bounds how many there are. Leaves to its caller
 * when to try, and how often.
 */
import { formatDuration } from '../base/duration.ts'
import { plainError } from '../base/errno.ts'
import { printable } from '../base/text.ts'
import type { SmtpDestination } from '../config/config.ts'
import type { Body } from '../message/body.ts'
import type { Outcome } from '../message/outcome.ts'
import { concealer } from './conceal.ts'
import { mailOf } from './mail.ts'
import type { Mail } from './mail.ts'
import { lookUp } from './request.ts'
import { refusedAs, takenAs } from './smtp-answer.ts'
import type { Attempt, Transport, TransportOptions } from './transport.ts'

/** The transport of destinations of type `smtp`. */
export function createSmtpTransport({
  secrets,
}: Pick<TransportOptions, 'secrets'>): Transport<SmtpDestination> {
  const live = new Set<AbortController>()

  async function deliver(
    { envelope, body, destination, taken: before = [] }: Attempt<SmtpDestination>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { createTransport } = await import('nodemailer')
    if (signal.aborted) return { ...stopped(), uncharged: true }
    const { auth, host, port, timeout } = destination
    const receivers = destination.recipients.filter((each) => !before.includes(each))
    if (receivers.length === 0)
      return { kind: 'delivered', reason: 'all of its receivers have it' }
    let mail: Mail
    let login: { user: string; pass: string } | undefined
    try {
      mail = mailOf(envelope, await bytesOf(body), destination, receivers)
      login = auth && { user: auth.user, pass: lookUp(auth.password, secrets) }
    } catch (error) {
      return deferred(plainError(error))
    }
    const end = new AbortController()
    const stop = () => end.abort()
    let late = false
    const timer = setTimeout(() => {
      late = true
      stop()
    }, timeout)
    live.add(end)
    signal.addEventListener('abort', stop, { once: true })
    // While the body was read.
    if (signal.aborted) stop()
    const hide = concealer(login === undefined ? [] : secretsOf(login))
    const transporter = createTransport(settingOf(destination, login))
    // The mail is asked for once the server is ready to hear of it, and not before.
    let isTold = false
    transporter.use('stream', ({ message }, done) => {
      const { createReadStream: make } = message
      message.createReadStream = (options) => {
        isTold = true
        return make.call(message, options)
      }
      done()
    })
    try {
      const taken = await transporter.sendMail({ ...mail, signal: end.signal })
      return takenAs(taken, receivers, hide)
    } catch (error) {
      const doubt = isTold ? { mayHaveArrived: true } : {}
      if (late) {
        const reason = `${host}:${port}: no answer in ${formatDuration(timeout)}`
        return { kind: 'deferred', reason, fault: 'network', ...doubt }
      }
      if (end.signal.aborted)
        return { ...stopped(), ...(isTold ? doubt : { uncharged: true }) }
      return refusedAs(error, `${host}:${port}`, hide, isTold)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      live.delete(end)
      transporter.close()
    }
  }

  return {
    deliver,
    async close() {
      for (const end of live) end.abort()
    },
  }
}

function settingOf(
  { host, port, tls, timeout }: SmtpDestination,
  login: { user: string; pass: string } | undefined,
) {
  return {
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(login === undefined ? {} : { auth: login }),
    // Our own timer is the one that counts.
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
    // Nothing that stands in a message is ever read from a file or fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

/** A server may repeat the password, or how it was sent. */
function secretsOf({ user, pass }: { user: string; pass: string }): string[] {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return [pass, base64(pass), base64(`\0${user}\0${pass}`)]
}

async function bytesOf(body: Body): Promise<Uint8Array> {
  if (body.kind === 'bytes') return body.bytes
  const chunks: Uint8Array[] = []
  for await (const chunk of body.open()) chunks.push(chunk as unknown as Uint8Array)
  const bytes = Buffer.concat(chunks)
  if (bytes.length === body.length) return bytes
  throw new Error('body cannot be read: it is not as long as it was said to be')
}

function stopped() {
  return deferred('stopped before an answer came')
}

function deferred(reason: string) {
  return { kind: 'deferred', reason: printable(reason), fault: 'configuration' } as const
}
