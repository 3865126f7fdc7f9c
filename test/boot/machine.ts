/**
 * machine - a Debian machine made of this one, or of a folder that debootstrap made: its files below
 * an overlay, systemd as PID 1 in namespaces of its own, a network that reaches nobody, and a spool
 * on a real disk.
 *
 * What is done to it does not touch this machine, and is gone with the program that made it. Has to
 * run as root in a mount namespace of its own (main.ts).
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import type { ChildProcess, SpawnSyncOptionsWithStringEncoding } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ENTER = join(import.meta.dirname, 'enter.sh')
const UNITS = 'usr/lib/systemd/system'
/** Of what a Debian starts, all that a machine without hardware and without network needs. */
const STARTED =
  /^(?:systemd-journald|systemd-logind|systemd-tmpfiles-setup|systemd-sysusers|systemd-user-sessions|dbus|cron)\b/

export interface Ended {
  readonly code: number | null
  readonly out: string
}

export class Machine {
  /** On the disk of this machine: below it lies what survives everything. */
  readonly #disk: string
  readonly root: string
  readonly #cgroup: string
  #booted: { readonly unshare: ChildProcess; readonly pid: number } | undefined

  /** A machine that is off, with the files that lie below `files`. */
  constructor(cgroups: string, files: string) {
    this.#disk = mkdtempSync('/var/tmp/msgq-boot-')
    this.#cgroup = join(cgroups, `msgq-boot-${process.pid}`)
    const at = (name: string) => join(this.#disk, name)
    this.root = at('memory/root')
    for (const name of ['memory', 'spool']) mkdirSync(at(name))
    mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', at('memory'))
    for (const name of ['upper', 'work', 'root']) mkdirSync(at(`memory/${name}`))
    const layers = `lowerdir=${files},upperdir=${at('memory/upper')},workdir=${at('memory/work')}`
    mount('-t', 'overlay', '-o', layers, 'overlay', this.root)
    mount('--bind', at('spool'), join(this.root, 'var/spool'))
    this.#strip()
  }

  /** Leaves as little as possible of what this machine would start. */
  #strip(): void {
    const { root } = this
    const etc = join(root, 'etc/systemd/system')
    rmSync(etc, { recursive: true, force: true })
    mkdirSync(etc)
    for (const folder of readdirSync(join(root, UNITS)).filter((it) =>
      it.endsWith('.wants'),
    ))
      for (const name of readdirSync(join(root, UNITS, folder)))
        if (!STARTED.test(name) && !name.endsWith('.target') && !mayBe(join(etc, name)))
          symlinkSync('/dev/null', join(etc, name))
    for (const name of ['getty.target', 'systemd-networkd.socket', 'apparmor.service'])
      if (!mayBe(join(etc, name))) symlinkSync('/dev/null', join(etc, name))
    mkdirSync(join(etc, 'sockets.target.wants'))
    symlinkSync(
      '/usr/lib/systemd/system/dbus.socket',
      join(etc, 'sockets.target.wants/dbus.socket'),
    )
    for (const name of ['fstab', 'crypttab', 'machine-id', 'hostname'])
      this.write(`/etc/${name}`, name === 'hostname' ? 'vm\n' : '')
    // What this machine knows stays, for the packages that are still fetched.
    const hosts = join(root, 'etc/hosts')
    const known = existsSync(hosts) ? readFileSync(hosts, 'utf8') : '127.0.0.1 localhost\n'
    this.write('/etc/hosts', `${known.trimEnd()}\n127.0.1.1 vm\n`)
    const scripts = readdirSync(join(root, 'etc')).filter((name) =>
      /^rc[S\d]\.d$/.test(name),
    )
    // What this machine has of msgq is not there yet.
    const gone = [
      'usr/sbin/policy-rc.d',
      'var/lib/man-db/auto-update',
      'var/log/journal',
      'etc/msgq',
    ]
    for (const name of [...gone, ...scripts.map((it) => `etc/${it}`)])
      rmSync(join(root, name), { recursive: true, force: true })
  }

