import tap from 'tap'

import { proxyAuthorization, proxyRule } from '../../src/transport/proxy.ts'

function proxyFor(env: Record<string, string>, url: string): string | undefined {
  return proxyRule(env)(new URL(url))?.href
}

tap.test('each variable speaks for its own scheme', async (t) => {
  const http = { http_proxy: 'http://p:3128' }
  t.equal(proxyFor(http, 'http://a.example/'), 'http://p:3128/')
  t.equal(proxyFor(http, 'https://a.example/'), undefined)
  const https = { https_proxy: 'http://p:3128' }
  t.equal(proxyFor(https, 'https://a.example/'), 'http://p:3128/')
  t.equal(proxyFor(https, 'http://a.example/'), undefined)
})

tap.test('upper case counts where lower case is not set', async (t) => {
  t.equal(proxyFor({ HTTP_PROXY: 'http://p:1' }, 'http://a.example/'), 'http://p:1/')
  t.equal(
    proxyFor({ http_proxy: 'http://p:1', HTTP_PROXY: 'http://q:2' }, 'http://a.example/'),
    'http://p:1/',
  )
  const exempt = { HTTP_PROXY: 'http://p:1', NO_PROXY: 'a.example' }
  t.equal(proxyFor(exempt, 'http://a.example/'), undefined)
})

tap.test('a proxy without a scheme is an http one; an empty one is none', async (t) => {
  t.equal(proxyFor({ http_proxy: 'p:3128' }, 'http://a.example/'), 'http://p:3128/')
  t.equal(proxyFor({ http_proxy: ' ' }, 'http://a.example/'), undefined)
})

tap.test('a bad variable is reported when it is needed, without its secrets', async (t) => {
  const bad = proxyRule({ http_proxy: 'http://me:sesame@[p', https_proxy: 'socks5://p:1' })
  t.throws(() => bad(new URL('http://a.example/')), {
    code: 'config',
    message: 'http_proxy: is not a valid URL',
  })
  t.throws(() => bad(new URL('https://a.example/')), {
    message: 'https_proxy: msgq does not speak socks5://',
  })
  const exempt = proxyRule({ http_proxy: 'http://[p', no_proxy: '*' })
  t.equal(exempt(new URL('http://a.example/')), undefined)
})

function straight(no_proxy: string, url: string): boolean {
  return proxyFor({ http_proxy: 'http://p:1', no_proxy }, url) === undefined
}

tap.test('no_proxy takes names, addresses, networks and ports', async (t) => {
  for (const [list, url, expected] of [
    ['a.example', 'http://a.example/', true],
    ['a.example', 'http://x.a.example/', true],
    ['.a.example', 'http://x.a.example/', true],
    ['*.a.example', 'http://x.a.example/', true],
    ['.a.example', 'http://a.example/', true],
    ['A.Example', 'http://a.eXample/', true],
    ['a.example', 'http://ba.example/', false],
    ['b.example , a.example', 'http://a.example/', true],
    ['b.example a.example', 'http://a.example/', true],
    ['*', 'http://a.example/', true],
    ['', 'http://a.example/', false],
    ['a.example:80', 'http://a.example/', true],
    ['a.example:8080', 'http://a.example/', false],
    ['a.example:8080', 'http://a.example:8080/', true],
    ['127.0.0.1', 'http://127.0.0.1:99/', true],
    ['10.0.0.0/8', 'http://10.1.2.3/', true],
    ['10.0.0.0/8', 'http://11.1.2.3/', false],
    ['10.0.0.0/99', 'http://10.1.2.3/', false],
    ['::1', 'http://[::1]:8080/', true],
    ['[::1]:8080', 'http://[::1]:8080/', true],
    ['[::1]:8080', 'http://[::1]/', false],
    ['fd00::/8', 'http://[fd12::1]/', true],
    ['fd00::/8', 'http://[fe80::1]/', false],
  ] as const)
    t.equal(straight(list, url), expected, `${list} for ${url}`)
})

tap.test('user and password of a proxy become its header', async (t) => {
  const header = proxyAuthorization(new URL('http://me:op%40en@p:1'))
  t.equal(header, `Basic ${Buffer.from('me:op@en').toString('base64')}`)
  t.equal(proxyAuthorization(new URL('http://p:1')), undefined)
})
