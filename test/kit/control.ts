// Answers for control sockets of tests that ask something else.

import type { Routes } from '../../src/edge/control/server.ts'

const nothing = () => {
  throw new Error('not asked in this test')
}

export const unasked: Routes = {
  '/status': nothing,
  '/config': nothing,
  '/explain': nothing,
  '/bgp/peers': nothing,
  '/bgp/routes': nothing,
  '/bgp/received': nothing,
  '/bgp/advertised': nothing,
  '/bgp/reset': nothing,
}
