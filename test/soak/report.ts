/**
 * report - the account of a soak as a table, and what was wrong, line by line.
 */
import type { Soaked } from './soak.ts'

/** The table. */
export function table({ account, ledger, requests }: Soaked): string {
  const by = `send ${ledger.count('send')}, batch ${ledger.count('batch')}, by hand ${ledger.count('hand')}`
  const rows: [string, number, string][] = [
    ['sent', account.sent, by],
    ['delivered', account.delivered, `${account.byLies} only by a 200 that broke off`],
    ['repeats', account.repeats, `in ${requests} requests`],
    ['bounced', account.bounced, 'in bounce/'],
    ['held', account.held, 'in hold/'],
    ['waiting', account.waiting, 'in incoming/, active/ and deferred/'],
    ['garbage', ledger.garbage, 'in corrupt/'],
    ['lost', account.lost.length, ''],
    ['kills', ledger.kills, `of msgqd; ${ledger.sendersKilled} of senders`],
    ['stops', ledger.stops, 'of msgqd by SIGTERM'],
    ['verbs', ledger.verbs, 'of the operator'],
    ['faults', account.faults.length, ''],
  ]
  return rows
    .map(([name, count, remark]) =>
      `${name.padEnd(10)}${String(count).padStart(7)}  ${remark}`.trimEnd(),
    )
    .join('\n')
}

/** Faults that are told; one that repeats itself must not hide the others. */
const TOLD = 50

/** What is lost and what is wrong; none when all is well. */
export function complaints({ account }: Soaked): string[] {
  const faults = [...new Set(account.faults)]
  const more = faults.length > TOLD ? [`and ${faults.length - TOLD} more`] : []
  return [...account.lost.map((id) => `lost: ${id}`), ...faults.slice(0, TOLD), ...more]
}
