/**
 * presets - each service as a receiver on loopback that speaks its dialect: what it is told, byte for
 * byte as its documentation has it, and what its yes, its later and its never come to.
 */
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import type { Test } from 'tap'

import { systemClock } from '../../src/base/clock.ts'
import type { HttpDestination } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { PRESETS } from '../../src/config/presets/all.ts'
import type { Body } from '../../src/message/body.ts'
import type { Draft } from '../../src/message/draft.ts'
import { seal } from '../../src/message/envelope.ts'
import type { Outcome } from '../../src/message/outcome.ts'
import { createHttpTransport } from '../../src/transport/http.ts'
import { machine, put } from '../config/machine.ts'
import { ID } from './support.ts'

const KEY = 'key-of-the-service'
const AT = Date.parse('2026-11-20T10:00:00.000Z')

interface Said {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

interface Told {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A receiver that says what it is told to say, and keeps what it heard. */
async function receiver(t: Test) {
  const told: Told[] = []
  const next: { say: Said } = { say: { status: 200 } }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { url = '', headers } = request
      told.push({ path: url, headers, body: Buffer.concat(chunks).toString() })
      const { status, body, headers: more } = next.say
      const isText = body === undefined || typeof body === 'string'
      const type = isText ? 'text/plain' : 'application/json'
      response.writeHead(status, { 'content-type': type, ...more })
      response.end(isText ? body : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { told, next, base }
}

async function open(t: Test) {
  const { told, next, base } = await receiver(t)
  const transport = createHttpTransport({
    clock: systemClock,
    version: '1.2.3',
    secrets: () => KEY,
    env: {},
  })
  t.teardown(() => transport.close())
  const folder = t.testdir()
  /** The destination of a table; `{}` in it is the receiver. */
  const destinationOf = (table: string): HttpDestination => {
    const text = `[destinations.ops]\n${table.replace('{}', base)}\n`
    const config = put(join(folder, 'msgq.toml'), text)
    return loadConfig(machine(folder), { config }).destinations.get(
      'ops',
    ) as HttpDestination
  }
  const deliver = (
    destination: HttpDestination,
    body: string | Body = 'hello',
    draft: Partial<Draft> = {},
  ): Promise<Outcome> => {
    const bytes = Buffer.from(typeof body === 'string' ? body : '')
    const accepted = { id: ID, now: AT, sender: { uid: 0, host: 'web1' } }
    const envelope = seal({ to: 'ops', ...draft }, bytes, accepted)
    const its: Body = typeof body === 'string' ? { kind: 'bytes', bytes } : body
    const attempt = { envelope, body: its, destination, number: 1 }
    return transport.deliver(attempt, new AbortController().signal)
  }
  const last = () => told.at(-1)!
  const lastJson = () => JSON.parse(last().body) as unknown
  return { told, next, destinationOf, deliver, last, lastJson }
}

type Verdict = 'delivered' | 'later' | 'lane' | 'bounced' | 'suspends' | 'message'

/** What an outcome means for the message and for its lane. */
function verdictOf(outcome: Outcome): Verdict {
  if (outcome.kind !== 'deferred') return outcome.kind as 'delivered' | 'bounced'
  if (outcome.suspends) return 'suspends'
  if (outcome.wholeLane) return 'lane'
  return outcome.fault === 'message' ? 'message' : 'later'
}

interface Service {
  readonly table: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Of `--subject "Disk full" --level critical` and the text "web1: /var". */
  readonly full: unknown
  /** Of the text "hello" alone. */
  readonly bare: unknown
  readonly says: readonly (readonly [Said, Verdict, waits?: number])[]
}

const graph = (code: number, status = 400): Said => ({
  status,
  body: {
    error: {
      message: `(#${code})`,
      type: 'OAuthException',
      code,
      error_data: { messaging_product: 'whatsapp', details: 'd' },
      fbtrace_id: 'A',
    },
  },
})
const dialog = (text: string, status = 400): Said => ({
  status,
  body: { meta: { httpCode: status, developerMessage: text, success: false } },
})
const web = (error: string): Said => ({ status: 200, body: { ok: false, error } })
const WHATSAPP: Service['says'] = [
  [{ status: 200, body: { messages: [{ id: 'wamid.A' }] } }, 'delivered'],
  [dialog('You have exceeded the endpoint rate limit.'), 'lane', 10],
  [
    dialog('You have exceeded the limit of 1 request every 5 seconds. Try again later.'),
    'lane',
  ],
  [graph(130429, 429), 'lane', 5],
  [graph(130429), 'lane', 5],
  [graph(80007), 'lane', 300],
  [graph(131056), 'message', 6],
  [graph(131056, 429), 'message', 6],
  [graph(131049), 'message', 86_400],
  [graph(131016, 500), 'later'],
  [graph(2), 'later'],
  [graph(131026), 'bounced'],
  [graph(131047), 'bounced'],
  [graph(131050), 'bounced'],
  [graph(100), 'bounced'],
  [graph(132001, 404), 'bounced'],
  [graph(131048), 'suspends'],
  [graph(131042), 'suspends'],
  [graph(190, 401), 'suspends'],
  [graph(200, 403), 'suspends'],
  [graph(10, 403), 'suspends'],
  [graph(0, 401), 'suspends'],
  [dialog('Your WhatsApp for Business API has been disabled'), 'suspends'],
  [dialog('lack of payment, overdue invoices'), 'suspends'],
  [dialog('invalid api_key', 401), 'suspends'],
  [{ status: 555, body: 'server restart' }, 'later'],
  [{ status: 503, body: '<html><title>Service Unavailable</title>' }, 'later'],
  [{ status: 502 }, 'later'],
]

const SERVICES: Readonly<Record<string, Service>> = {
  'slack by a webhook': {
    table: 'type = "slack"\nurl = "{}/services/T0/B0/x"',
    path: '/services/T0/B0/x',
    full: { text: '🚨 *Disk full*\nweb1: /var' },
    bare: { text: 'hello' },
    says: [
      [{ status: 200, body: 'ok' }, 'delivered'],
      [{ status: 429, headers: { 'retry-after': '7' } }, 'lane', 7],
      [{ status: 500, body: 'rollup_error' }, 'later'],
      [{ status: 400, body: 'invalid_payload' }, 'bounced'],
      [{ status: 400, body: 'no_text' }, 'bounced'],
      [{ status: 403, body: 'invalid_token' }, 'suspends'],
      [{ status: 404, body: 'no_service' }, 'suspends'],
      [{ status: 410, body: 'channel_is_archived' }, 'suspends'],
    ],
  },
  'slack by chat.postMessage': {
    table: `type = "slack"\ntoken = { file = "t" }\nchannel = "#ops"\nurl = "{}/api/chat.postMessage"`,
    path: '/api/chat.postMessage',
    headers: { authorization: `Bearer ${KEY}` },
    full: { channel: '#ops', text: '🚨 *Disk full*\nweb1: /var' },
    bare: { channel: '#ops', text: 'hello' },
    says: [
      [
        {
          status: 200,
          body: { ok: true, ts: '1.2', message: { text: 'x'.repeat(9_000) } },
        },
        'delivered',
      ],
      [web('ratelimited'), 'lane', 30],
      [web('internal_error'), 'later'],
      [web('fatal_error'), 'later'],
      [web('service_unavailable'), 'later'],
      [web('what_is_new'), 'later'],
      [
        { status: 200, headers: { 'content-type': 'application/json' }, body: '{' },
        'later',
      ],
      [{ status: 429, headers: { 'retry-after': '7' } }, 'lane', 7],
      [web('msg_too_long'), 'bounced'],
      [web('no_text'), 'bounced'],
      [web('invalid_auth'), 'suspends'],
      [web('token_revoked'), 'suspends'],
      [web('missing_scope'), 'suspends'],
      [web('is_archived'), 'suspends'],
    ],
  },
  'whatsapp by 360dialog': {
    table: 'type = "whatsapp"\nkey = { file = "k" }\nto = "4917"\nurl = "{}/messages"',
    path: '/messages',
    headers: { 'd360-api-key': KEY },
    full: {
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      to: '4917',
      type: 'text',
      text: { body: '🚨 *Disk full*\nweb1: /var' },
    },
    bare: {
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      to: '4917',
      type: 'text',
      text: { body: 'hello' },
    },
    says: WHATSAPP,
  },
  'whatsapp by Meta, with a template': {
    table: `type = "whatsapp"\nprovider = "meta"\ntoken = { file = "t" }\nto = "4917"
url = "{}/v23.0/106/messages"\ntemplate = "alert"\nlanguage = "de"\nparameters = ["subject", "text"]`,
    path: '/v23.0/106/messages',
    headers: { authorization: `Bearer ${KEY}` },
    full: {
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      to: '4917',
      type: 'template',
      template: {
        name: 'alert',
        language: { code: 'de' },
        components: [
          {
            type: 'body',
            parameters: [
              { type: 'text', text: 'Disk full' },
              { type: 'text', text: 'web1: /var' },
            ],
          },
        ],
      },
    },
    bare: { type: 'template' },
    says: WHATSAPP,
  },
  teams: {
    table: 'type = "teams"\nurl = "{}/workflows/1/triggers/manual/paths/invoke?sig=s"',
    path: '/workflows/1/triggers/manual/paths/invoke?sig=s',
    full: {
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.4',
            body: [
              {
                type: 'TextBlock',
                wrap: true,
                text: '🚨 Disk full',
                weight: 'bolder',
                size: 'medium',
                color: 'attention',
              },
              { type: 'TextBlock', wrap: true, text: 'web1: /var' },
            ],
          },
        },
      ],
    },
    bare: { attachments: [{ content: { body: [{ text: 'hello' }] } }] },
    says: [
      [{ status: 202 }, 'delivered'],
      [{ status: 429 }, 'lane', 5],
      [{ status: 502 }, 'later'],
      [
        {
          status: 200,
          body: 'Microsoft Teams endpoint returned HTTP error 429 with ContextId',
        },
        'lane',
        10,
      ],
      [{ status: 200, body: 'Webhook endpoint returned HTTP error 500' }, 'later'],
      [{ status: 400, body: { error: { code: 'InvalidRequestContent' } } }, 'bounced'],
      [{ status: 413 }, 'bounced'],
      [
        { status: 401, body: { error: { code: 'DirectApiAuthorizationRequired' } } },
        'suspends',
      ],
      [{ status: 404, body: { error: { code: 'WorkflowNotFound' } } }, 'suspends'],
    ],
  },
  discord: {
    table: 'type = "discord"\nurl = "{}/api/webhooks/1/x"\nusername = "msgq"',
    path: '/api/webhooks/1/x',
    full: {
      username: 'msgq',
      content: '🚨 **Disk full**\nweb1: /var',
      allowed_mentions: { parse: [] },
    },
    bare: { content: 'hello' },
    says: [
      [{ status: 204 }, 'delivered'],
      [
        {
          status: 429,
          body: { message: 'You are being rate limited.', retry_after: 1.5, global: false },
        },
        'lane',
        1.5,
      ],
      [{ status: 500 }, 'later'],
      [
        { status: 400, body: { code: 50006, message: 'Cannot send an empty message' } },
        'bounced',
      ],
      [{ status: 401 }, 'suspends'],
      [{ status: 404, body: { message: 'Unknown Webhook', code: 10015 } }, 'suspends'],
    ],
  },
  telegram: {
    table:
      'type = "telegram"\ntoken = { file = "t" }\nchat_id = "-100"\nurl = "{}/botX/sendMessage"',
    path: '/botX/sendMessage',
    full: { chat_id: '-100', text: '🚨 Disk full\nweb1: /var' },
    bare: { chat_id: '-100', text: 'hello' },
    says: [
      [{ status: 200, body: { ok: true, result: { message_id: 1 } } }, 'delivered'],
      [
        {
          status: 429,
          body: { ok: false, error_code: 429, parameters: { retry_after: 14 } },
        },
        'lane',
        14,
      ],
      [{ status: 502, body: { ok: false, error_code: 502 } }, 'later'],
      [
        {
          status: 400,
          body: { ok: false, description: 'Bad Request: message is too long' },
        },
        'bounced',
      ],
      [
        { status: 400, body: { ok: false, description: 'Bad Request: chat not found' } },
        'suspends',
      ],
      [
        { status: 400, body: { ok: false, parameters: { migrate_to_chat_id: -1001 } } },
        'suspends',
      ],
      [{ status: 401, body: { ok: false, description: 'Unauthorized' } }, 'suspends'],
      [
        { status: 403, body: { ok: false, description: 'Forbidden: bot was kicked' } },
        'suspends',
      ],
    ],
  },
  pagerduty: {
    table: 'type = "pagerduty"\nrouting_key = { file = "r" }\nurl = "{}/v2/enqueue"',
    path: '/v2/enqueue',
    full: {
      routing_key: KEY,
      event_action: 'trigger',
      dedup_key: ID,
      payload: {
        summary: 'Disk full',
        severity: 'critical',
        source: 'web1',
        timestamp: '2026-11-20T10:00:00.000Z',
        custom_details: { text: 'web1: /var' },
      },
    },
    bare: { payload: { summary: 'hello', severity: 'error' } },
    says: [
      [{ status: 202, body: { status: 'success', dedup_key: ID } }, 'delivered'],
      [{ status: 429 }, 'lane', 30],
      [{ status: 500 }, 'later'],
      [
        {
          status: 400,
          body: { status: 'invalid event', errors: ["'payload' is invalid"] },
        },
        'bounced',
      ],
      [
        { status: 400, body: { status: 'invalid key', message: 'Invalid routing key' } },
        'suspends',
      ],
    ],
  },
  ntfy: {
    table:
      'type = "ntfy"\ntopic = "ops"\ntoken = { file = "t" }\npriority = 2\nurl = "{}/"',
    path: '/',
    headers: { authorization: `Bearer ${KEY}` },
    full: {
      topic: 'ops',
      message: 'web1: /var',
      title: 'Disk full',
      priority: 5,
      tags: ['rotating_light'],
    },
    bare: { topic: 'ops', message: 'hello', priority: 2 },
    says: [
      [{ status: 200, body: { id: 'x', event: 'message' } }, 'delivered'],
      [
        { status: 429, body: { code: 42901, http: 429, error: 'limit reached' } },
        'lane',
        5,
      ],
      [{ status: 429, body: { code: 42908, http: 429 } }, 'lane', 3_600],
      [{ status: 507, body: { code: 50701, http: 507 } }, 'later'],
      [{ status: 400, body: { code: 40009, http: 400 } }, 'bounced'],
      [{ status: 413, body: { code: 41301, http: 413 } }, 'bounced'],
      [{ status: 429, body: { code: 42909, http: 429 } }, 'suspends'],
      [{ status: 403, body: { code: 40301, http: 403 } }, 'suspends'],
    ],
  },
  gotify: {
    table: 'type = "gotify"\ntoken = { file = "t" }\nurl = "{}/message"',
    path: '/message',
    headers: { 'x-gotify-key': KEY },
    full: { title: 'Disk full', message: 'web1: /var', priority: 10 },
    bare: { message: 'hello' },
    says: [
      [{ status: 200, body: { id: 1 } }, 'delivered'],
      [{ status: 500 }, 'later'],
      [{ status: 400, body: { error: 'Bad Request', errorCode: 400 } }, 'bounced'],
      [{ status: 401, body: { error: 'Unauthorized', errorCode: 401 } }, 'suspends'],
    ],
  },
  'datadog, a log': {
    table:
      'type = "datadog"\nkey = { file = "k" }\nservice = "backup"\ntags = "env:prod"\nurl = "{}/api/v2/logs"',
    path: '/api/v2/logs',
    headers: { 'dd-api-key': KEY },
    full: [
      {
        message: 'web1: /var',
        subject: 'Disk full',
        status: 'critical',
        ddsource: 'msgq',
        service: 'backup',
        hostname: 'web1',
        ddtags: 'env:prod',
        'msgq.id': ID,
      },
    ],
    bare: [{ message: 'hello', ddsource: 'msgq' }],
    says: [
      [{ status: 202, body: {} }, 'delivered'],
      [{ status: 429 }, 'later'],
      [{ status: 503 }, 'later'],
      [{ status: 400 }, 'bounced'],
      [{ status: 413 }, 'bounced'],
      [{ status: 403, body: { errors: ['Forbidden'] } }, 'suspends'],
    ],
  },
  'datadog, an event': {
    table:
      'type = "datadog"\nkey = { file = "k" }\nkind = "event"\ntags = "a,b"\nurl = "{}/api/v1/events"',
    path: '/api/v1/events',
    headers: { 'dd-api-key': KEY },
    full: {
      title: 'Disk full',
      text: 'web1: /var',
      alert_type: 'error',
      tags: ['a', 'b'],
      host: 'web1',
      aggregation_key: ID,
      source_type_name: 'msgq',
    },
    bare: { title: 'hello', text: 'hello' },
    says: [[{ status: 202, body: { status: 'ok' } }, 'delivered']],
  },
  'splunk-hec': {
    table:
      'type = "splunk-hec"\ntoken = { file = "t" }\nindex = "main"\nurl = "{}/services/collector/event"',
    path: '/services/collector/event',
    headers: { authorization: `Splunk ${KEY}` },
    full: {
      time: AT / 1_000,
      host: 'web1',
      index: 'main',
      event: 'web1: /var',
      fields: { subject: 'Disk full', level: 'critical', msgq_id: ID },
    },
    bare: { event: 'hello', fields: { msgq_id: ID } },
    says: [
      [{ status: 200, body: { text: 'Success', code: 0 } }, 'delivered'],
      [{ status: 503, body: { text: 'Server is busy', code: 9 } }, 'later'],
      [{ status: 500, body: { text: 'Internal server error', code: 8 } }, 'later'],
      [{ status: 400, body: { text: 'Invalid data format', code: 6 } }, 'bounced'],
      [{ status: 400, body: { text: 'Incorrect index', code: 7 } }, 'suspends'],
      [{ status: 401, body: { text: 'Token is required', code: 2 } }, 'suspends'],
      [{ status: 403, body: { text: 'Invalid token', code: 4 } }, 'suspends'],
    ],
  },
  msgq: {
    table: 'type = "msgq"\ntoken = { file = "t" }\nurl = "{}"\nto = "crm"',
    path: '/v1/messages',
    headers: { authorization: `Bearer ${KEY}`, 'msgq-id': ID, 'msgq-hops': '1' },
    full: {
      to: 'crm',
      subject: 'Disk full',
      level: 'critical',
      key: ID,
      bodyBase64: Buffer.from('web1: /var').toString('base64'),
    },
    bare: { to: 'crm', key: ID, bodyBase64: 'aGVsbG8=' },
    says: [
      [{ status: 202, body: { id: ID, repeat: false } }, 'delivered'],
      [{ status: 200, body: { id: ID, repeat: true } }, 'delivered'],
      [{ status: 200, body: '<title>Welcome to our hotel</title>' }, 'later'],
      [{ status: 302, headers: { location: 'http://hotel.example/' } }, 'later'],
      [{ status: 409, body: { code: 'in-progress' } }, 'later'],
      [{ status: 500, body: { code: 'unsure' } }, 'later'],
      [{ status: 429, headers: { 'retry-after': '7' } }, 'lane', 7],
      [{ status: 503, headers: { 'retry-after': '10' } }, 'lane', 10],
      [{ status: 400, body: { code: 'invalid', field: 'to' } }, 'suspends'],
      [{ status: 400, body: { code: 'invalid', field: 'headers' } }, 'bounced'],
      [{ status: 401, body: { code: 'token-unknown' } }, 'suspends'],
      [{ status: 403, body: { code: 'destination' } }, 'suspends'],
      [{ status: 404 }, 'suspends'],
      [{ status: 413, body: { code: 'too-large' } }, 'bounced'],
      [{ status: 415, body: { code: 'media-type' } }, 'bounced'],
      [{ status: 422, body: { code: 'key-conflict' } }, 'bounced'],
      [{ status: 422, body: { code: 'loop' } }, 'bounced'],
    ],
  },
}

