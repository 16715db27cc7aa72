// The connections of one peer at a time: at most one of them is the session, others are on their way to it or about to go.

import type { ConnectionId } from '../events.ts'
import type { Open } from '../wire/message.ts'
import { resolveCollision, type SessionEnd, type Verdict } from './collision.ts'
import type { Connection } from './connection.ts'
import { COLLISION, type Failure, RESTART } from './failure.ts'
import type { State } from './fsm.ts'

/** How far a connection has come. */
const PROGRESS: readonly State[] = ['Active', 'Connect', 'OpenSent', 'OpenConfirm', 'Established']

export class Connections {
  readonly #all = new Map<ConnectionId, Connection>()

  add(connection: Connection): void {
    this.#all.set(connection.id, connection)
  }

  delete({ id }: Connection): void {
    this.#all.delete(id)
  }

  /** One that has not been deleted. */
  get(id: ConnectionId): Connection {
    return this.#all.get(id)!
  }

  find(test: (connection: Connection) => boolean): Connection | undefined {
    return [...this.#all.values()].find(test)
  }

  get established(): Connection | undefined {
    return this.find(({ state }) => state === 'Established')
  }

  /** Whether one is or is about to be the session. */
  get passedOpen(): boolean {
    return this.find(({ passedOpen }) => passedOpen) !== undefined
  }

  /** The state of the one that has come furthest; undefined when there is none. */
  get furthest(): State | undefined {
    return PROGRESS.findLast((state) => this.find((connection) => connection.state === state))
  }

  endAll(failure: Failure): void {
    for (const connection of [...this.#all.values()]) connection.happen({ kind: 'stop', failure })
  }

  /** Takes the OPEN of a newcomer up with the others: false, and the newcomer is ended, when one of them is to be the session. */
  admit(newcomer: Connection, local: SessionEnd, remote: Open): boolean {
    const yields = this.#rivals(newcomer, local, remote).some(({ verdict }) => verdict === 'yield')
    if (yields) newcomer.happen({ kind: 'stop', failure: COLLISION })
    return !yields
  }

  /** A newcomer has been admitted, and has taken its OPEN in: ends those that it takes the place of. */
  succeed(newcomer: Connection, local: SessionEnd, remote: Open): void {
    for (const { rival, verdict } of this.#rivals(newcomer, local, remote)) {
      const failure = verdict === 'replace' ? RESTART : COLLISION
      if (verdict !== 'wait') rival.happen({ kind: 'stop', failure })
    }
  }

  /** The others, and what becomes of each of them and of a newcomer whose OPEN has come. */
  #rivals(newcomer: Connection, local: SessionEnd, remote: Open): { rival: Connection; verdict: Verdict }[] {
    return [...this.#all.values()]
      .filter((rival) => rival !== newcomer)
      .map((rival) => ({ rival, verdict: resolveCollision(rival.state, newcomer, local, remote) }))
  }
}
