/**
 * soak - a few seconds of `npm run soak`.
 */
import t from 'tap'

import { complaints, table } from './report.ts'
import { soak } from './soak.ts'

void t.test(
  'nothing is lost while everything fails that can',
  { timeout: 180_000 },
  async (t) => {
    const seed = Number(process.env['MSGQ_SOAK_SEED'] ?? Date.now() % 1_000_000)
    t.comment(`npm run soak -- --seed ${seed}`)
    const soaked = await soak(t, { seconds: 7, seed, tell: (line) => t.comment(line) })
    t.comment(table(soaked))
    t.strictSame(complaints(soaked), [])
    t.equal(soaked.account.waiting, 0)
    const { sent, delivered, bounced, held } = soaked.account
    t.ok(sent > 0 && delivered > 0, `${sent} sent, ${delivered} delivered`)
    t.ok(delivered + bounced + held >= sent, 'each is delivered, bounced or held')
    t.ok(
      soaked.ledger.kills + soaked.ledger.stops > 0,
      'and the daemon was killed meanwhile',
    )
  },
)
