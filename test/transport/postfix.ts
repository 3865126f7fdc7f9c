/**
 * postfix - a mail server of its own below a temporary folder, which keeps what it takes.
 *
 * Takes mail for ann@to.example, puts later@to.example off, knows no other there, and relays
 * nothing. Nothing that it takes leaves it.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { freePort } from '../free-port.ts'

/** Why no Postfix can be run here, or false. */
export function cannotRunPostfix(): string | false {
  if (process.getuid?.() !== 0) return 'only root may start Postfix'
  return spawnSync('postconf', ['-d', 'mail_version']).error === undefined
    ? false
    : 'postfix is missing'
}

export class Postfix {
  readonly port: number
  readonly #folder: string

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.port = port
  }

  static async start(): Promise<Postfix> {
    const folder = mkdtempSync(join(tmpdir(), 'msgq-postfix-'))
    chmodSync(folder, 0o755)
    const port = await freePort()
    for (const name of ['etc', 'spool']) mkdirSync(join(folder, name))
    mkdirSync(join(folder, 'data'))
    run('chown', 'postfix', join(folder, 'data'))
    writeFileSync(join(folder, 'etc/main.cf'), mainOf(folder))
    writeFileSync(join(folder, 'etc/master.cf'), masterOf(port))
    run('postfix', '-c', join(folder, 'etc'), 'start')
    return new Postfix(folder, port)
  }

  /** A mail that it holds, as it came. */
  mail(id: string): string {
    return run('postcat', '-c', join(this.#folder, 'etc'), '-hbq', id)
  }

  stop(): void {
    run('postfix', '-c', join(this.#folder, 'etc'), 'stop')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function mainOf(folder: string): string {
  return `compatibility_level = 3.6
queue_directory = ${folder}/spool
data_directory = ${folder}/data
maillog_file = ${folder}/log
maillog_file_prefixes = ${folder}
myhostname = mx.to.example
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
virtual_mailbox_domains = to.example
virtual_mailbox_maps = inline:{ ann@to.example=x, later@to.example=x }
smtpd_client_restrictions = static:HOLD
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
  check_recipient_access inline:{ {later@to.example = 450 4.2.0 come again} }
  reject_unlisted_recipient
`
}

function masterOf(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`
}

function run(command: string, ...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command}: ${stderr}${stdout}`)
  return stdout
}
