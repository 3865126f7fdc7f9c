import { createServer, request as httpRequest } from 'node:http'
import { connect, createServer as createNetServer } from 'node:net'
import tap from 'tap'
import type { Test } from 'tap'

import {
  attemptOf,
  deliver,
  destinationOf,
  limits,
  listen,
  recorder,
  speaking,
  until,
} from './support.ts'

/** A proxy that forwards, tunnels, and notes what it was asked. */
async function proxy(t: Test, refuse?: number) {
  const asked: string[] = []
  const credentials: (string | undefined)[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    credentials.push(request.headers['proxy-authorization'])
    if (refuse !== undefined) {
      request.resume()
      response.writeHead(refuse).end('ask your administrator')
      return
    }
    const { method, headers } = request
    const onward = httpRequest(String(request.url), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  server.on('connect', (request, socket, head) => {
    asked.push(`CONNECT ${request.url}`)
    credentials.push(request.headers['proxy-authorization'])
    socket.on('error', () => {})
    if (refuse !== undefined) {
      socket.end(`HTTP/1.1 ${refuse} No\r\n\r\n`)
      return
    }
    const [host = '', port = ''] = String(request.url).split(':')
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      onward.write(head)
      onward.pipe(socket).pipe(onward)
    })
    onward.on('error', () => socket.destroy())
    socket.on('close', () => onward.destroy())
  })
  return { url: `http://127.0.0.1:${await listen(t, server)}`, asked, credentials }
}

tap.test('http goes to the proxy as a whole URL', async (t) => {
  const { url, got } = await recorder(t)
  const { url: http_proxy, asked, credentials } = await proxy(t)
  const env = { http_proxy: http_proxy.replace('//', '//me:sesame@') }
  t.match(await deliver(t, attemptOf(destinationOf(`${url}/in?a=1`)), { env }), {
    kind: 'delivered',
  })
  t.strictSame(asked, [`POST ${url}/in?a=1`])
  t.strictSame(credentials, [`Basic ${Buffer.from('me:sesame').toString('base64')}`])
  t.match(got[0], { url: '/in?a=1', headers: { host: new URL(url).host } })
  t.equal(String(got[0]?.body), '{"a":1}')
})

tap.test('what no_proxy names goes straight', async (t) => {
  const { url } = await recorder(t)
  const { url: http_proxy, asked } = await proxy(t)
  const env = { http_proxy, no_proxy: '127.0.0.0/8' }
  t.match(await deliver(t, attemptOf(destinationOf(url)), { env }), { kind: 'delivered' })
  t.strictSame(asked, [])
})

tap.test('https goes through a tunnel, with TLS verified inside', async (t) => {
  // Whatever answers inside the tunnel, that it is no TLS shows that TLS was spoken to it.
  const inside = new URL(await speaking(t, 'HTTP/1.1 400 Bad Request\r\n\r\n')).host
  const { url: https_proxy, asked, credentials } = await proxy(t)
  const env = { https_proxy }
  const outcome = await deliver(t, attemptOf(destinationOf(`https://${inside}/in`)), {
    env,
  })
  t.match(outcome, {
    kind: 'deferred',
    fault: 'network',
    reason: /^TLS: .* plain http there/,
  })
  t.strictSame(asked, [`CONNECT ${inside}`])
  t.strictSame(credentials, [undefined])
})

tap.test('a proxy that wants a password defers, and says so', async (t) => {
  const { url, got } = await recorder(t)
  const { url: bad } = await proxy(t, 407)
  const env = { http_proxy: bad, https_proxy: bad }
  const plain = await deliver(t, attemptOf(destinationOf(url)), { env })
  t.match(plain, { kind: 'deferred', fault: 'configuration', status: 407 })
  t.match(plain.reason, /^proxy answered 407 Proxy Authentication Required/)
  t.strictSame(await deliver(t, attemptOf(destinationOf('https://a.example/')), { env }), {
    kind: 'deferred',
    reason: `proxy ${new URL(bad).host} answered 407 Proxy Authentication Required`,
    fault: 'configuration',
  })
  t.equal(got.length, 0)
})

tap.test('a proxy that is not there', async (t) => {
  const env = { http_proxy: 'http://127.0.0.1:1', https_proxy: 'http://127.0.0.1:1' }
  t.match(await deliver(t, attemptOf(destinationOf('http://a.example/')), { env }), {
    kind: 'deferred',
    fault: 'network',
    reason: 'proxy: connection refused: 127.0.0.1:1',
  })
  t.match(await deliver(t, attemptOf(destinationOf('https://a.example/')), { env }), {
    kind: 'deferred',
    fault: 'network',
    reason: 'proxy: connection refused: 127.0.0.1:1',
  })
})

tap.test('a proxy that drops or ignores tunnels is asked once', async (t) => {
  for (const drop of [true, false]) {
    let connections = 0
    let gone = 0
    const server = createNetServer((socket) => {
      connections++
      socket.on('close', () => gone++)
      socket.on('data', () => drop && socket.end())
    })
    const env = { https_proxy: `http://127.0.0.1:${await listen(t, server)}` }
    const destination = destinationOf('https://a.example/', limits(20_000, 300))
    t.match(await deliver(t, attemptOf(destination), { env }), {
      kind: 'deferred',
      fault: 'network',
      reason: drop
        ? 'proxy: connection reset before an answer came: '
        : 'proxy: connection timed out: ',
    })
    await until(() => gone === 1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    t.equal(connections, 1)
  }
})

tap.test('a proxy setting that is no URL defers what needs it', async (t) => {
  const env = { http_proxy: 'http://[' }
  t.strictSame(await deliver(t, attemptOf(destinationOf('http://a.example/')), { env }), {
    kind: 'deferred',
    reason: 'http_proxy: is not a valid URL',
    fault: 'configuration',
  })
})
