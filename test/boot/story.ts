/**
 * story - a machine from the day that msgq is installed to the day that it is purged.
 *
 * Every id that was printed is remembered: at the end each was delivered, or lies where it has to.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { makeDeb } from '../../etc/packaging/deb.ts'
import type { Machine } from './machine.ts'
import type { Transcript } from './transcript.ts'

const HERE = import.meta.dirname
const RECEIVED = '/var/log/received'
const URL = 'http://127.0.0.1:8025'

const ARCHIVE = `#!/bin/sh
cat > "/srv/archive/$MSGQ_ID" && logger -t archive "$(id -un) keeps it, niceness $(nice -n 3 nice)"
`
const NOSY = [
  'echo "home: $(ls /home 2>/dev/null | wc -l)"',
  'touch /etc/msgq/mine 2>/dev/null && echo "etc: yes" || echo "etc: no"',
  'drop -c 0 /etc/shadow 2>/dev/null && echo "set-gid: yes" || echo "set-gid: no"',
  'sudo -n true 2>/dev/null && echo "sudo: yes" || echo "sudo: no"',
  'exit 70',
].join('; ')
const WAYS = `[destinations.archive]
type = "exec"
command = ["/usr/local/bin/archive"]

[destinations.events]
type = "file"
path = "/srv/archive/events.jsonl"

[destinations.mail]
type = "smtp"
host = "127.0.0.1"
port = 2525
tls = "none"
from = "msgq@vm.example"
recipients = ["ops@vm.example"]

[destinations.nosy]
type = "exec"
command = ["/bin/sh", "-c", '${NOSY}']
`
const BACKUP = `[Unit]
OnFailure=msgq-notify@%n.service

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo there is no tape; exit 1'
`
const NOTIFY_TO = `[Service]
Environment=MSGQ_TO=${URL}/ok
`

interface Received {
  readonly id: string
  readonly url: string
  readonly status: number
  readonly authorization?: string
  readonly body: string
}

/** Tells it; the first package may be `older`, of a msgq that was given away before, and is upgraded at once. */
export async function tell(
  machine: Machine,
  transcript: Transcript,
  older?: string,
): Promise<void> {
  const it = new Story(machine, transcript)
  await it.prepare(older)
  await it.installs()
  if (older !== undefined) await it.comesFrom()
  await it.users()
  await it.dies()
  await it.hangs()
  await it.reloads()
  await it.ways()
  await it.reboots()
  await it.losesPower()
  await it.upgrades()
  await it.withoutDaemon()
  await it.cron()
  await it.glance()
  await it.ends()
}

class Story {
  readonly #machine: Machine
  readonly #to: Transcript
  readonly #sent = new Set<string>()
  #hasCron = false

  constructor(machine: Machine, transcript: Transcript) {
    this.#machine = machine
    this.#to = transcript
  }

  async prepare(older: string | undefined): Promise<void> {
    const machine = this.#machine
    const folder = mkdtempSync(join(tmpdir(), 'msgq-debs-'))
    for (const revision of [1, 2, 3]) {
      const file = makeDeb(folder, { revision, compression: 'none' })
      machine.write(`/srv/msgq-${revision}.deb`, readFileSync(file))
    }
    const given = makeDeb(folder)
    machine.write(`/root/${basename(given)}`, readFileSync(older ?? given))
    this.#lintian(given)
    rmSync(folder, { recursive: true })
    // The package of each, by a file of it: that of dbus-daemon alone brings no bus.
    const needed = {
      cron: '/usr/sbin/cron',
      sudo: '/usr/bin/sudo',
      curl: '/usr/bin/curl',
      dbus: '/usr/lib/systemd/system/dbus.socket',
    }
    const missing = Object.entries(needed)
      .filter(([, file]) => machine.prepare(`test -e ${file}`).code !== 0)
      .map(([name]) => name)
    if (missing.length > 0)
      machine.prepare(
        `apt-get update -qq; apt-get install -qq --no-install-recommends ${missing.join(' ')} >/dev/null 2>&1`,
      )
    // What was there before has lost its links and its part of /var/spool (machine.ts).
    machine.prepare(
      'systemctl enable cron; install -d -m 1730 -g crontab /var/spool/cron/crontabs',
    )
    this.#hasCron = machine.prepare('command -v cron && command -v sudo').code === 0
    this.#giveNode(basename(given))
    machine.prepare('useradd --create-home ann; useradd --create-home olga')
    machine.write('/srv/receiver.mjs', readFileSync(join(HERE, 'receiver.mjs')))
    const service = `ExecStart=/usr/bin/node /srv/receiver.mjs\nStandardOutput=append:${RECEIVED}`
    machine.write(
      '/etc/systemd/system/receiver.service',
      `[Service]\n${service}\n[Install]\nWantedBy=multi-user.target\n`,
    )
    await machine.boot()
  }

