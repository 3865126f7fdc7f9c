/**
 * inspect-shared - whether those may send who are meant to, and nobody else. Says how to mend it.
 */
import { readFileSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { dirname } from 'node:path'

import { errorAt, warningAt } from './finding.ts'
import type { Finding } from './finding.ts'
import type { Layout } from './layout.ts'
import { chmodLine, isOpen, octal, wrongModes } from './share.ts'

/** With it nobody can name a file that he may not change. The kernel's default since 2012. */
const HARDLINKS = '/proc/sys/fs/protected_hardlinks'

/** What keeps a shared spool from being one, or opens too much of it. */
export function inspectShared(layout: Layout, root: Stats): readonly Finding[] {
  const findings = wrongModes(layout.root).map((wrong) =>
    errorAt(
      wrong.path,
      `has mode ${octal(wrong.mode)}, a shared spool needs ${octal(wrong.wanted)}`,
      chmodLine(wrong),
    ),
  )
  return [
    ...inspectAbove(layout.root),
    ...findings,
    ...inspectGroup(layout, root),
    ...inspectFiles(layout),
    ...inspectKernel(),
  ]
}

/** A private spool into which others can put files all the same. */
export function inspectPrivate(layout: Layout): readonly Finding[] {
  const path = layout.folder('incoming')
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined || !isOpen(stat.mode) || (stat.mode & 0o1000) === 0) return []
  return [
    warningAt(
      path,
      `others may send (mode ${octal(stat.mode & 0o7777)}), and [submit] shared is not set`,
      `chmod 0750 ${path} closes it; shared = true in msgq.toml means it`,
    ),
  ]
}

/** The folders above must be passed through by whoever sends. */
function inspectAbove(root: string): readonly Finding[] {
  for (let path = dirname(root); ; path = dirname(path)) {
    const mode = statSync(path).mode & 0o7777
    if ((mode & 0o001) === 0)
      return [
        errorAt(path, `other users cannot pass (mode ${octal(mode)})`, `chmod o+x ${path}`),
      ]
    if (path === dirname(path)) return []
  }
}

/** What others put there gets the group of incoming/, and the daemon reads it by that. */
function inspectGroup(layout: Layout, root: Stats): readonly Finding[] {
  const path = layout.folder('incoming')
  const gid = statSync(path, { throwIfNoEntry: false })?.gid
  if (gid === undefined || gid === root.gid) return []
  return [
    errorAt(
      path,
      `has group ${gid}, the spool ${root.gid}: msgqd may not read what others send`,
      `chgrp ${root.gid} ${path} && chmod 3773 ${path}`,
    ),
  ]
}

/** What senders read and ring; msgqd makes both, and one that is missing harms nobody. */
function inspectFiles(layout: Layout): readonly Finding[] {
  const files = [
    ['limits.json', 0o004, 0o022, '0644', 'senders cannot read it'],
    ['wake', 0o002, 0o044, '0622', 'senders cannot ring it'],
  ] as const
  return files.flatMap(([name, needed, forbidden, wanted, harm]) => {
    const path = layout.run(name)
    const mode = statSync(path, { throwIfNoEntry: false })?.mode
    if (mode === undefined) return []
    const hint = `chmod ${wanted} ${path}`
    if ((mode & needed) === 0)
      return [warningAt(path, `${harm} (mode ${octal(mode & 0o7777)})`, hint)]
    if (name === 'limits.json' && (mode & forbidden) !== 0)
      return [errorAt(path, `others may write it (mode ${octal(mode & 0o7777)})`, hint)]
    return []
  })
}

function inspectKernel(): readonly Finding[] {
  try {
    if (readFileSync(HARDLINKS, 'latin1').trim() !== '0') return []
  } catch {
    return []
  }
  const what = 'is 0: any user may link files into incoming/ that are not his'
  return [warningAt(HARDLINKS, what, 'sysctl fs.protected_hardlinks=1')]
}
