// Runs inside the namespace of host `api`: the double of the Kubernetes API, until it is killed. Its argument says where
// it listens, and where its data and the kubeconfig for everybody lie. It prints what it is asked to write.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { printJson } from '../../src/cluster/json.ts'
import { kubeconfigOf, startKubernetes, TOKEN } from '../../test/kit/kubernetes/server.ts'

export interface ApiServerSettings {
  readonly host: string
  readonly port: number
  readonly home: string
}

/** The kubeconfig that a server of this home writes as soon as it listens. */
export function kubeconfigIn(home: string): string {
  return join(home, 'kubeconfig')
}

if (import.meta.main) await serve(JSON.parse(process.argv[2]!))

async function serve({ host, port, home }: ApiServerSettings): Promise<void> {
  const server = await startKubernetes({ teardown: () => {} }, { listen: { host, port }, home })
  const config = kubeconfigOf(server.url, server.certificates.caFile, { token: TOKEN })
  writeFileSync(kubeconfigIn(home), JSON.stringify(config))
  server.fault = ({ verb, path, body }) => {
    if (body !== undefined) console.log(verb, path, printJson(body))
    return undefined
  }
}
