// Runs inside a namespace: carries out the calls of store.ts on the datastore that is reachable there. Its argument is the
// settings of that datastore. It ends with the process that started it.

import { StoreError } from '../../src/cluster/feed.ts'
import { type Answer, type Call, type Method, openStore } from './store.ts'

const store = openStore(JSON.parse(process.argv[2]!))
const methods = store as unknown as Record<Method, (...args: readonly unknown[]) => Promise<unknown>>

process.on('message', (call: Call) => void carryOut(call).then((answer) => process.send?.(answer)))
process.once('disconnect', () => process.exit())

async function carryOut({ id, method, args }: Call): Promise<Answer> {
  try {
    return { id, value: await methods[method](...args) }
  } catch (err) {
    const { message } = err as Error
    return { id, reason: err instanceof StoreError ? err.reason : 'unavailable', message }
  }
}