for (const [name, service] of Object.entries(SERVICES))
  t.test(name, async (t) => {
    const { next, destinationOf, deliver, last, lastJson } = await open(t)
    const destination = destinationOf(service.table)
    const alarm = { subject: 'Disk full', level: 'critical' } as const
    next.say = service.says[0]![0]
    t.match(await deliver(destination, 'web1: /var', alarm), { kind: 'delivered' })
    t.strictSame(lastJson(), service.full)
    t.equal(last().path, service.path)
    t.match(last().headers, { 'content-type': 'application/json', 'webhook-id': ID })
    t.match(last().headers, service.headers ?? {})
    t.match(await deliver(destination), { kind: 'delivered' })
    t.match(lastJson(), service.bare)
    for (const [say, verdict, waits] of service.says) {
      next.say = say
      const before = Date.now()
      const outcome = await deliver(destination)
      const what = JSON.stringify(say).slice(0, 120)
      t.equal(verdictOf(outcome), verdict, `${what}: ${outcome.reason}`)
      t.notMatch(outcome.reason, KEY)
      if (verdict === 'suspends') t.match(outcome.reason, /\((\w|-)+: suspend, /)
      if (waits === undefined) continue
      const { notBefore = 0 } = outcome as { notBefore?: number }
      t.ok(notBefore >= before + waits * 1_000, `${what}: waits`)
      t.ok(notBefore <= Date.now() + waits * 1_000, `${what}: no longer`)
    }
  })

t.test('every preset has its receiver here', async (t) => {
  const told = Object.values(SERVICES).map(({ table }) => /"(.*?)"/.exec(table)![1])
  t.strictSame(new Set(told), new Set(PRESETS.keys()))
})

t.test('a msgq takes everything, whole', async (t) => {
  const { destinationOf, deliver, last, lastJson } = await open(t)
  const relay = destinationOf(
    'type = "msgq"\ntoken = "t"\nurl = "{}/x/v1/messages"\nevent = "order.paid"',
  )
  const said = {
    method: 'PUT',
    headers: { 'x-a': '1', 'Content-Encoding': 'gzip' },
    contentType: 'application/octet-stream',
    key: '"a" é',
    order: 'shop-1',
    expiresAt: '2030-01-01T00:00:00Z',
  }
  const { method, headers, contentType, key, order, expiresAt } = said
  await deliver(relay, '\x00\x01', said)
  t.match(last(), { path: '/x/v1/messages' })
  const { headers: sent } = last()
  t.notOk(['x-a', 'content-encoding', 'idempotency-key'].some((name) => name in sent))
  t.match(sent, { 'content-type': 'application/json', 'msgq-id': ID, 'webhook-id': ID })
  const all = { event: 'order.paid', method, headers, contentType, key, order }
  t.strictSame(lastJson(), { ...all, expires: expiresAt, bodyBase64: 'AAE=' })
  for (const size of [0, 1, 2, 3, 100_000]) {
    const bytes = Buffer.alloc(size, 'abcde')
    const chunks = Array.from({ length: Math.ceil(size / 7) }, (_, n) =>
      bytes.subarray(n * 7, n * 7 + 7),
    )
    await deliver(relay, {
      kind: 'stream',
      length: size,
      open: () => Readable.from(chunks),
    })
    t.equal(Number(last().headers['content-length']), Buffer.byteLength(last().body))
    const { bodyBase64 } = lastJson() as { bodyBase64: string }
    t.strictSame(Buffer.from(bodyBase64, 'base64'), bytes, `a stream of ${size}`)
  }
})

t.test('only what says that it is text becomes a message', async (t) => {
  const { told, destinationOf, deliver, last } = await open(t)
  const slack = destinationOf('type = "slack"\nurl = "{}/hook/x"')
  const own = '{"text":"own","blocks":[]}'
  await deliver(slack, own, { contentType: 'application/json' })
  t.equal(last().body, own, '--json is its own body')
  await deliver(slack, own)
  t.strictSame(JSON.parse(last().body), { text: own }, 'nothing is sniffed')
  await deliver(slack, '<b> & co', { contentType: 'text/html' })
  t.strictSame(JSON.parse(last().body), { text: '&lt;b&gt; &amp; co' })
  await deliver(slack, 'a=1', { contentType: 'application/x-www-form-urlencoded' })
  t.match(last(), { body: 'a=1', headers: { 'content-type': /urlencoded/ } })
  const count = told.length
  const bytes = { contentType: 'application/octet-stream' }
  t.match(await deliver(slack, 'x', bytes), {
    kind: 'bounced',
    reason: 'message: slack takes text, and this is none (application/octet-stream)',
  })
  const json = destinationOf(
    'type = "slack"\nurl = "{}/hook/x"\ncontent_type = "application/json"',
  )
  await deliver(json, own)
  t.equal(last().body, own, 'as the destination says')
  t.equal(told.length, count + 1)
})

t.test('a sign, a title, both or neither', async (t) => {
  const { destinationOf, deliver, lastJson } = await open(t)
  const telegram = destinationOf('type = "telegram"\nurl = "{}/x"\nchat_id = "1"')
  for (const [draft, body, text] of [
    [{ level: 'warning' }, 'low', '⚠️ low'],
    [{ subject: 'Disk' }, 'low', 'Disk\nlow'],
    [{ subject: 'Disk', level: 'info' }, '', 'ℹ️ Disk'],
    [{ subject: '' }, 'low', 'low'],
  ] as const) {
    await deliver(telegram, body, draft)
    t.match(lastJson(), { text })
  }
})

t.test('what is too long is cut and says so, or bounces', async (t) => {
  const { told, destinationOf, deliver, last, lastJson } = await open(t)
  const discord = destinationOf('type = "discord"\nurl = "{}/x/y"')
  const text = () => (lastJson() as { content: string }).content
  await deliver(discord, 'x'.repeat(2_000))
  t.equal(text(), 'x'.repeat(2_000), 'what just fits is whole')
  await deliver(discord, '😀'.repeat(1_500), { subject: 'Disk', level: 'error' })
  t.ok(text().length <= 2_000)
  t.ok(text().length > 1_980, `and not much shorter: ${text().length}`)
  t.ok(/^❌ \*\*Disk\*\*\n(😀)+\n\[cut: the whole has 5\.9K\]$/u.test(text()))
  const slack = destinationOf('type = "slack"\nurl = "{}/x/y"')
  await deliver(slack, '&'.repeat(20_000))
  const cut = (lastJson() as { text: string }).text
  t.ok(cut.length <= 40_000)
  t.ok(/^(&amp;)+\n\[cut: the whole has 20K\]$/.test(cut), 'no entity is cut through')
  const ntfy = destinationOf('type = "ntfy"\nurl = "{}/"\ntopic = "a"')
  await deliver(ntfy, 'é'.repeat(4_000))
  const { message } = lastJson() as { message: string }
  t.ok(Buffer.byteLength(message) <= 4_096)
  await deliver(discord, {
    kind: 'stream',
    length: 3_000_000,
    open: () => Readable.from(Array.from({ length: 300 }, () => Buffer.alloc(10_000, 'x'))),
  })
  t.ok(/^x+\n\[cut: the whole has 2\.9M\]$/.test(text()))
  // Bytes that are no text, for which nobody waits: one after the other they once took minutes.
  const pager = destinationOf('type = "pagerduty"\nrouting_key = "r"\nurl = "{}/x"')
  const noise = Buffer.concat([Buffer.alloc(99_999, 0xff), Buffer.from('!')])
  await deliver(pager, {
    kind: 'stream',
    length: 3_000_000,
    open: () => Readable.from(Array.from({ length: 30 }, () => noise)),
  })
  t.match(last().body, /\[cut: the whole has 2\.9M\]/)
  const count = told.length
  const whatsapp = destinationOf('type = "whatsapp"\nurl = "{}/"\nkey = "k"\nto = "1"')
  t.match(await deliver(whatsapp, 'x'.repeat(4_097)), {
    kind: 'bounced',
    reason: /longer than whatsapp takes \(4096 characters\); too_long = "cut"/,
  })
  t.equal(told.length, count)
})

t.test('what JSON makes longer is cut by that', async (t) => {
  const { destinationOf, deliver, last, lastJson } = await open(t)
  const teams = destinationOf('type = "teams"\nurl = "{}/x"')
  await deliver(teams, '"\\\n'.repeat(6_000))
  t.ok(last().body.length < 21_000, `${last().body.length}`)
  t.match(last().body, /\[cut: the whole has 18K\]/)
  const pager = destinationOf('type = "pagerduty"\nrouting_key = "r"\nurl = "{}/x"')
  await deliver(pager, `${'x'.repeat(1_023)}😀`)
  const { summary } = (lastJson() as { payload: { summary: string } }).payload
  t.equal(summary, 'x'.repeat(1_023), 'and no character is cut through')
  const event = 'type = "datadog"\nkey = "k"\nkind = "event"\nurl = "{}/x"'
  await deliver(destinationOf(event), 'x'.repeat(4_001))
  const { text } = lastJson() as { text: string }
  t.ok(/^x+\n\[cut: the whole has 3\.9K\]$/.test(text))
  t.ok(text.length <= 4_000)
  const whole = await deliver(
    destinationOf(`${event}\ntoo_long = "bounce"`),
    'x'.repeat(4_001),
  )
  t.match(whole, {
    kind: 'bounced',
    reason: /longer than datadog takes \(4000 characters\)/,
  })
})

t.test('a parameter of a template is never empty', async (t) => {
  const { destinationOf, deliver, lastJson } = await open(t)
  const whatsapp = destinationOf(
    'type = "whatsapp"\nurl = "{}/"\nkey = "k"\nto = "1"\ntemplate = "alert"\nparameters = ["subject", "text"]',
  )
  await deliver(whatsapp, 'hello')
  const parameters = [{ text: '-' }, { text: 'hello' }]
  t.match(lastJson(), { template: { components: [{ parameters }] } })
})

t.test('a text to nobody waits for the option', async (t) => {
  const { told, destinationOf, deliver } = await open(t)
  const whatsapp = destinationOf('type = "whatsapp"\nurl = "{}/"\nkey = "k"')
  t.match(await deliver(whatsapp), {
    kind: 'deferred',
    uncharged: true,
    fault: 'configuration',
    reason: /^whatsapp: a text needs to = "NUMBER"/,
  })
  t.equal(told.length, 0)
  await deliver(whatsapp, '{"to":"1"}', { contentType: 'application/json' })
  t.equal(told.length, 1)
})

t.test('what a service repeats of a secret in URL or body is hidden', async (t) => {
  const { next, destinationOf, deliver } = await open(t)
  const telegram = destinationOf(
    'type = "telegram"\nurl = "http://x/"\nchat_id = "1"\ntoken = "t"',
  )
  const { base } = await receiver(t)
  const within = {
    ...telegram,
    url: { within: `${base}/bot{}/send`, secret: { file: 'x' } },
  }
  next.say = { status: 400, body: `no ${KEY}` }
  t.match(await deliver(within), { kind: 'delivered' })
  const pager = destinationOf(
    'type = "pagerduty"\nrouting_key = { file = "r" }\nurl = "{}/"',
  )
  const outcome = await deliver(pager)
  t.match(outcome, { kind: 'bounced', reason: '400 Bad Request: "no ***"' })
})