  #lintian(file: string): void {
    const ran = spawnSync('lintian', ['--allow-root', '--fail-on=error,warning', file], {
      encoding: 'utf8',
    })
    if (!ran.error) this.#to.equal(ran.stdout, '', 'lintian has nothing to say')
  }

  /**
   * What the package needs has to be at hand: the machine has no network. Where no Node.js that
   * will do is a package, as on a runner of CI, the one that runs this becomes one.
   */
  #giveNode(deb: string): void {
    const machine = this.#machine
    if (machine.prepare('dpkg-query -W nodejs').code === 0) return
    const fetch = `apt-get update -qq; apt-get install -y -qq --download-only /root/${deb}`
    if (machine.prepare(fetch).code === 0) return
    machine.write('/usr/bin/node', '', 0o755)
    copyFileSync(process.execPath, join(machine.root, 'usr/bin/node'))
    const control = `Package: nodejs\nVersion: ${process.versions.node}\nArchitecture: all`
    const more = 'Maintainer: nobody <nobody@example.com>\nDescription: as a package'
    machine.write('/srv/nodejs/DEBIAN/control', `${control}\n${more}\n`)
    machine.prepare(
      'dpkg-deb --build /srv/nodejs /srv/nodejs.deb && dpkg -i /srv/nodejs.deb',
    )
  }

  /** The commands of docs/install.md, as they stand there. */
  async installs(): Promise<void> {
    const to = this.#to
    to.title('Installed, and used')
    const page = readFileSync(join(HERE, '../../docs/install.md'), 'utf8')
    const blocks = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, lines]) => lines!)
    const [asRoot, asUser] = blocks.map((lines) =>
      lines.trim().replaceAll('https://ops.example', URL).split('\n'),
    )
    to.equal(
      [asRoot!.length, asUser!.length],
      [1, 2],
      'docs/install.md says three commands',
    )
    to.equal(to.sh(asRoot![0]!).code, 0, 'the package installs')
    // It runs on the Node.js that may have come only now.
    this.#machine.sh('systemctl enable --now receiver')
    if (this.#hasCron) to.equal(to.sh(asUser![0]!, 'ann').code, 0, 'a user tells his cron')
    this.#send(asUser![1]!, 'ann')
    await this.#delivered()
    to.equal(this.#is('is-enabled'), 'enabled', 'it is enabled')
    to.equal(this.#is('is-active'), 'active', 'and runs')
    to.equal(
      this.#machine.sh('ls -ld /var/spool/msgq/incoming | cut -c1-10').out.trim(),
      'drwxrws-wt',
      'incoming/ is a drop box',
    )
    const checked = to.sh('msgq check')
    to.equal(checked.code, 0, 'msgq check has nothing to say')
    const security = this.#machine.sh('systemd-analyze security --threshold=15 msgq')
    to.equal(security.code, 0, 'it runs in a sandbox of 1.5 at most')
  }

  /** What the older one left in every state is taken up by this one. */
  async comesFrom(): Promise<void> {
    const to = this.#to
    to.title('An upgrade from an older version')
    const wanted = await this.#fill()
    const before = to.sh('msgq --version').out
    to.equal(to.sh('dpkg -i /srv/msgq-1.deb').code, 0, 'the package is upgraded')
    to.check(to.sh('msgq --version').out !== before, 'to another version')
    to.equal(this.#is('is-active'), 'active', 'it runs again')
    await this.#stillThere(wanted)
    await this.#delivered()
    to.equal(to.sh('msgq check').code, 0, 'msgq check has nothing to say')
    this.#clear()
  }

  async users(): Promise<void> {
    const to = this.#to
    to.title('Three users send, one looks')
    this.#send(`msgq send ${URL}/ok "by root"`)
    this.#send(`msgq send ${URL}/ok "by ann"`, 'ann')
    if (this.#hasCron) this.#send(`sudo -u nobody msgq send ${URL}/ok "by nobody"`)
    else this.#send(`msgq send ${URL}/ok "by nobody"`, 'nobody')
    await this.#delivered()
    to.equal(to.sh('msgq mailq', 'ann').code, 77, 'ann may not look at the queue')
    to.equal(to.sh('ls /var/spool/msgq/incoming', 'ann').code, 2, 'nor list the drop box')
    to.sh('usermod --append --groups msgq olga')
    const held = this.#send(`msgq send ${URL}/ok --hold "for olga"`, 'olga')
    await this.#until(() => this.#where(held) === 'hold', 'it is held')
    to.equal(to.sh('msgq mailq', 'olga').code, 0, 'olga is in group msgq, and may')
    to.equal(to.sh('msgq reload', 'olga').code, 0, 'and speaks to the daemon')
    const asked = this.#send(`msgq send ${URL}/ok --hold "for the desk"`, 'olga')
    await this.#until(() => this.#where(asked) === 'hold', 'it is held')
    const desk = 'curl -sSf --unix-socket /var/spool/msgq/run/control.sock'
    const act = to.sh(`${desk} -X POST http://x/v1/messages/${asked}:release`, 'olga')
    to.equal(act.code, 0, 'and acts, at the desk')
    await this.#delivered()
    if (this.#hasCron) {
      to.sh('install -m 440 /usr/share/doc/msgq/examples/sudoers /etc/sudoers.d/msgq')
      const { code } = to.sh('sudo -u msgq msgq release ALL', 'olga')
      to.equal(code, 0, 'and by every command, by the rule for sudo')
    }

    to.title('Wrong owners and modes are explained')
    to.sh('chmod 0700 /var/spool/msgq/incoming; chown root /var/spool/msgq/deferred')
    to.sh(`msgq send ${URL}/ok "from outside"`, 'ann')
    const found = to.sh('msgq check')
    to.check(found.code !== 0, 'msgq check finds them')
    for (const line of [/chmod 3773 \S+/, /chown --reference=\S+ \S+/]) {
      const [mend] = line.exec(found.out) ?? []
      to.check(mend !== undefined, `and says what mends it: ${line.source}`)
      if (mend !== undefined) to.sh(mend.replace(/[;,.]$/, ''))
    }
    to.equal(to.sh('msgq check').code, 0, 'which does')
    to.equal(to.sh('msgq mailq', 'olga').code, 0, 'and olga still sees the queue')
    to.sh('msgq release ALL')
    await this.#delivered()

    // For the end of the story: cron looks once a minute.
    if (this.#hasCron) {
      const line = `* * * * * root msgq send -q ${URL}/ok "cron of root"`
      to.sh(`echo '${line}' > /etc/cron.d/report`)
    }
  }

  async dies(): Promise<void> {
    const to = this.#to
    to.title('The daemon is killed with a message on the wire')
    const id = this.#send(`msgq send ${URL}/slow "on the wire"`, 'ann')
    await this.#until(() => this.#where(id) === 'active', 'it is on the wire')
    const before = this.#pid()
    to.sh('kill -9 $(systemctl show -P MainPID msgq)')
    await this.#back(before)
    to.sh('systemctl status msgq --no-pager --lines=6')
    to.equal(this.#restarts(), 1, 'systemd started it again')
    await this.#delivered()
    to.check(true, 'and the message arrived')
  }

  async hangs(): Promise<void> {
    const to = this.#to
    to.title('The daemon hangs')
    to.event('(With 4 s in place of the 30 s of the unit.)')
    this.#machine.sh('mkdir -p /etc/systemd/system/msgq.service.d')
    to.sh(
      'printf "[Service]\\nWatchdogSec=4\\n" > /etc/systemd/system/msgq.service.d/watchdog.conf; systemctl daemon-reload; systemctl restart msgq',
    )
    const before = this.#pid()
    await sleep(5_000)
    to.equal(this.#pid(), before, 'one that works is left alone')
    to.sh('kill -STOP $(systemctl show -P MainPID msgq)')
    this.#send(`msgq send ${URL}/ok "to one that hangs"`, 'ann')
    await this.#back(before)
    const said = to.sh('journalctl -u msgq --no-pager -o cat | grep -i watchdog | tail -2')
    to.check(said.out.includes('Watchdog timeout'), 'the watchdog restarted it', said.out)
    this.#machine.sh('rm -r /etc/systemd/system/msgq.service.d; systemctl daemon-reload')
    await this.#delivered()
  }

  async reloads(): Promise<void> {
    const to = this.#to
    to.title('A bad configuration, a good one, and a secret')
    const before = this.#pid()
    to.sh('echo "[destinations.crm]" > /etc/msgq/conf.d/crm.toml')
    to.check(to.sh('systemctl reload msgq').code !== 0, 'the reload fails')
    to.sh('journalctl -u msgq --no-pager -o cat --lines=6')
    to.equal(this.#is('is-active'), 'active', 'the daemon stays up')
    to.equal(this.#pid(), before, 'the same one')
    this.#send(`msgq send ${URL}/ok "all the same"`, 'ann')
    await this.#delivered()
    this.#machine.write('/etc/msgq/secrets/crm-token', 'very-secret\n', 0o600)
    const crm = [
      'type = "http"',
      `url = "${URL}/crm"`,
      'auth = { bearer = { file = "crm-token" } }',
    ].join('\n')
    to.sh(`cat > /etc/msgq/conf.d/crm.toml <<'EOF'\n[destinations.crm]\n${crm}\nEOF`)
    to.equal(to.sh('systemctl reload msgq').code, 0, 'the reload works')
    to.equal(this.#pid(), before, 'in the same daemon')
    const credential = 'LoadCredential=crm-token:/etc/msgq/secrets/crm-token'
    to.sh('mkdir -p /etc/systemd/system/msgq.service.d')
    to.sh(
      `printf "[Service]\\n${credential}\\n" > /etc/systemd/system/msgq.service.d/secrets.conf; systemctl daemon-reload; systemctl restart msgq`,
    )
    const id = this.#send('msgq send crm "with a secret"', 'ann')
    await this.#delivered()
    if (this.#where(id) !== undefined)
      to.sh(`msgq show ${id}; ls -la /run/credentials /run/credentials/*`)
    const [crmGot] = this.#received().filter((one) => one.id === id)
    to.equal(
      crmGot?.authorization,
      'Bearer very-secret',
      'the secret came by LoadCredential',
    )
    to.equal(
      this.#machine.sh('cat /etc/msgq/secrets/crm-token', 'msgq').code,
      1,
      'whose file the daemon cannot read',
    )
  }

  /** What a sandbox may be in the way of: a command, a file, a mail, a port, another unit. */
  async ways(): Promise<void> {
    const to = this.#to
    to.title('A command, a file, a mail and a port, in the sandbox')
    this.#machine.write('/usr/local/bin/archive', ARCHIVE, 0o755)
    to.sh('cat /usr/local/bin/archive; install -d -o msgq -g msgq /srv/archive')
    to.sh('install -g shadow -m 2755 /usr/bin/head /usr/local/bin/drop')
    to.sh(`cat > /etc/msgq/conf.d/ways.toml <<'EOF'\n${WAYS}EOF`)
    to.sh(
      `sed -i '/^.listen/,/^.http/s/^#http = .*/http = "127.0.0.1:8026"/' /etc/msgq/msgq.toml`,
    )
    to.equal(to.sh('msgq check && systemctl restart msgq').code, 0, 'it takes them')
    const ids = ['archive', 'events'].map((way) =>
      this.#send(`msgq send ${way} "for the ${way}"`, 'ann'),
    )
    for (const id of ids)
      await this.#until(() => this.#where(id) === 'deferred', `${id} is deferred`)
    const why = to.sh('msgq mailq --to archive,events').out
    to.equal(why.match(/read-only file system/gi)?.length, 2, 'and the queue says why')
    to.sh(
      'printf "[Service]\\nReadWritePaths=/srv/archive\\nSystemCallFilter=@resources\\n" > /etc/systemd/system/msgq.service.d/ways.conf; systemctl daemon-reload; systemctl restart msgq',
    )
    to.sh('msgq flush --to archive,events')
    for (const id of ids) {
      await this.#until(() => this.#where(id) === undefined, `${id} is gone`)
      this.#settled.add(id)
    }
    const written = to.sh(`cat /srv/archive/${ids[0]}; echo; cat /srv/archive/events.jsonl`)
    to.check(written.out.includes('for the archive'), 'the command got its message')
    to.check(written.out.includes('for the events'), 'the file has its line')
    const logged = to.sh('journalctl -t archive --no-pager -o cat').out
    // Ours is what the test was started with.
    const ours = Number(this.#machine.sh(`cut -d ' ' -f 19 /proc/${this.#pid()}/stat`).out)
    const said = `msgq keeps it, niceness ${ours + 3}\n`
    to.equal(logged, said, 'the command logs, and is nice')

    to.event('A command that wants more than it may:')
    const nosy = this.#send('msgq send nosy "what is there?"', 'ann')
    await this.#until(() => this.#where(nosy) === 'bounce', 'it is bounced')
    const { out } = to.sh(`msgq show ${nosy}`)
    to.check(out.includes('home: 0'), 'it sees no home', out)
    to.check(out.includes('etc: no'), 'it changes no configuration', out)
    to.check(out.includes('set-gid: no'), 'it gets no group by a set-gid program', out)
    if (this.#hasCron) to.check(out.includes('sudo: no'), 'nor rights by sudo', out)
    to.sh(`msgq delete ${nosy}`)
    this.#settled.add(nosy)

    to.event('A mail, and programs that send over HTTP:')
    this.#send('msgq send mail -s Report "by mail"', 'ann')
    const query = `v1/messages?to=${URL}/ok`
    const socket = '--unix-socket /var/spool/msgq/run'
    for (const line of [
      `curl -sS '127.0.0.1:8026/${query}' -d 'by the port'`,
      `curl -sS ${socket}/submit.sock 'http://x/${query}' -d 'by the socket'`,
    ]) {
      const answer = to.sh(line, 'ann')
      const [id = ''] = /[0-9A-Z]{26}/.exec(answer.out) ?? []
      to.check(id !== '', `ann: ${line}`, answer.out)
      this.#sent.add(id)
    }
    const desk = to.sh(`curl -sS ${socket}/control.sock http://x/v1/status`, 'ann')
    to.check(desk.code !== 0, 'the desk is not for ann')
    await this.#delivered()

    to.event('Another unit fails:')
    this.#machine.write('/etc/systemd/system/backup.service', BACKUP)
    this.#machine.write('/etc/systemd/system/msgq-notify@.service.d/to.conf', NOTIFY_TO)
    to.sh('cat /etc/systemd/system/backup.service; systemctl daemon-reload')
    // The journal is late, as on a machine that is busy: the report waits for it.
    const journald = 'kill -STOP $j; (sleep 2; kill -CONT $j) >/dev/null 2>&1 &'
    this.#machine.sh(`j=$(systemctl show -P MainPID systemd-journald); ${journald}`)
    to.sh('systemctl start backup')
    const told = () => this.#received().find((it) => it.body.includes('backup.service'))
    await this.#until(() => told() !== undefined, 'somebody hears of it')
    const { body } = told()!
    to.check(/^.* sh\[\d+\]: there is no tape$/m.test(body), 'and what it said last', body)
    this.#machine.sh('rm /etc/systemd/system/backup.service; systemctl reset-failed')
  }

  /** Mail in every state. */
  async #fill(): Promise<Map<string, string>> {
    const wanted = new Map([
      [this.#send(`msgq send ${URL}/later "deferred"`, 'ann'), 'deferred'],
      [this.#send(`msgq send ${URL}/no "bounced"`, 'ann'), 'bounce'],
      [this.#send(`msgq send ${URL}/ok --hold "held"`, 'ann'), 'hold'],
      [this.#send(`msgq send ${URL}/ok --delay 1h "tomorrow"`, 'ann'), 'deferred'],
    ])
    for (const [id, state] of wanted)
      await this.#until(() => this.#where(id) === state, `${id} is in ${state}`)
    const wire = this.#send(`msgq send ${URL}/slow "on the wire"`, 'ann')
    await this.#until(() => this.#where(wire) === 'active', 'one is on the wire')
    this.#to.sh('msgq mailq --state active,deferred,hold,bounce')
    return wanted
  }

  /** Everything that waits is deleted. */
  #clear(): void {
    this.#machine.sh('msgq delete ALL --state deferred,hold,bounce --yes')
    for (const id of this.#sent) this.#settled.add(id)
  }

  async #stillThere(wanted: Map<string, string>): Promise<void> {
    for (const [id, state] of wanted) {
      const what = `what was in ${state} is in ${state}`
      // Not at every moment: what is deferred may be out for its next attempt.
      await this.#until(() => this.#where(id) === state, what)
      this.#to.check(true, what)
    }
  }

  async reboots(): Promise<void> {
    const to = this.#to
    to.title('A reboot with mail in every state')
    const wanted = await this.#fill()
    to.sh('systemctl reboot')
    await this.#machine.off()
    to.event('_(The machine goes off, and comes back.)_')
    await this.#machine.boot()
    to.equal(this.#is('is-active'), 'active', 'the daemon is back by itself')
    const log = to.sh('journalctl -u msgq --no-pager -o cat')
    to.check(!log.out.includes('in flight when'), 'it was stopped in order', log.out)
    await this.#stillThere(wanted)
    await this.#delivered()
    to.sh('msgq mailq --state active,deferred,hold,bounce')
  }

  async losesPower(): Promise<void> {
    const to = this.#to
    to.title('Somebody pulls the plug')
    const wire = this.#send(`msgq send ${URL}/slow "when the light went out"`, 'ann')
    await this.#until(() => this.#where(wire) === 'active', 'one is on the wire')
    this.#machine.pullThePlug()
    await this.#machine.off()
    to.event('_(Everything ends at once, and the machine boots again.)_')
    await this.#machine.boot()
    const log = to.sh('journalctl -u msgq --no-pager -o cat | head -5')
    // What is deferred may have been out at that moment, too.
    const found = /^[1-9]\d* in flight when/m.test(log.out)
    to.check(found, 'the daemon found it in flight', log.out)
    await this.#delivered()
    to.check(true, 'it arrived')
  }

  async upgrades(): Promise<void> {
    const to = this.#to
    to.title('An upgrade with mail in flight')
    this.#clear()
    const wanted = await this.#fill()
    const before = this.#pid()
    to.equal(to.sh('dpkg -i /srv/msgq-2.deb').code, 0, 'the package is upgraded')
    to.equal(this.#is('is-active'), 'active', 'it runs again')
    to.check(this.#pid() !== before, 'a new one')
    const kept = this.#machine.sh('cat /etc/msgq/conf.d/crm.toml /etc/msgq/msgq.toml').out
    to.check(kept.startsWith('[destinations.crm]'), 'what is in conf.d is kept')
    to.check(
      kept.includes('\nhttp = "127.0.0.1:8026"'),
      'and what was changed in msgq.toml',
    )
    await this.#stillThere(wanted)
    await this.#delivered()

    to.sh('systemctl stop msgq')
    to.equal(to.sh('dpkg -i /srv/msgq-3.deb').code, 0, 'what is stopped is upgraded too')
    to.equal(this.#is('is-active'), 'inactive', 'and stays stopped')
    to.sh('systemctl start msgq')
    to.sh('echo oops >> /etc/msgq/conf.d/crm.toml')
    const broken = to.sh('dpkg -i /srv/msgq-2.deb')
    to.equal(broken.code, 0, 'a wrong configuration stops no upgrade')
    to.check(broken.out.includes('msgq check'), 'and is said')
    this.#send(`msgq send ${URL}/ok "meanwhile"`, 'ann')
    to.sh("sed -i '$d' /etc/msgq/conf.d/crm.toml; systemctl restart msgq")
    await this.#delivered()
  }

  async withoutDaemon(): Promise<void> {
    const to = this.#to
    to.title('Without the daemon')
    to.sh('systemctl disable --now msgq')
    this.#send(`msgq send ${URL}/ok "for the timer"`, 'ann')
    to.equal(to.sh('systemctl start msgq-once').code, 0, 'msgq-once delivers')
    await this.#delivered()
    to.sh('journalctl -u msgq-once --no-pager -o cat --lines=4')
    to.equal(to.sh('systemctl enable --now msgq-once.timer').code, 0, 'its timer')
    to.sh('systemctl list-timers --no-pager msgq-once.timer')
    to.sh('systemctl disable --now msgq-once.timer')
    to.sh('systemctl enable --now msgq')
    to.equal(
      to.sh('systemctl start msgq-once').code,
      0,
      'beside the daemon it does nothing',
    )
  }

  async cron(): Promise<void> {
    if (!this.#hasCron) return
    const to = this.#to
    to.title('What cron sent meanwhile')
    const got = (text: string) => () =>
      this.#received().some(({ body }) => body.includes(text))
    await this.#until(got('Filesystem'), "ann's cron")
    await this.#until(got('cron of root'), "root's cron")
    to.sh(`grep -hE '/hook.*Filesystem|cron of' ${RECEIVED} | cut -c-180 | tail -2`)
    to.check(true, "cron of ann and root's cron sent")
    this.#machine.sh('rm /etc/cron.d/report; crontab -r -u ann')
  }

  async glance(): Promise<void> {
    const to = this.#to
    to.title('What systemd says of it')
    const line = /^2 deferred, 1 held, 1 bounced/
    const status = () => this.#machine.sh('systemctl show -P StatusText msgq').out
    await this.#until(() => line.test(status()), 'the status tells what waits')
    to.sh('systemctl status msgq --no-pager --lines=0')
    to.check(true, 'the status tells what waits')
  }

  async ends(): Promise<void> {
    const to = this.#to
    to.title('Removed, installed again, purged')
    const waits = this.#send(`msgq send ${URL}/ok --hold "waits"`, 'ann')
    await this.#until(() => this.#where(waits) === 'hold', 'it is held')
    to.equal(to.sh('dpkg --remove msgq').code, 0, 'it is removed')
    to.equal(this.#where(waits), 'hold', 'the spool is kept')
    to.equal(
      this.#machine.sh('find /proc -maxdepth 1 -user msgq 2>/dev/null').out,
      '',
      'nothing of it runs',
    )
    to.equal(to.sh('dpkg -i /srv/msgq-2.deb').code, 0, 'it is installed again')
    to.equal(this.#is('is-active'), 'active', 'and runs')
    to.sh('msgq release ALL')
    await this.#delivered()
    to.sh('msgq status')
    const left = [...this.#sent].filter((id) => !this.#settled.has(id))
    to.equal(
      left.map((id) => this.#where(id)).toSorted(),
      ['bounce', 'deferred', 'deferred'],
      `of ${this.#sent.size} messages none was lost`,
    )
    to.equal(to.sh('dpkg --purge msgq').code, 0, 'it is purged')
    to.check(
      to.sh('ls -d /var/spool/msgq /etc/msgq /usr/lib/msgq').code === 2,
      'and nothing is left',
    )
    const failed = to.sh('systemctl --failed --no-legend')
    to.equal(failed.out.trim(), '', 'no unit failed')
  }

  /** Delivered, as we have seen, or deleted by us. */
  readonly #settled = new Set<string>()

  /** Sends; the id. */
  #send(line: string, user = 'root'): string {
    const { code, out } = this.#to.sh(line, user)
    // Behind what it may have to say.
    const id = out.trim().split('\n').at(-1)!
    this.#to.check(code === 0 && /^[0-9A-Z]{26}$/.test(id), `${user}: ${line}`, out)
    this.#sent.add(id)
    return id
  }

  /** Everything that has to be delivered was. */
  async #delivered(): Promise<void> {
    await this.#until(() => {
      const names = this.#machine.sh(
        'ls /var/spool/msgq/incoming /var/spool/msgq/active',
      ).out
      return !/@/.test(names)
    }, 'nothing is under way')
    const got = this.#received()
    for (const id of this.#sent)
      if (!this.#settled.has(id) && this.#where(id) === undefined) {
        this.#settled.add(id)
        const yes = got.some((one) => one.id === id && one.status === 200)
        this.#to.check(yes, `${id} was delivered`)
      }
  }

  /** The folder in which a message is. */
  #where(id: string): string | undefined {
    const { out } = this.#machine.sh(`ls -d /var/spool/msgq/*/*${id}*`)
    return /^\/var\/spool\/msgq\/(\w+)\/\S*@/m.exec(out)?.[1]
  }

  #received(): Received[] {
    const text = this.#machine.read(RECEIVED)
    const lines = text.split('\n').filter((line) => line.endsWith('}'))
    return lines.map((line) => JSON.parse(line) as Received)
  }

  #is(what: string): string {
    return this.#machine.sh(`systemctl ${what} msgq`).out.trim()
  }

  #pid(): string {
    return this.#machine.sh('systemctl show -P MainPID msgq').out.trim()
  }

  /** Waits for another daemon than that one. */
  async #back(pid: string): Promise<void> {
    // At one look: in between it may die.
    const look = () => this.#machine.sh('systemctl show -p MainPID,ActiveState msgq').out
    await this.#until(() => {
      const seen = look()
      return seen.includes('=active') && !seen.includes(`MainPID=${pid}\n`)
    }, 'it is back')
  }

  #restarts(): number {
    return Number(this.#machine.sh('systemctl show -P NRestarts msgq').out)
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    for (const end = Date.now() + 70_000; Date.now() < end; await sleep(200))
      if (isSo()) return
    this.#to.sh('ls /var/spool/msgq/*/*; journalctl -u msgq --no-pager --lines=20')
    this.#to.check(false, `never: ${what}`)
    throw new Error(`story: never: ${what}`)
  }
}
