/**
 * main - npm run test:vm: boots a machine, and lives with msgq on it: test/boot/story.ts.
 *
 * Needs Linux, root, systemd and dpkg; where one is missing it says so and ends with 0, but with 1
 * where CI is set: nobody reads there what was skipped.
 * --files FOLDER boots a Debian that debootstrap made there, in place of the files of this machine;
 * --from DEB upgrades from that package, of an older msgq; --write keeps what was typed and said in
 * docs/boot.md.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { Machine } from './machine.ts'
import { tell } from './story.ts'
import { Transcript } from './transcript.ts'

const PAGE = resolve(import.meta.dirname, '../../docs/boot.md')
const PREFACE = `# A machine with msgq on it

\`npm run test:vm\` boots a Debian with systemd as PID 1, in namespaces of its own on the files of this machine,
or on those of a folder (\`-- --files FOLDER\`), installs the package, and does to it what befalls a machine. This page is what
it typed and what was said, of one run; \`-- --write\` writes it anew. The network is a loopback with a receiver on it: by HTTP it
answers by path (\`/later\` 503, \`/no\` 400, \`/slow\` after 3 s, anything else 200), and mail it takes.
`

const { values: given } = parseArgs({
  options: {
    files: { type: 'string', default: '/' },
    from: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})

/** Where cgroups of version 2 are, the only ones that a second systemd can have for itself. */
function cgroups(): string | undefined {
  return ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((path) =>
    existsSync(`${path}/cgroup.controllers`),
  )
}

/** Why it cannot run here. */
function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may boot a machine'
  if (!existsSync('/lib/systemd/systemd')) return 'no systemd here'
  for (const program of ['dpkg', 'unshare', 'nsenter', 'ip', 'runuser'])
    if (spawnSync(program, ['--version']).error) return `no ${program} here`
  if (cgroups() === undefined) return 'no cgroups of version 2 here'
  const overlay = readFileSync('/proc/filesystems', 'utf8').includes('\toverlay\n')
  if (!overlay && spawnSync('modprobe', ['overlay']).status !== 0)
    return 'no overlayfs here'
  const disk = spawnSync('stat', ['-f', '-c', '%T', '/var/tmp'], { encoding: 'utf8' })
  if (/^(overlayfs|tmpfs)/.test(disk.stdout)) return '/var/tmp is no disk'
  const unshared = spawnSync('unshare', ['--mount', '--pid', '--fork', '--net', 'true'])
  return unshared.status === 0 ? undefined : 'namespaces are not allowed here'
}

async function main(): Promise<number> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const why = obstacle()
  if (why !== undefined) {
    say(`skipped: ${why}`)
    return process.env['CI'] === undefined ? 0 : 1
  }
  if (process.env['MSGQ_BOOT'] === undefined) {
    // What is mounted from here on is gone with us.
    const argv = ['--mount', '--propagation', 'private', process.execPath]
    const own = [...process.execArgv, ...process.argv.slice(1)]
    const env = { ...process.env, MSGQ_BOOT: '1' }
    return spawnSync('unshare', [...argv, ...own], { env, stdio: 'inherit' }).status ?? 1
  }
  const machine = new Machine(cgroups()!, resolve(given.files))
  const stop = () => void machine.remove().then(() => process.exit(1))
  process.on('SIGINT', stop).on('SIGTERM', stop)
  const transcript = new Transcript(machine, say)
  try {
    await tell(machine, transcript, given.from)
    if (given.write) writeFileSync(PAGE, PREFACE + transcript.text())
  } catch (error) {
    say(transcript.text())
    throw error
  } finally {
    await machine.remove()
  }
  const { passed, failed } = transcript
  say(`\n${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

process.exitCode = await main()
