import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { promisify } from 'node:util'
import tap from 'tap'
import type { Test } from 'tap'

import { attemptOf, deliver, destinationOf, listen } from './support.ts'

const run = promisify(execFile)

interface Certificate {
  readonly file: string
  readonly key: Buffer
  readonly cert: Buffer
}

/** A certificate that nobody signed but itself. */
function certificate(t: Test, name: string, days = '2'): Certificate {
  const dir = t.testdir({})
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const alternative = /^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
    ].concat(
      ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${alternative}`],
      ['-days', days, '-keyout', key, '-out', cert],
    ),
    { stdio: 'pipe' },
  )
  return { file: cert, key: readFileSync(key), cert: readFileSync(cert) }
}

/** The URL of a TLS receiver, and how many requests it has read. */
async function tlsReceiver(t: Test, { key, cert }: Certificate) {
  const seen = { requests: 0 }
  const server = createServer({ key, cert }, (request, response) => {
    seen.requests++
    request.resume()
    response.end('ok')
  })
  server.on('tlsClientError', () => {})
  return { url: `https://127.0.0.1:${await listen(t, server)}`, seen }
}

/** Delivers from a process of its own, since Node reads its certificates at the start. */
async function deliverElsewhere(url: string, env: Record<string, string>) {
  const support = new URL('support.ts', import.meta.url).href
  const transport = new URL('../../src/transport/http.ts', import.meta.url).href
  const clock = new URL('../../src/base/clock.ts', import.meta.url).href
  const script = `
    import { attemptOf, destinationOf } from ${JSON.stringify(support)}
    import { createHttpTransport } from ${JSON.stringify(transport)}
    import { systemClock as clock } from ${JSON.stringify(clock)}
    const transport = createHttpTransport({ clock, version: '1', secrets: () => 's', env: {} })
    const attempt = attemptOf(destinationOf(${JSON.stringify(url)}))
    const outcome = await transport.deliver(attempt, new AbortController().signal)
    await transport.close()
    console.log(JSON.stringify(outcome))`
  const { stdout } = await run(
    process.execPath,
    ['--import=tsx', '--input-type=module', '--eval', script],
    { env: { PATH: process.env['PATH'] ?? '', ...env } },
  )
  return JSON.parse(stdout)
}

tap.test('a certificate that nobody vouches for stops the message', async (t) => {
  const { url, seen } = await tlsReceiver(t, certificate(t, '127.0.0.1'))
  t.strictSame(await deliver(t, attemptOf(destinationOf(url))), {
    kind: 'deferred',
    reason: 'TLS: self-signed certificate',
    fault: 'network',
  })
  t.equal(seen.requests, 0)
})

tap.test('one that the operator vouches for does not', async (t) => {
  const own = certificate(t, '127.0.0.1')
  const { url, seen } = await tlsReceiver(t, own)
  t.match(await deliverElsewhere(url, { NODE_EXTRA_CA_CERTS: own.file }), {
    kind: 'delivered',
    reason: '200 OK',
  })
  t.equal(seen.requests, 1)
})

tap.test('a certificate for another host stops it', async (t) => {
  const own = certificate(t, 'other.example')
  const { url, seen } = await tlsReceiver(t, own)
  const outcome = await deliverElsewhere(url, { NODE_EXTRA_CA_CERTS: own.file })
  t.match(outcome, { kind: 'deferred', fault: 'network' })
  t.match(outcome.reason, /^TLS: .*127\.0\.0\.1/)
  t.equal(seen.requests, 0)
})

tap.test('no variable turns the verification off', async (t) => {
  const { url, seen } = await tlsReceiver(t, certificate(t, '127.0.0.1'))
  const outcome = await deliverElsewhere(url, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })
  t.match(outcome, { kind: 'deferred', reason: 'TLS: self-signed certificate' })
  t.equal(seen.requests, 0)
})

tap.test('a receiver that speaks plain http where https is expected', async (t) => {
  const port = await listen(
    t,
    createHttpServer((_request, response) => response.end()),
  )
  t.match(await deliver(t, attemptOf(destinationOf(`https://127.0.0.1:${port}`))), {
    kind: 'deferred',
    reason: /^TLS: .*\(does the receiver speak plain http there\?\)$/,
    fault: 'network',
  })
})

tap.test('a receiver that speaks TLS where http is expected', async (t) => {
  const { url } = await tlsReceiver(t, certificate(t, '127.0.0.1'))
  t.match(await deliver(t, attemptOf(destinationOf(url.replace('https:', 'http:')))), {
    kind: 'deferred',
  })
})
