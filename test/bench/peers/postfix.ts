/**
 * postfix - a Postfix of its own with its defaults but for the concurrency: mail in by SMTP from
 * smtp-source, out by SMTP to smtp-sink, both from its own package.
 *
 * What is enqueued is held, so that nothing is delivered meanwhile; then all of it is released.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { end, start } from '../children.ts'
import { monotonic, until } from '../daemon.ts'
import { rate, scratch } from '../ground.ts'
import type { PeerResult } from '../kept.ts'
import { ONE_BY_ONE, SENDERS, WIDTH } from './peer.ts'
import type { Peer } from './peer.ts'
import { cpuOfTree, find, freePort, listening, userOf } from './system.ts'

const NAME = 'Postfix'
const SHARED = '/usr/share/postfix'
const FROM_TO = ['-f', 'a@source.localhost', '-t', 'b@sink.localhost', '-l', '1024']

export const postfix: Peer = {
  name: NAME,
  missing: () => {
    if (process.getuid?.() !== 0) return 'root, which Postfix needs to start'
    const programs = ['postfix', 'smtp-source', 'smtp-sink']
    const lacks = programs.find((name) => find(name) === undefined)
    return lacks === undefined ? undefined : `${lacks} (Debian: postfix)`
  },
  measure: async (count) => {
    const folder = scratch()
    const [door, exit] = [await freePort(), await freePort()]
    const config = configure(folder, door, exit)
    const sink = start(find('smtp-sink')!, ['-u', 'nobody', '-c', at(exit), '1024'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const seen = { count: 0, first: 0, last: 0 }
    sink.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const known = Number(
        text
          .match(/mesg=(\d+)/g)
          ?.at(-1)
          ?.slice(5) ?? 0,
      )
      if (known > 0 && seen.count === 0) seen.first = monotonic()
      if (known > seen.count) seen.last = monotonic()
      seen.count = known
    })
    await listening(exit, sink)
    execFileSync(find('postfix')!, ['-c', config, 'check'])
    const [directory] = setting(config, 'daemon_directory')
    const master = start(join(directory!, 'master'), ['-c', config, '-s'], {
      stdio: 'ignore',
    })
    await listening(door, master)

    const first = Math.min(ONE_BY_ONE, count / 2)
    const enqueueOne = await send(door, first, 1)
    const enqueueMany = await send(door, count - first, SENDERS)
    execFileSync(find('postsuper')!, ['-c', config, '-H', 'ALL'], { stdio: 'ignore' })
    execFileSync(find('postqueue')!, ['-c', config, '-f'])
    await until('Postfix begins to deliver', () => seen.count > 0, 1)
    const before = cpuOfTree([master.pid!])
    const counted = seen.count
    await until(`${count} arrive`, () => seen.count >= count)
    const cpu = ((cpuOfTree([master.pid!]) - before) / (count - counted)) * 1e6
    await end(master)
    await end(sink)
    return {
      name: NAME,
      count,
      enqueueOne: Math.round(enqueueOne),
      enqueueMany: Math.round(enqueueMany),
      deliver: Math.round(((count - counted) / (seen.last - seen.first)) * 1000),
      cpu: Math.round(cpu),
    } satisfies PeerResult
  },
}

/** Mails a second, from so many sessions; one session stays open for all of its mails. */
async function send(port: number, count: number, sessions: number): Promise<number> {
  const words = ['-d', '-s', String(sessions), '-m', String(count), ...FROM_TO, at(port)]
  return rate(count, async () => execFileSync(find('smtp-source')!, words))
}

/** Writes a configuration beside a queue of its own; gives back its folder. */
function configure(folder: string, door: number, exit: number): string {
  const [config, queue, data] = ['etc', 'queue', 'data'].map((name) => join(folder, name))
  for (const path of [config!, queue!, data!]) mkdirSync(path)
  for (const path of [folder, config!, queue!]) chmodSync(path, 0o755)
  const { uid, gid } = userOf('postfix')
  chownSync(data!, uid, gid)
  for (const name of ['postfix-files', 'dynamicmaps.cf'])
    cpSync(join('/etc/postfix', name), join(config!, name))
  for (const name of ['postfix-files.d', 'dynamicmaps.cf.d']) mkdirSync(join(config!, name))
  writeFileSync(join(config!, 'main.cf'), mainText({ folder, config, queue, data, exit }))
  writeFileSync(join(config!, 'master.cf'), masterText(door))
  return config!
}

interface Places {
  readonly folder: string
  readonly config: string | undefined
  readonly queue: string | undefined
  readonly data: string | undefined
  readonly exit: number
}

function mainText({ folder, config, queue, data, exit }: Places): string {
  const names = ['daemon_directory', 'command_directory', 'shlib_directory', 'mail_owner']
  const kept = [...names, 'setgid_group']
  const values = setting('/etc/postfix', ...kept)
  return `compatibility_level = 3.6
${kept.map((name, n) => `${name} = ${values[n]}`).join('\n')}
queue_directory = ${queue}
data_directory = ${data}
meta_directory = ${config}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = bench.localhost
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
relayhost = [127.0.0.1]:${exit}
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_end_of_data_restrictions = check_client_access static:HOLD
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_peername_lookup = no
smtp_host_lookup = native
disable_dns_lookups = yes
initial_destination_concurrency = ${WIDTH}
default_destination_concurrency_limit = ${WIDTH}
maillog_file = ${folder}/mail.log
maillog_file_prefixes = ${folder}
`
}

/** The services as they are delivered, with a door of our own and nothing in a chroot. */
function masterText(door: number): string {
  const text = readFileSync(join(SHARED, 'master.cf.dist'), 'utf8')
    .replace(/^smtp +inet .*smtpd$/m, `${at(door)} inet n - n - - smtpd`)
    .replace(/^(\S+ +unix +\S+ +\S+ +)y( )/gm, '$1n$2')
  return /^postlog/m.test(text) ? text : `${text}\npostlog unix-dgram n - n - 1 postlogd\n`
}

/** What a configuration says of some parameters. */
function setting(config: string, ...names: string[]): string[] {
  const words = ['-c', config, '-h', ...names]
  return execFileSync(find('postconf')!, words, { encoding: 'utf8' }).trim().split('\n')
}

function at(port: number): string {
  return `127.0.0.1:${port}`
}
