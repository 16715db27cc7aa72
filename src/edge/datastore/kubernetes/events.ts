// Events of Kubernetes on our Node, as `kubectl describe node` shows them (core/v1 Event).

import { createHash } from 'node:crypto'
import { printJson } from '../../../cluster/json.ts'
import { timestamp } from '../../../cluster/timestamp.ts'
import { ApiError, type Client } from './client.ts'

/** What is said of the node. Times are milliseconds since 1970. */
export interface NodeEvent {
  readonly type: 'Warning' | 'Normal'
  readonly reason: string
  readonly message: string
  readonly first: number
  readonly last: number
  readonly count: number
}

/** Says it, in place of what was said for this reason since the same moment. @throws ApiError, or what the network says */
export type EventWriter = (event: NodeEvent) => Promise<void>

/** Where Events live that are about no object of a namespace. */
const PATH = '/api/v1/namespaces/default/events'

/** `node` is the name that Kubernetes knows it by. */
export function eventWriter(client: Client, node: string): EventWriter {
  async function create(event: NodeEvent, name: string): Promise<void> {
    await client.call(PATH, { method: 'POST', body: printJson(eventObject(event, name, node)) })
  }

  async function repeat({ message, last, count }: NodeEvent, name: string): Promise<void> {
    const body = printJson({ message, lastTimestamp: timestamp(last), count })
    await client.call(`${PATH}/${name}`, {
      method: 'PATCH',
      body,
      contentType: 'application/merge-patch+json',
    })
  }

  return async (event) => {
    const name = nameOf(event, node)
    if (event.count === 1) return create(event, name)
    await repeat(event, name).catch((error) => {
      // The API server forgets Events after an hour.
      if (error instanceof ApiError && error.code === 404) return create(event, name)
      throw error
    })
  }
}

/** The same for each time the same thing is said, and another one for the next time it happens. */
function nameOf({ reason, first }: NodeEvent, node: string): string {
  const hash = createHash('sha256').update(`${reason} ${first}`).digest('hex').slice(0, 16)
  return `${node}.${hash}`
}

function eventObject({ type, reason, message, first, last, count }: NodeEvent, name: string, node: string) {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: 'default' },
    // Not the Node's own uid: kubelet and kubectl go by its name.
    involvedObject: { apiVersion: 'v1', kind: 'Node', name: node, uid: node },
    type,
    reason,
    message,
    source: { component: 'caracal', host: node },
    reportingComponent: 'caracal',
    reportingInstance: node,
    firstTimestamp: timestamp(first),
    lastTimestamp: timestamp(last),
    count,
  }
}
