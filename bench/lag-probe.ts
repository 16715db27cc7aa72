// Loaded into our agent by `lag`: from one SIGUSR2 to the next it watches the event loop, then prints what it saw.

import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 1
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
const inMs = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)

process.once('SIGUSR2', () => {
  histogram.enable()
  process.once('SIGUSR2', () => {
    histogram.disable()
    const [median, p99, max] = [histogram.percentile(50), histogram.percentile(99), histogram.max].map(inMs)
    process.stdout.write(`${JSON.stringify({ median, p99, max })}\n`)
  })
})
