/**
 * proxy - which proxy the environment asks for, and the way through it.
 *
 * `http_proxy`, `https_proxy` and `no_proxy`, or their upper-case twins, mean what they mean
 * to curl: a variable speaks for its own scheme only; http goes through the proxy as an
 * absolute request, https through a tunnel. Leaves to the pool when to connect.
 *
 * Not undici's ProxyAgent: up to 7.30 it reconnects without end to a proxy that drops a
 * tunnel (https://github.com/nodejs/undici/issues/3897), and sends https through http_proxy.
 */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, isIP } from 'node:net'

import type { buildConnector as Connecting } from 'undici'

import { MsgqError } from '../base/errors.ts'
import { buildConnector } from './undici.ts'

/** The proxy for a URL; undefined: go straight there. */
export type ProxyRule = (url: URL) => URL | undefined

/** Reads the environment once. A variable that is no URL is reported when it is needed. */
export function proxyRule(env: Readonly<Record<string, string | undefined>>): ProxyRule {
  const http = proxyOf('http_proxy', env)
  const https = proxyOf('https_proxy', env)
  const exempt = exemption(env['no_proxy'] ?? env['NO_PROXY'] ?? '')
  return (url) => {
    const proxy = url.protocol === 'https:' ? https : http
    if (proxy === undefined || exempt(url)) return undefined
    if (proxy instanceof MsgqError) throw proxy
    return proxy
  }
}

function proxyOf(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): URL | MsgqError | undefined {
  const text = (env[name] ?? env[name.toUpperCase()] ?? '').trim()
  return text === '' ? undefined : proxyUrl(text, name)
}

/** The URL of a proxy, or what is wrong with it. */
export function proxyUrl(text: string, name: string): URL | MsgqError {
  try {
    const url = new URL(text.includes('://') ? text : `http://${text}`)
    if (url.protocol === 'http:' || url.protocol === 'https:') return url
    return new MsgqError('config', `${name}: msgq does not speak ${url.protocol}//`)
  } catch {
    return new MsgqError('config', `${name}: is not a valid URL`)
  }
}

/** Names with all below them, addresses, networks (10.0.0.0/8), each with a port or not. */
function exemption(list: string): (url: URL) => boolean {
  const networks = new BlockList()
  const hosts: { host: string; port: string }[] = []
  for (const entry of list.toLowerCase().split(/[\s,]+/)) {
    const [, address = '', prefix = ''] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(entry) ?? []
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    const most = family === 'ipv6' ? 128 : 32
    if (isIP(address) !== 0 && Number(prefix) <= most)
      networks.addSubnet(address, Number(prefix), family)
    else if (entry !== '') hosts.push(hostAndPort(entry))
  }
  return (url) => {
    const host = bare(url.hostname)
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    const family = isIP(host)
    if (family !== 0 && networks.check(host, family === 6 ? 'ipv6' : 'ipv4')) return true
    return hosts.some(
      (entry) =>
        (entry.port === '' || entry.port === port) &&
        (entry.host === '*' || host === entry.host || host.endsWith(`.${entry.host}`)),
    )
  }
}

function hostAndPort(entry: string): { host: string; port: string } {
  if (isIP(entry) === 6) return { host: entry, port: '' }
  const [, host = entry, port = ''] = /^(.+?)(?::(\d+))?$/.exec(entry) ?? []
  return { host: bare(host.replace(/^\*?\./, '')), port }
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '').toLowerCase()
}

/** The header that a proxy's URL with a user asks for. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === '' && proxy.password === '') return undefined
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

/** A proxy that could not be reached, or would not let us through. */
export class ProxyError extends Error {
  /** What the proxy answered, where it did. */
  readonly status: number | undefined
  readonly proxy: string

  constructor(proxy: URL, status: number | undefined, cause?: unknown) {
    super(`proxy ${proxy.host}`, { cause })
    this.name = 'ProxyError'
    this.proxy = proxy.host
    this.status = status
  }
}

/** Connects through a tunnel (CONNECT), with TLS to the receiver inside. */
export function tunnel(
  proxy: URL,
  timeout: number,
  more: Connecting.BuildOptions = {},
): Connecting.connector {
  const secure = buildConnector({ timeout, rejectUnauthorized: true, ...more })
  const authorization = proxyAuthorization(proxy)
  const open = proxy.protocol === 'https:' ? httpsRequest : httpRequest
  return (options, callback) => {
    const host = options.host ?? options.hostname
    const target = options.port === '' ? `${host}:443` : host
    const request = open({
      host: bare(proxy.hostname),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: target,
      headers: {
        host: target,
        ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
      },
      agent: false,
      rejectUnauthorized: true,
    })
    const timer = setTimeout(
      () => request.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })),
      timeout,
    )
    request
      .once('connect', (response, socket, head) => {
        clearTimeout(timer)
        if (response.statusCode !== 200) {
          socket.destroy()
          callback(new ProxyError(proxy, response.statusCode), null)
          return
        }
        if (head.length > 0) socket.unshift(head)
        secure({ ...options, httpSocket: socket }, callback)
      })
      .once('error', (error) => {
        clearTimeout(timer)
        callback(new ProxyError(proxy, undefined, error), null)
      })
      .end()
    return request
  }
}
