/**
 * open - picks the engine. The only place that knows which there are: today the file spool.
 *
 * Only the door, which `msgq send` needs, is loaded with it; send is started hundreds of times a
 * minute.
 */
import type { Clock } from '../base/clock.ts'
import type { Desk, Engine, Outbox, Suspensions } from './queue.ts'
import type { Backup, BackupOptions } from './spool/backup.ts'
import type { Finding } from './spool/finding.ts'
import type { InspectOptions } from './spool/inspect.ts'
import type { Witness } from './spool/clock-witness.ts'
import type { Holder } from './spool/lock.ts'
import type { RepairOptions } from './spool/repair.ts'
import type { Repair } from './spool/repair-file.ts'
import type { PullRule } from './spool/pull-in.ts'
import { SpoolOutbox } from './spool/outbox.ts'
import type { OutboxOptions } from './spool/outbox.ts'
import type { SpoolOptions } from './spool/spool.ts'

export type { Backup, BackupOptions } from './spool/backup.ts'
export type { OutboxOptions } from './spool/outbox.ts'
export type { SpoolOptions as EngineOptions } from './spool/spool.ts'
export type { Finding } from './spool/finding.ts'
export type { InspectOptions } from './spool/inspect.ts'
export type { Holder } from './spool/lock.ts'
export type { RepairOptions } from './spool/repair.ts'
export type { Repair } from './spool/repair-file.ts'
export type { PullRule } from './spool/pull-in.ts'
export type { Witness } from './spool/clock-witness.ts'
export { checkOwn, checkReadable, unreadable } from './spool/readable.ts'
export { removeSocket, socketPath } from './spool/run.ts'
export type { SocketPath } from './spool/run.ts'

/** The door alone. */
export async function openOutbox(spool: string, options: OutboxOptions): Promise<Outbox> {
  return new SpoolOutbox(spool, options)
}

/** The desk alone: no lock, no daemon needed. */
export async function openDesk(
  spool: string,
  options: SpoolOptions,
): Promise<Desk & Suspensions> {
  const { SpoolEngine } = await import('./spool/spool.ts')
  return new SpoolEngine(spool, options)
}

/** The whole engine; `recover` takes the spool for this process. */
export async function openEngine(spool: string, options: SpoolOptions): Promise<Engine> {
  const { SpoolEngine } = await import('./spool/spool.ts')
  return new SpoolEngine(spool, options)
}

/** What is left of the disk under a spool; no `freeInodes` where there is no end of them. */
export async function roomUnder(
  spool: string,
): Promise<{ readonly freeBytes: number; readonly freeInodes?: number }> {
  const { survey } = await import('./spool/layout.ts')
  const { freeBytes, freeInodes } = survey(spool, true)
  return freeInodes === Infinity ? { freeBytes } : { freeBytes, freeInodes }
}

/** Makes the spool and its folders where they are missing. */
export async function makeSpool(spool: string): Promise<void> {
  const { Layout } = await import('./spool/layout.ts')
  const layout = new Layout(spool)
  layout.makeRoot()
  layout.make()
}

/** Who serves the spool now, if anybody. */
export async function holderOf(spool: string, clock: Clock): Promise<Holder | undefined> {
  const { Layout } = await import('./spool/layout.ts')
  const { currentHolder } = await import('./spool/lock.ts')
  return currentHolder(new Layout(spool), clock)
}

/** Reads the whole spool and says what is wrong with it; changes nothing. */
export async function* inspectSpool(
  spool: string,
  options: InspectOptions,
): AsyncGenerator<Finding> {
  const inspect = await import('./spool/inspect.ts')
  yield* inspect.inspectSpool(spool, options)
}

/** Gives messages that wait an earlier due, by a rule; how many these were. */
export async function pullIn(
  spool: string,
  rule: PullRule,
  signal: AbortSignal,
): Promise<number> {
  const pull = await import('./spool/pull-in.ts')
  return pull.pullIn(spool, rule, signal)
}

/** What the daemon last knew of the clock. */
export async function readWitness(spool: string): Promise<Witness | undefined> {
  const { Layout } = await import('./spool/layout.ts')
  const witness = await import('./spool/clock-witness.ts')
  return witness.readWitness(new Layout(spool))
}

/** Keeps what the next daemon has to know of the clock. */
export async function writeWitness(spool: string, known: Witness): Promise<void> {
  const { Layout } = await import('./spool/layout.ts')
  const witness = await import('./spool/clock-witness.ts')
  await witness.writeWitness(new Layout(spool), known)
}

/** Mends what can be mended in a spool, and removes no message; says what it did. */
export async function repairSpool(
  spool: string,
  options: RepairOptions,
  onRepair: (repair: Repair) => void,
): Promise<void> {
  const repair = await import('./spool/repair.ts')
  await repair.repairSpool(spool, options, onRepair)
}

/** Copies a spool, which may be served, into an empty folder. */
export async function backUpSpool(
  from: string,
  to: string,
  options: BackupOptions,
): Promise<Backup> {
  const backup = await import('./spool/backup.ts')
  return backup.backUp(from, to, options)
}
