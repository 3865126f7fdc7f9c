import { execFile, execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:https'
import { createServer as createNetServer } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import tap from 'tap'
import type { Test } from 'tap'

import { attemptOf, deliver, destinationOf, limits, listen, until } from './support.ts'

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

/** A certificate of the year 2020, which nobody signed but itself. */
function expired(t: Test, name: string): Certificate {
  const { file, key } = certificate(t, name)
  const dir = dirname(file)
  writeFileSync(join(dir, 'database'), '')
  writeFileSync(join(dir, 'serial'), '01')
  writeFileSync(
    join(dir, 'ca.conf'),
    `[ca]\ndefault_ca = own\n[own]\ndatabase = ${dir}/database\nserial = ${dir}/serial
new_certs_dir = ${dir}\ndefault_md = sha256\npolicy = any\nx509_extensions = names
[any]\ncommonName = supplied\n[names]\nsubjectAltName = IP:${name}\n`,
  )
  const openssl = (words: string) =>
    execFileSync('openssl', words.split(' '), { cwd: dir, stdio: 'pipe' })
  openssl(`req -new -key key.pem -subj /CN=${name} -out asked.pem`)
  const span = '-startdate 20200101000000Z -enddate 20200201000000Z'
  const files = '-config ca.conf -keyfile key.pem -in asked.pem -out cert.pem'
  openssl(`ca -batch -selfsign -notext ${files} ${span}`)
  return { file, key, cert: readFileSync(file) }
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
  const loader = new URL('../loader.mjs', import.meta.url).href
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
    ['--import', loader, '--input-type=module', '--eval', script],
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

tap.test('a certificate that has expired stops it', async (t) => {
  const own = expired(t, '127.0.0.1')
  const { url, seen } = await tlsReceiver(t, own)
  t.strictSame(await deliverElsewhere(url, { NODE_EXTRA_CA_CERTS: own.file }), {
    kind: 'deferred',
    reason: 'TLS: certificate has expired',
    fault: 'network',
  })
  t.equal(seen.requests, 0)
})

tap.test('a handshake that stalls, breaks off or is garbage', async (t) => {
  // A record that says to hold 90 bytes, and the first of them.
  const begun = Buffer.from('160303005a02000056', 'hex')
  const alert = Buffer.from('15030300020228', 'hex')
  for (const [name, bytes, end, reason] of [
    ['stalls', begun, false, /^no connection to 127\.0\.0\.1:\d+ in 500ms$/],
    ['breaks off', begun, true, /^connection reset before an answer came: 127/],
    ['refuses', alert, true, /^TLS: .*handshake failure/],
    ['garbage', Buffer.alloc(64, 0xff), false, /^TLS: /],
  ] as const) {
    let gone = 0
    const server = createNetServer((socket) => {
      socket.on('close', () => gone++)
      socket.once('data', () => (end ? socket.end(bytes) : socket.write(bytes)))
    })
    const url = `https://127.0.0.1:${await listen(t, server)}`
    const times = name === 'stalls' ? limits(60_000, 500) : limits(20_000)
    const outcome = await deliver(t, attemptOf(destinationOf(url, times)))
    t.match(outcome, { kind: 'deferred', fault: 'network', reason }, name)
    await until(() => gone === 1)
  }
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
