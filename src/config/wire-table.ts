/**
 * wire-table - the options of wire.ts as a destination writes them, and what they become.
 *
 * Values that may be secrets are never repeated in a problem. What two of them make impossible
 * together is said by `wireDefect`.
 */
import * as v from 'valibot'

import { hasControl } from '../base/text.ts'
import { SIGNATURE_KINDS } from '../message/signature.ts'
import { named } from './named.ts'
import { table } from './options.ts'
import { readSecretRef, SECRET_HINT } from './reference.ts'
import type { Secret } from './reference.ts'
import { because, flag, show, size, text, value, word } from './values.ts'
import type { Reading } from './values.ts'
import type { SignOptions, TlsOptions, WireOptions } from './wire.ts'

const MIB = 1024 ** 2
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const PROXY_HINT =
  'write "http://proxy:3128", { file = "name" } where it has a password, or "none"'

/** A text that reads like the name of a secret: its value is masked, and better kept apart. */
export function isSecretName(name: string): boolean {
  return /(?:key|token|secret|signature|password|passwd)$|^(?:sig|pass|pw|code)$/i.test(
    name,
  )
}

function readQuery(name: string, given: unknown): Reading<string | Secret> {
  if (name === '' || hasControl(name))
    return { why: 'is no name', hint: 'write { name = "value" }' }
  if (typeof given === 'number' || typeof given === 'boolean')
    return { value: String(given) }
  if (typeof given !== 'string') return readSecretRef(given)
  if (hasControl(given)) return { why: 'has a control character' }
  return { value: isSecretName(name) ? { inline: given } : given }
}

function readHeaderName(given: string): string | undefined {
  if (!TOKEN.test(given)) return 'is not the name of a header'
  return /^(?:webhook-id|msgq-attempt|content-.*|host|authorization)$/i.test(given)
    ? 'has a use of its own'
    : undefined
}

const statuses = value<readonly number[]>((given) => {
  const hint = 'write a list of statuses from 200 to 599: [200, 204]'
  if (!Array.isArray(given) || given.length === 0)
    return { why: `is not a list of statuses: ${show(given)}`, hint }
  const odd = (given as unknown[]).find(
    (each) =>
      !Number.isSafeInteger(each) || (each as number) < 200 || (each as number) > 599,
  )
  return odd === undefined
    ? { value: given as number[] }
    : { why: `has what is no status: ${show(odd)}`, hint }
})

const secretList = value<readonly Secret[]>((given) => {
  const hint = `${SECRET_HINT}, or a list of them: each makes a signature`
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (list.length === 0) return { why: 'is an empty list', hint }
  const secrets: Secret[] = []
  for (const each of list) {
    const reading = readSecretRef(each)
    if ('why' in reading) return { ...reading, hint }
    secrets.push(reading.value)
  }
  return { value: secrets }
})

const signTable = v.pipe(
  table(
    { secret: secretList, kind: v.optional(word(SIGNATURE_KINDS)) },
    { secret: `secret = SECRET: ${SECRET_HINT}` },
    'write { secret = { file = "name" } }',
  ),
  v.transform(({ secret, kind }): SignOptions => ({
    secrets: secret,
    ...(kind === undefined ? {} : { kind }),
  })),
)

/** A PEM file has many lines and cannot stand inline. */
const pem = value<Secret>((given) =>
  typeof given === 'string'
    ? { why: 'is a text', hint: 'name the PEM file: { file = "name" }' }
    : readSecretRef(given),
)

const tlsTable = v.pipe(
  table(
    { cert: v.optional(pem), key: v.optional(pem), ca: v.optional(pem) },
    {},
    'write { cert = { file = "c.pem" }, key = { file = "k.pem" }, ca = { file = "ca.pem" } }',
  ),
  v.check(
    ({ cert, key }) => (cert === undefined) === (key === undefined),
    because('has one of cert and key without the other', 'a client certificate needs both'),
  ),
  v.transform((given) => without(given) as TlsOptions),
)

function readProxy(given: unknown): Reading<string | Secret> {
  if (typeof given !== 'string') {
    const reading = readSecretRef(given)
    return 'why' in reading ? { ...reading, hint: PROXY_HINT } : reading
  }
  if (given === 'none') return { value: given }
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return { why: 'is not the URL of a proxy', hint: PROXY_HINT }
  if (url.username !== '' || url.password !== '')
    return { why: 'has a user or password in it', hint: PROXY_HINT }
  return { value: given }
}

/** For the table of a destination. */
export const wireEntries = {
  query: v.optional(named(readQuery, 'write { name = "value" }')),
  idempotency_header: v.optional(
    text(readHeaderName, 'write "X-Request-Id", or "none" for no such header'),
  ),
  success: v.optional(statuses),
  sign: v.optional(signTable),
  tls: v.optional(tlsTable),
  proxy: v.optional(value(readProxy)),
  http2: v.optional(flag()),
  compress: v.optional(word(['none', 'gzip'])),
  compress_above: v.optional(size(0, 1024 * MIB, 'from 0 to 1GiB')),
}

type Given = {
  readonly [K in keyof typeof wireEntries]?: v.InferOutput<(typeof wireEntries)[K]>
}

/** What a destination wrote, as the program uses it. What is the default is absent. */
export function wireOf(given: Given): WireOptions {
  const { query, idempotency_header, success, sign, tls, proxy, http2 } = given
  const { compress, compress_above } = given
  return without({
    query,
    idempotencyHeader: idempotency_header?.toLowerCase(),
    success,
    sign,
    tls,
    proxy,
    http2: http2 === true ? true : undefined,
    compress: compress === 'gzip' ? compress : undefined,
    compressAbove: compress_above,
  }) as WireOptions
}

/** Absent is absent, and never undefined. */
function without(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, held]) => held !== undefined))
}

/** What options make impossible together, with the option to blame; undefined: nothing. */
export function wireDefect({
  url,
  query,
  sign,
  compress,
  http2,
}: Given & { readonly url: string | Secret }):
  | { readonly option: readonly string[]; readonly why: string; readonly hint: string }
  | undefined {
  if (sign !== undefined && compress === 'gzip')
    return {
      option: ['compress'],
      why: 'cannot stand beside sign',
      hint: 'receivers differ in whether they check a signature before or after they unpack',
    }
  if (typeof url !== 'string') return undefined
  const { protocol, searchParams } = new URL(url)
  const twice = Object.keys(query ?? {}).find((name) => searchParams.has(name))
  if (twice !== undefined)
    return {
      option: ['query', twice],
      why: 'stands in the url already',
      hint: 'leave one of them out',
    }
  if (http2 === true && protocol === 'http:')
    return { option: ['http2'], why: 'needs a url with https://', hint: 'or leave it out' }
  return undefined
}
