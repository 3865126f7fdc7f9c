import { createServer } from 'node:net'
import type { LookupFunction } from 'node:net'

import t from 'tap'

import type { HttpOptions } from '../../src/config/config.ts'
import { DEFAULTS } from '../../src/config/defaults.ts'
import { addressRule } from '../../src/transport/address.ts'
import {
  attemptOf,
  deliver,
  destinationOf,
  httpOf,
  listen,
  recorder,
  transportFor,
} from './support.ts'

const { deny, allow } = DEFAULTS.http

/** A look-up that knows one host, in the order of the system's answers. */
function answering(...addresses: string[]): { lookup: LookupFunction; asked: string[] } {
  const asked: string[] = []
  const lookup: LookupFunction = (host, { all }, callback) => {
    asked.push(host)
    const found = addresses.map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }))
    setImmediate(() => {
      if (all === true) callback(null, found)
      else callback(null, found[0]!.address, found[0]!.family)
    })
  }
  return { lookup, asked }
}

function attemptAt(url: string, more: Partial<HttpOptions>) {
  return attemptOf(destinationOf(url, { http: httpOf({ timeout: 5_000, ...more }) }))
}

function portOf(url: string): string {
  return new URL(url).port
}

t.test('the default denies metadata and nobody, and allows private networks', async (t) => {
  const rule = addressRule({ deny, allow })
  for (const [address, range] of [
    ['169.254.169.254', '169.254.0.0/16'],
    ['169.254.0.1', '169.254.0.0/16'],
    ['::ffff:169.254.169.254', '169.254.0.0/16'],
    ['64:ff9b::169.254.169.254', '169.254.0.0/16'],
    ['2002:a9fe:a9fe::', '169.254.0.0/16'],
    ['fe80::1', 'fe80::/10'],
    ['fe80::1%eth0', 'fe80::/10'],
    ['fd00:ec2::254', 'fd00:ec2::254'],
    ['fd20:ce::254', 'fd20:ce::254'],
    ['168.63.129.16', '168.63.129.16'],
    ['100.100.100.200', '100.100.100.200'],
    ['0.0.0.0', '0.0.0.0/8'],
    ['::', '::'],
    ['::ffff:0.0.0.0', '0.0.0.0/8'],
    ['239.1.2.3', '224.0.0.0/4'],
    ['ff02::1', 'ff00::/8'],
    ['255.255.255.255', '255.255.255.255'],
  ] as const)
    t.equal(rule(address), range, address)
  for (const address of [
    '127.0.0.1',
    '::1',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    'fd00::1',
    '192.0.2.7',
    '2001:db8::1',
    '64:ff9b::192.0.2.7',
    '100.64.0.1',
    '168.63.129.17',
  ])
    t.equal(rule(address), undefined, address)
})

t.test('allow wins over deny, by any of the names of an address', async (t) => {
  const rule = addressRule({ deny: ['0.0.0.0/0', '::/0'], allow: ['10.0.0.0/8', '::1'] })
  for (const address of ['10.1.2.3', '::1', '::ffff:10.1.2.3', '64:ff9b::10.1.2.3'])
    t.equal(rule(address), undefined, address)
  t.equal(rule('11.0.0.1'), '0.0.0.0/0')
  t.equal(rule('::2'), '::/0')
})

t.test('a literal that is denied bounces, however it is written', async (t) => {
  for (const [host, who] of [
    ['169.254.169.254', '169.254.169.254 is'],
    ['2852039166', '169.254.169.254 is'],
    ['0xa9.0xfe.0251.254', '169.254.169.254 is'],
    ['169.254.169.254.', '169.254.169.254 is'],
    ['[::ffff:169.254.169.254]', '::ffff:a9fe:a9fe (169.254.169.254) is'],
    ['[64:ff9b::a9fe:a9fe]', '64:ff9b::a9fe:a9fe (169.254.169.254) is'],
    ['[2002:a9fe:a9fe::1]', '2002:a9fe:a9fe::1 (169.254.169.254) is'],
  ])
    for (const scheme of ['http', 'https'])
      t.strictSame(
        await deliver(t, attemptAt(`${scheme}://${host}/latest`, { deny })),
        {
          kind: 'bounced',
          reason: `address not allowed: ${who} in 169.254.0.0/16 of [http] deny`,
          fault: 'configuration',
        },
        `${scheme} ${host}`,
      )
})

