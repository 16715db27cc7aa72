// The log: one JSON object a line, on standard output.
//
// A message is a constant and the facts are fields, the same fact under the same name everywhere:
//
//   node       name of this node, in every line
//   peer       address of a BGP peer            kind, key   a kind of kernel object, and one of them
//   subject    resource, file or variable       field       path inside it, `spec.cidr`
//   reason     why, in the words of who said it  err         an Error, with its causes
//   refused    items the kernel would not take  retryInMs, tookMs
//
// error: a person must act; warn: we will retry; info: the operator's timeline, an idle node is silent;
// debug: each reconcile that did something; trace: each message.

import pino, { type DestinationStream, type Logger } from 'pino'

export type Log = Logger

export interface LogOptions {
  readonly node: string
  /** One of pino's levels, or `silent`. */
  readonly level: string
  /** Absent: standard output. */
  readonly destination?: DestinationStream
}

/** Bytes kept for a reader that has stalled. What comes after is dropped: a keepalive never waits for a log line. */
const maxBacklogBytes = 4 * 1024 * 1024

const secrets = ['password', 'etcdPassword', 'authorization', 'ETCD_PASSWORD', 'CALICO_ETCD_PASSWORD']

/**
 * The root of all logs. Setting its `level` at any time sets that of every child with it, as long as
 * children are made by `child(bindings)` alone, without a level of their own.
 */
export function createLog({ node, level, destination }: LogOptions): Log {
  return pino(
    {
      level,
      base: { node },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '(hidden)' },
    },
    destination ?? pino.destination({ dest: 1, sync: false, maxLength: maxBacklogBytes }),
  )
}
