import { block } from './block.ts'
import { flap } from './flap.ts'
import { clients, memory, sessions } from './footprint.ts'
import { batch, ingest } from './ingest.ts'
import { lag } from './lag.ts'
import { pod } from './pod.ts'
import { reflect } from './reflect.ts'
import { start } from './start.ts'

export const MEASURES = [
  ingest,
  batch,
  reflect,
  flap,
  pod,
  block,
  start,
  memory,
  clients,
  sessions,
  lag,
] as const
