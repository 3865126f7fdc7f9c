/**
 * journal-stream - whether what a program prints goes to systemd's journal, as systemd.exec(5) has it.
 *
 * $JOURNAL_STREAM alone does not tell: whatever is started below inherits it, a pipe and a terminal of a
 * desktop too.
 */
import { fstatSync } from 'node:fs'

/** True where this open file, stdout by default, is the journal's. */
export function leadsToJournal(
  env: Readonly<Record<string, string | undefined>>,
  fd = 1,
): boolean {
  const stream = env['JOURNAL_STREAM']
  if (stream === undefined) return false
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return stream === `${dev}:${ino}`
  } catch {
    return false
  }
}
