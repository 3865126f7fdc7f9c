/** share - the modes of a spool into which any user may send, and what check says of them. */
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { inspectGround } from '../../../src/queue/spool/inspect-ground.ts'
import { Layout } from '../../../src/queue/spool/layout.ts'
import { NEEDS_ROOT, Yard, give } from './yard.ts'

const SHARED = { shared: true, maxMessages: 10, maxBytes: 1e6, minFree: 0 }

function modes(root: string): Record<string, string> {
  const names = [
    '',
    'incoming',
    'run',
    'active',
    'hold',
    'corrupt',
    'keys',
    'log',
    'suspended',
  ]
  return Object.fromEntries(
    names.map((name) => [name, (statSync(join(root, name)).mode & 0o7777).toString(8)]),
  )
}

function found(root: string, shared: boolean): string[] {
  const { findings } = inspectGround(new Layout(root), {
    anyFilesystem: true,
    minFree: 0,
    shared,
  })
  return findings.map(({ level, message, hint }) =>
    `${level} ${message} | ${hint}`.replaceAll(root, '/spool'),
  )
}

/** A spool below folders that everybody may pass. */
async function opened(t: Test, shared: boolean): Promise<string> {
  const yard = await Yard.open(t, shared ? { submit: SHARED } : {})
  await yard.engine.watch(() => {})
  return yard.root
}

void t.test('a shared spool is a drop box, and closed in all else', async (t) => {
  const root = await opened(t, true)
  t.strictSame(modes(root), {
    '': '751',
    incoming: '3773',
    run: '751',
    active: '750',
    hold: '750',
    corrupt: '750',
    keys: '750',
    suspended: '750',
    log: '750',
  })
  t.equal(statSync(join(root, 'run/wake')).mode & 0o777, 0o622)
  t.strictSame(found(root, true), [])
})

void t.test('modes that are wrong are mended at the start', async (t) => {
  const yard = await Yard.open(t, { submit: SHARED, recover: false })
  yard.layout.make()
  chmodSync(join(yard.root, 'hold'), 0o777)
  chmodSync(join(yard.root, 'run'), 0o711)
  chmodSync(join(yard.root, 'keys'), 0o2750)
  chmodSync(join(yard.root, 'incoming'), 0o3733)
  await yard.restart()
  const { hold, run, keys, incoming } = modes(yard.root)
  t.strictSame(
    { hold, run, keys, incoming },
    { hold: '750', run: '711', keys: '2750', incoming: '3733' },
    'where they are',
  )
  rmSync(join(yard.root, 'incoming'), { recursive: true })
  new Layout(yard.root, true).make()
  t.equal(modes(yard.root)['incoming'], '3773', 'and when a folder is made anew')
})

void t.test('a private spool keeps the modes that it has', async (t) => {
  const yard = await Yard.open(t, { recover: false })
  yard.layout.make()
  chmodSync(yard.path('incoming', ''), 0o3733)
  chmodSync(yard.root, 0o700)
  await yard.restart()
  const { incoming, ...rest } = modes(yard.root)
  t.strictSame([incoming, rest['']], ['3733', '700'])
  t.strictSame(found(yard.root, false), [
    'warning /spool/incoming: others may send (mode 3733), and [submit] shared is not set | chmod 0750 /spool/incoming closes it; shared = true in msgq.toml means it',
  ])
})

void t.test(
  'check says what is wrong with a shared spool, and the line that mends it',
  async (t) => {
    const root = await opened(t, true)
    chmodSync(join(root, 'incoming'), 0o750)
    chmodSync(join(root, 'run'), 0o750)
    chmodSync(join(root, 'active'), 0o770)
    chmodSync(join(root, 'run/wake'), 0o600)
    writeFileSync(join(root, 'run/limits.json'), '{}')
    chmodSync(join(root, 'run/limits.json'), 0o640)
    chmodSync(root, 0o750)
    t.strictSame(found(root, true), [
      'error /spool/active: has mode 0770, a shared spool needs 0750 | chmod 0750 /spool/active',
      'error /spool/run: has mode 0750, a shared spool needs 0751 | chmod 0751 /spool/run',
      'error /spool/incoming: has mode 0750, a shared spool needs 3773 | chmod 3773 /spool/incoming',
      'error /spool: has mode 0750, a shared spool needs 0751 | chmod 0751 /spool',
      'warning /spool/run/limits.json: senders cannot read it (mode 0640) | chmod 0644 /spool/run/limits.json',
      'warning /spool/run/wake: senders cannot ring it (mode 0600) | chmod 0622 /spool/run/wake',
    ])
    chmodSync(join(root, 'run/limits.json'), 0o666)
    t.match(found(root, true), [
      ...Array<RegExp>(4).fill(/./),
      /limits.json: others may write it/,
    ])
  },
)

void t.test(
  'a folder above that nobody may pass, and a group that is not ours',
  { skip: NEEDS_ROOT },
  async (t) => {
    const root = await opened(t, true)
    chownSync(join(root, 'incoming'), 0, 7)
    chmodSync(join(root, 'incoming'), 0o3733)
    const above = join(root, '..')
    chmodSync(above, 0o700)
    t.match(found(root, true), [
      /other users cannot pass \(mode 0700\) \| chmod o\+x/,
      /incoming: has group 7, the spool 0: .* \| chgrp 0 \/spool\/incoming && chmod 3773/,
    ])
    chmodSync(above, 0o755)
  },
)

void t.test(
  'what cannot be set is said, and stops nobody',
  { skip: NEEDS_ROOT },
  async (t) => {
    const yard = await Yard.open(t, { submit: SHARED, recover: false })
    yard.layout.make()
    mkdirSync(join(yard.root, 'keys'), { recursive: true })
    give(yard.root, 65_534)
    // Not a group of the one who serves it: the kernel takes set-gid away.
    chownSync(join(yard.root, 'incoming'), 65_534, 7)
    process.setegid!(65_534)
    process.seteuid!(65_534)
    try {
      await yard.restart()
      await yard.send()
      t.equal((await yard.claim()).length, 1)
      await yard.engine.close()
    } finally {
      process.seteuid!(0)
      process.setegid!(0)
    }
    t.match(yard.said('trouble'), [
      {
        level: 'error',
        message: /^cannot share .*incoming: .* as root: chgrp --reference=.* && chmod 3773/,
      },
    ])
  },
)

void t.test('a wake file that somebody fills is emptied', async (t) => {
  const yard = await Yard.open(t, { submit: SHARED })
  await yard.engine.watch(() => {})
  const wake = join(yard.root, 'run/wake')
  writeFileSync(wake, Buffer.alloc(1024 * 1024))
  for (let n = 0; n < 1_000 && statSync(wake).size > 0; n++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  t.equal(statSync(wake).size, 0)
})
