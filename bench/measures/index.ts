import { flap } from './flap.ts'
import { memory, sessions } from './footprint.ts'
import { ingest } from './ingest.ts'
import { lag } from './lag.ts'
import { pod } from './pod.ts'
import { reflect } from './reflect.ts'
import { start } from './start.ts'

export const MEASURES = [ingest, reflect, flap, pod, start, memory, sessions, lag] as const
