/**
 * suspensions - which lanes are suspended, who may ask, and what is kept of it.
 */
import type { Suspension } from '../../../src/message/suspension.ts'
import type { Promises } from './rig.ts'

export const SUSPENSION_PROMISES: Promises = {
  'a suspension is kept as it was made': async (t, rig) => {
    const at = rig.clock.now()
    const whole: Suspension = {
      lane: 'crm',
      at,
      by: 'ann',
      why: 'no "money"',
      until: at + 5,
    }
    const bare: Suspension = { lane: '=api.example.com_443', at }
    await rig.engine.suspend(whole)
    await rig.engine.suspend(bare)
    t.strictSame(await rig.engine.suspensions(), [bare, whole], 'by lane')
  },

  'the last one of a lane counts': async (t, rig) => {
    const at = rig.clock.now()
    await rig.engine.suspend({ lane: 'crm', at, by: 'ann', until: at + 5 })
    await rig.engine.suspend({ lane: 'crm', at: at + 1, by: 'bob' })
    t.strictSame(await rig.engine.suspensions(), [{ lane: 'crm', at: at + 1, by: 'bob' }])
  },

  'a lane is resumed once': async (t, rig) => {
    t.equal(await rig.engine.resume('crm'), false, 'it was not suspended')
    await rig.engine.suspend({ lane: 'crm', at: rig.clock.now() })
    await rig.engine.suspend({ lane: 'ops', at: rig.clock.now() })
    t.equal(await rig.engine.resume('crm'), true)
    t.equal(await rig.engine.resume('crm'), false)
    const lanes = (await rig.engine.suspensions()).map(({ lane }) => lane)
    t.strictSame(lanes, ['ops'], 'and no other lane')
  },

  'what is to go once it is over stays until then': async (t, rig) => {
    const at = rig.clock.now()
    await rig.engine.suspend({ lane: 'crm', at, until: at + 10 })
    await rig.engine.suspend({ lane: 'ops', at })
    t.equal(await rig.engine.resume('crm', { overAt: at + 9 }), false)
    t.equal(
      await rig.engine.resume('ops', { overAt: at + 1e9 }),
      false,
      'this one is never over',
    )
    t.equal((await rig.engine.suspensions()).length, 2)
    t.equal(await rig.engine.resume('crm', { overAt: at + 10 }), true)
    t.equal((await rig.engine.suspensions()).length, 1)
  },

  'only the one that is meant goes': async (t, rig) => {
    const at = rig.clock.now()
    const suspension = { lane: 'crm', at, why: '401', config: '12ab.3c' }
    await rig.engine.suspend(suspension)
    t.equal(await rig.engine.resume('crm', { madeAt: at - 1 }), false)
    t.strictSame(await rig.engine.suspensions(), [suspension], 'kept whole')
    t.equal(await rig.engine.resume('crm', { madeAt: at }), true)
    t.equal(await rig.engine.resume('crm', { madeAt: at }), false, 'there is none')
  },

  'it outlives a kill, and no claim is kept by it': async (t, rig) => {
    const suspension = { lane: 'ops', at: rig.clock.now(), why: 'down' }
    await rig.engine.suspend(suspension)
    const id = await rig.send()
    await rig.restart(true)
    t.strictSame(await rig.engine.suspensions(), [suspension])
    t.equal((await rig.claimFrom('ops')).id, id, 'what it means is policy')
  },

  'an operator beside the daemon suspends and resumes': async (t, rig) => {
    const desk = await rig.join()
    if (desk === undefined) return
    await desk.suspend({ lane: 'ops', at: rig.clock.now(), by: 'ann' })
    t.match(await rig.engine.suspensions(), [{ lane: 'ops', by: 'ann' }])
    t.equal(await desk.resume('ops'), true)
    t.strictSame(await rig.engine.suspensions(), [])
  },
}
