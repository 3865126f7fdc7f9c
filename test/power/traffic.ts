/**
 * traffic - real senders that send without an end, and files that somebody does not sync.
 *
 * An id counts from when it was printed. The files that nobody syncs show that a cut takes
 * something away at all.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const MSGQ = fileURLToPath(new URL('../../bin/msgq', import.meta.url))
const BODY = 'x'.repeat(3_000)
const TO = 'http://127.0.0.1:9/cut'
/** Lines that `send --batch` may have before it has answered for them. */
const AHEAD = 20

export class Traffic {
  /** Printed so far. */
  readonly ids: string[] = []
  /** Names of files written and not synced. */
  readonly unsynced: string[] = []
  readonly faults: string[] = []
  readonly #command: readonly string[]
  readonly #env: NodeJS.ProcessEnv
  readonly #running: Promise<void>[]
  #over = false

  /** Senders into a spool; `as` goes before their command lines. */
  constructor(spool: string, config: string, unsynced: string, as: readonly string[]) {
    this.#command = [...as, process.execPath, MSGQ, 'send', '--spool', spool]
    this.#env = { PATH: process.env['PATH'], HOME: '/', MSGQ_CONFIG: config }
    mkdirSync(unsynced)
    const loose = this.#writeLoose(unsynced)
    this.#running = [this.#sendEach(), this.#sendEach(), this.#sendBatches(), loose]
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    this.#over = true
    await Promise.all(this.#running)
  }

  async #sendEach(): Promise<void> {
    while (!this.#over) await this.#run([TO, '-d', BODY], 0)
  }

  async #sendBatches(): Promise<void> {
    while (!this.#over) await this.#run(['--batch'], 2_000)
  }

  /** Runs a sender; a batch is fed so many lines, as its answers come. */
  #run(words: readonly string[], lines: number): Promise<void> {
    const [program, ...rest] = [...this.#command, ...words]
    const child = spawn(program!, rest, { env: this.#env })
    let [fed, answered, printed, said] = [0, 0, '', '']
    const feed = (): void => {
      while (fed < lines && !this.#over && fed - answered < AHEAD) {
        fed++
        child.stdin.write(`${JSON.stringify({ to: TO, body: BODY })}\n`)
      }
      if (fed === lines || this.#over) child.stdin.end()
    }
    child.stdin.on('error', () => {})
    child.stdout.on('data', (chunk: Buffer) => {
      const whole = `${printed}${chunk.toString()}`.split('\n')
      printed = whole.pop()!
      answered += whole.length
      this.ids.push(...whole)
      feed()
    })
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    feed()
    return new Promise((resolve) => {
      child.on('close', (code) => {
        if (code !== 0) {
          this.faults.push(`send: exit ${code}: ${said}`)
          this.#over = true
        }
        resolve()
      })
    })
  }

  async #writeLoose(folder: string): Promise<void> {
    for (let n = 0; !this.#over; n++) {
      writeFileSync(join(folder, String(n)), BODY)
      this.unsynced.push(String(n))
      await sleep(20)
    }
  }
}
