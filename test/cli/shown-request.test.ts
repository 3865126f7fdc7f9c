/**
 * shown-request - a request that is shown has every header that goes out, and no secret.
 */
import t from 'tap'

import { curlCommand } from '../../src/cli/curl.ts'
import { shownUrl } from '../../src/cli/shown-request.ts'
import { attemptOf, destinationOf } from '../transport/support.ts'

t.test(
  'signature, token, query, certificates and proxy are named, and masked',
  async (t) => {
    const destination = destinationOf('https://shop.example/in', {
      query: { source: 'a b', token: { file: 'x' } },
      sign: { secrets: [{ file: 'x' }] },
      auth: {
        kind: 'oauth2',
        tokenUrl: 'https://login.example/',
        clientId: 'me',
        clientSecret: { file: 'x' },
        clientAuth: 'basic',
      },
      idempotencyHeader: 'x-request-key',
      tls: { cert: { file: 'c.pem' }, key: { file: 'k.pem' }, ca: { env: 'CA' } },
      proxy: { file: 'p' },
      http2: true,
    })
    const { envelope } = attemptOf(destination, 'hello', { key: 'order-7' })
    const { text, masked } = await curlCommand(envelope, destination, 1)
    t.ok(masked)
    for (const part of [
      `'https://shop.example/in?source=a%20b&token=****'`,
      `--cert 'c.pem'`,
      `--key 'k.pem'`,
      '--cacert ****',
      '--proxy ****',
      '--http2',
      `'authorization: ****'`,
      `'x-request-key: order-7'`,
      `'webhook-timestamp: (the time of the attempt)'`,
      `'webhook-signature: ****'`,
    ])
      t.ok(text.includes(part), part)
    const query = { token: 'no secret here' }
    t.equal(
      shownUrl({ ...destination, query, url: 'https://x.example/hooks/SECRET' }),
      'https://x.example/hooks/...',
    )
    t.equal(shownUrl({ ...destination, url: { file: 'x' } }), '****')
  },
)
