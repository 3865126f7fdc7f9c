/**
 * fake-control - a control socket that answers as a test says, in the real server.
 */
import { routesOf } from '../../src/daemon/control.ts'
import type { Table } from '../../src/daemon/control.ts'
import { IntakeServer } from '../../src/intake/server.ts'

export type Routes = Table

export class Control {
  readonly #server: IntakeServer

  private constructor(server: IntakeServer) {
    this.#server = server
  }

  static async open(spool: string, routes: Routes): Promise<Control> {
    const server = new IntakeServer({
      routes: routesOf(routes),
      callerOf: (door) => ({ door, scopes: ['operate'] }),
      origins: () => [],
      onTrouble: () => {},
      connections: 100,
      timeout: 10_000,
      hold: 64 * 1024 * 1024,
    })
    await server.openSocket(spool, 'control')
    return new Control(server)
  }

  close(patience = 0): Promise<void> {
    return this.#server.close(patience)
  }
}
