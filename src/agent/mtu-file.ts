// The MTU of new pods in a file, where the CNI plugin looks for it when its own configuration has none (Calico
// felix/dataplane/linux/int_dataplane.go, writeMTUFile). Pods that are there keep theirs.

import { recordMtu } from '../edge/host/files.ts'
import type { Log } from '../edge/observe/log.ts'

/** A function to call with the MTU as often as one likes: what is in the file already is not written again. */
export function mtuFile(path: string, log: Pick<Log, 'warn'>): (mtu: number) => void {
  let recorded: number | undefined
  let writing = Promise.resolve()
  return (mtu) => {
    if (mtu === recorded) return
    recorded = mtu
    writing = writing
      .then(() => recordMtu(path, mtu))
      .catch((error: Error) => {
        recorded = undefined
        log.warn({ path, reason: error.message }, 'the MTU of pods cannot be written down')
      })
  }
}