  /** Writes a file, with the folders above it; `path` is as in the machine. */
  write(path: string, content: string | Uint8Array, mode = 0o644): void {
    const file = join(this.root, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content, { mode })
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8')
  }

  /** Runs a line of sh while the machine is off, with the network of this one. */
  prepare(line: string): Ended {
    const args = ['--mount', '--propagation', 'private', '--', 'sh', ENTER, this.root]
    return ended(spawnSync('unshare', [...args, 'sh', '-c', line], options()))
  }

  /** Starts systemd, and waits until it has started what is enabled. */
  async boot(): Promise<void> {
    mkdirSync(this.#cgroup, { recursive: true })
    const namespaces = ['--fork', '--pid', '--mount', '--uts', '--ipc', '--net', '--cgroup']
    const line = 'echo $$ >"$0/cgroup.procs" && exec unshare "$@"'
    const init = ['/lib/systemd/systemd', '--system', '--unit=multi-user.target']
    const args = [
      ...namespaces,
      '--propagation',
      'private',
      'sh',
      ENTER,
      this.root,
      ...init,
    ]
    const unshare = spawn('sh', ['-c', line, this.#cgroup, ...args], {
      env: { ...process.env, MACHINE_CGROUP: '1' },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const pid = await this.#until(() => childOf(unshare.pid!), 'PID 1')
    this.#booted = { unshare, pid }
    await this.#until(() => {
      const { out } = this.sh('systemctl is-system-running 2>&1')
      return /^(running|degraded)$/.test(out.trim()) || undefined
    }, 'the end of the boot')
  }

  /** Runs a line of sh in the machine, as `user`, at home; what it says, on both streams. */
  sh(line: string, user = 'root'): Ended {
    const { pid } = this.#booted!
    const inside = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root']
    const env = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']
    const as = user === 'root' ? [] : ['runuser', '-u', user, '--']
    const command = [
      'env',
      '-i',
      ...env,
      'LANG=C.UTF-8',
      'DEBIAN_FRONTEND=noninteractive',
      ...as,
    ]
    const words = ['--target', String(pid), ...inside, '--wd', ...command, 'sh', '-c']
    const home = `exec 2>&1; cd ~${user} 2>/dev/null;`
    return ended(spawnSync('nsenter', [...words, `${home} ${line}`], options()))
  }

  /** Waits for the machine to go off by itself, after `systemctl reboot`. */
  async off(): Promise<void> {
    const { unshare } = this.#booted!
    const late = setTimeout(() => this.pullThePlug(), 60_000)
    if (unshare.exitCode === null && unshare.signalCode === null)
      await once(unshare, 'exit')
    clearTimeout(late)
    this.#booted = undefined
  }

  /** Ends everything in the machine at once. */
  pullThePlug(): void {
    if (this.#booted) process.kill(this.#booted.pid, 'SIGKILL')
  }

  /** Removes what the machine was. */
  async remove(): Promise<void> {
    if (this.#booted) {
      this.pullThePlug()
      await this.off()
    }
    removeCgroups(this.#cgroup)
    spawnSync('umount', ['--recursive', this.root])
    spawnSync('umount', [join(this.#disk, 'memory')])
    rmSync(this.#disk, { recursive: true, force: true })
  }

  async #until<T>(look: () => T | undefined, what: string): Promise<T> {
    for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) {
      const seen = look()
      if (seen !== undefined) return seen
    }
    throw new Error(`boot: never: ${what}`)
  }
}

function options(): SpawnSyncOptionsWithStringEncoding {
  return { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 180_000 }
}

function ended(ran: { status: number | null; stdout: string; stderr: string }): Ended {
  return { code: ran.status, out: ran.stdout + ran.stderr }
}

function mount(...args: string[]): void {
  execFileSync('mount', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Something is there, be it a link to nowhere. */
function mayBe(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function childOf(pid: number): number | undefined {
  const file = `/proc/${pid}/task/${pid}/children`
  const [child] = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : []
  return child ? Number(child) : undefined
}

function removeCgroups(folder: string): void {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeCgroups(join(folder, entry.name))
  try {
    rmdirSync(folder)
  } catch {
    // Whoever is still in there is not ours to end.
  }
}
