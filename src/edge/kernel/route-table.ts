// The main routing table, both families, as one way of talking to the kernel offers it: ip(8) or rtnetlink.
//
// Both speak of refusals in the words of iproute2, which is what people know and what words.ts reads.

import type { Outcome } from './batch.ts'
import type { KernelRoute, PrintedRoute } from './kernel-route.ts'
import type { Monitor, MonitorHandlers } from './monitor.ts'

/** The table changed while it was read: something of it may be missing or have come twice. */
export class InterruptedReading extends Error {
  override readonly name = 'InterruptedReading'

  constructor() {
    super('the table changed while it was read')
  }
}

export interface RouteTable {
  /**
   * All that it holds, whoever wrote it, some at a time so that a long table never holds up others. Rejects when
   * unreadable, and with an InterruptedReading when what was handed out is worth nothing.
   */
  read(): AsyncIterable<readonly PrintedRoute[]>
  /** Makes the kernel hold these routes, in order, each in place of any other of its prefix and metric. Never rejects. */
  replace(routes: readonly KernelRoute[]): Promise<readonly Outcome[]>
  /** Removes exactly these routes, in order. To remove what is absent is refused. Never rejects. */
  remove(routes: readonly KernelRoute[]): Promise<readonly Outcome[]>
  /** Tells of routes that others change, and of interfaces. Absent: `ip monitor` does, of our own changes too. */
  readonly watch?: (handlers: MonitorHandlers) => RouteNews
  /** Resolves when all that was asked is done. */
  close(): Promise<void>
}

export interface RouteNews extends Monitor {
  /** Tells at once of all that has happened by now. */
  catchUp(): void
}