t.test('nothing is connected to when every answer is denied', async (t) => {
  let connections = 0
  const port = await listen(
    t,
    createServer(() => connections++),
  )
  const rule = { deny: ['127.0.0.0/8', '::1'] }
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1'])
    for (const scheme of ['http', 'https']) {
      const { lookup, asked } = answering(address, '::1')
      const url = `${scheme}://rebound.example:${port}/`
      const outcome = await deliver(t, attemptAt(url, rule), { lookup })
      const shown = address === '127.0.0.1' ? address : `${address} (127.0.0.1)`
      t.strictSame(outcome, {
        kind: 'bounced',
        reason: `address not allowed: rebound.example is ${shown}, in 127.0.0.0/8 of [http] deny`,
        fault: 'configuration',
      })
      t.strictSame(asked, ['rebound.example'])
    }
  t.equal(connections, 0)
})

t.test('when only some answers are denied the others are used', async (t) => {
  const { url, got } = await recorder(t)
  const host = `http://mixed.example:${portOf(url)}/`
  const { lookup } = answering('169.254.169.254', '127.0.0.1', 'fe80::1')
  const outcome = await deliver(t, attemptAt(host, { deny }), { lookup })
  t.match(outcome, { kind: 'delivered' })
  t.match(got[0], { headers: { host: `mixed.example:${portOf(url)}` } })
})

t.test('an answer that is allowed by name is used', async (t) => {
  const { url, got } = await recorder(t)
  const rule = { deny: ['127.0.0.0/8'], allow: ['127.0.0.1'] }
  t.match(await deliver(t, attemptAt(url, rule)), { kind: 'delivered' }, 'a literal')
  const { lookup } = answering('127.0.0.2', '127.0.0.1')
  const host = `http://a.example:${portOf(url)}/`
  t.match(await deliver(t, attemptAt(host, rule), { lookup }), { kind: 'delivered' })
  t.equal(got.length, 2)
})

t.test('the system itself is asked about the names that it knows', async (t) => {
  const { url, got } = await recorder(t)
  const host = url.replace('127.0.0.1', 'localhost')
  t.match(await deliver(t, attemptAt(host, { deny: ['127.0.0.0/8', '::1'] })), {
    kind: 'bounced',
    reason: /^address not allowed: localhost is (127\.0\.0\.1|::1), in /,
  })
  t.match(await deliver(t, attemptAt(host, { deny })), { kind: 'delivered' })
  t.equal(got.length, 1)
})

t.test(
  'a rule that a reload brought counts at once, for kept connections too',
  async (t) => {
    const { url, got } = await recorder(t)
    const { lookup } = answering('127.0.0.1')
    const host = `http://kept.example:${portOf(url)}/`
    const transport = transportFor(t, { lookup })
    const { signal } = new AbortController()
    const rules: [Partial<HttpOptions>, string][] = [
      [{}, 'delivered'],
      [{ deny: ['127.0.0.1'] }, 'bounced'],
      [{ deny: ['127.0.0.1'], allow: ['127.0.0.0/8'] }, 'delivered'],
    ]
    for (const target of [host, url])
      for (const [rule, kind] of rules)
        t.match(await transport.deliver(attemptAt(target, rule), signal), { kind }, kind)
    t.equal(got.length, 4)
  },
)

t.test('a name that cannot be looked up is no denied one', async (t) => {
  const lookup: LookupFunction = (_host, _options, callback) =>
    callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), [])
  t.match(await deliver(t, attemptAt('http://gone.example/', { deny }), { lookup }), {
    kind: 'deferred',
    reason: 'no such host: gone.example',
    fault: 'network',
  })
})

t.test('behind a proxy literals are checked, names and the proxy are not', async (t) => {
  // It answers itself: what counts is what reaches it at all.
  const asked = await recorder(t)
  const env = { http_proxy: asked.url, https_proxy: asked.url }
  const rule = { deny: [...deny, '127.0.0.0/8', '::1'] }
  for (const scheme of ['http', 'https']) {
    const literal = attemptAt(`${scheme}://169.254.169.254/`, rule)
    t.match(await deliver(t, literal, { env }), { kind: 'bounced', fault: 'configuration' })
  }
  t.equal(asked.got.length, 0)
  const name = attemptAt('http://metadata.example/x', rule)
  t.match(await deliver(t, name, { env }), { kind: 'delivered' })
  t.match(asked.got[0], { url: 'http://metadata.example/x' })
})
