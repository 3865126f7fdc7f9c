/**
 * defaults - the value of each option that nobody set, written as in msgq.toml.
 *
 * The one owner of each default: the schema reads them from here, etc/msgq.toml is held to
 * them by a test. Apart from the schema, because `msgq send` needs two of them and must not
 * load a parser. `spool` is not here: where it lies depends on the machine (find.ts).
 */
export const DEFAULTS = {
  any_filesystem: false,
  active_limit: 1000,
  send: { message_size_limit: '10MiB', min_free: '256MiB' },
  listen: { cors: [], incoming_limit: 50_000, connections: 512, timeout: '1m' },
  submit: { shared: false, max_messages: 10_000, max_bytes: '1GiB' },
  retry: {
    min: '10s',
    factor: 2,
    max: '4h',
    jitter: 0.2,
    tries: 0,
    lifetime: '5d',
  },
  http: {
    timeout: '30s',
    connect_timeout: '10s',
    headers_timeout: '30s',
    // Nobody's; where clouds tell a machine its secrets; what is no one machine.
    deny: [
      '0.0.0.0/8',
      '::',
      '169.254.0.0/16',
      'fe80::/10',
      '100.100.100.200',
      '168.63.129.16',
      'fd00:ec2::254',
      'fd20:ce::254',
      '224.0.0.0/4',
      '255.255.255.255',
      'ff00::/8',
    ],
    allow: [],
  },
  lane: { window: [5, 20], rate: 'none' },
  keys: { window: '1d' },
  bounce: { notify_wait: '10s', notify_every: '1h', keep: '30d' },
  deferred: { warn_after: 'forever' },
  stop: { grace: '10s' },
  events: { unrouted: 'bounce' },
  log: { level: 'info', format: 'auto', retention: '30d' },
} as const

/** What a destination does not say of itself, beside the tables that it inherits. */
export const DESTINATION_DEFAULTS = {
  method: 'POST',
  idempotency_header: 'Idempotency-Key',
  http2: false,
  compress: 'none',
  compress_above: '1KiB',
  on_timeout: 'retry',
  ordered: false,
  order_wait: '1h',
  enabled: true,
} as const

/** The same of a destination of type "exec". */
export const EXEC_DEFAULTS = { directory: '/', timeout: '30s' } as const

/** The same of type "smtp"; its port follows from `tls`. */
export const SMTP_DEFAULTS = { tls: 'starttls', timeout: '60s' } as const
