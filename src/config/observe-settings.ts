// The settings of probes and metrics: names and defaults of Felix (Calico felix/config/config_params.go).

import { row } from './setting.ts'
import { bool, duration, integer, listenHost } from './types.ts'

export const observeSettings = {
  healthEnabled: row({
    environment: ['FELIX_HEALTHENABLED'],
    felix: 'healthEnabled',
    type: bool,
    default: false,
    live: true,
    meaning: 'Whether `/liveness` and `/readiness` are answered; the image sets it to true.',
  }),
  healthHost: row({
    environment: ['FELIX_HEALTHHOST'],
    felix: 'healthHost',
    type: listenHost,
    default: '127.0.0.1',
    live: true,
    meaning: 'Address at which probes are answered; `none` is all.',
  }),
  healthPort: row({
    environment: ['FELIX_HEALTHPORT'],
    felix: 'healthPort',
    type: integer(1, 65535),
    default: 9099,
    live: true,
    meaning: 'TCP port of the probes.',
  }),
  dataplaneWatchdogTimeoutMs: row({
    environment: ['FELIX_DATAPLANEWATCHDOGTIMEOUT'],
    felix: 'dataplaneWatchdogTimeout',
    type: duration,
    default: 90_000,
    live: true,
    meaning: 'How long one round of writes to the kernel may take before `/liveness` says no.',
  }),
  metricsEnabled: row({
    environment: ['FELIX_PROMETHEUSMETRICSENABLED'],
    felix: 'prometheusMetricsEnabled',
    type: bool,
    default: false,
    live: true,
    meaning: 'Whether there are metrics for Prometheus, under `/metrics`.',
  }),
  metricsHost: row({
    environment: ['FELIX_PROMETHEUSMETRICSHOST'],
    felix: 'prometheusMetricsHost',
    type: listenHost,
    default: '127.0.0.1', // Felix: all. What a node has and with whom it speaks is not for everybody.
    live: true,
    meaning: 'Address at which metrics are served; `none` is all.',
  }),
  metricsPort: row({
    environment: ['FELIX_PROMETHEUSMETRICSPORT'],
    felix: 'prometheusMetricsPort',
    type: integer(1, 65535),
    default: 9091,
    live: true,
    meaning: 'TCP port of the metrics.',
  }),
}
