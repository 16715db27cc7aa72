// The kubeconfig of the CNI plugin, with a token of its own service account that is replaced long before it ends. Calico
// node/pkg/cni/token_watch.go. Without it no pod is set up any more a day after the last one was written.

import type { Log } from '../edge/observe/log.ts'
import type { TimerClock } from '../reconcile/clock.ts'
import type { KubernetesAccess } from './kubernetes-access.ts'

export interface CniCredentialsOptions {
  readonly access: Pick<KubernetesAccess, 'requestToken' | 'cluster'>
  /** CALICO_CNI_SERVICE_ACCOUNT. */
  readonly account: string
  /** CNI_TOKEN_REFRESH_INTERVAL in milliseconds; 0: a quarter of the time that is left. */
  readonly refreshMs: number
  /** Replaces the file in one step. */
  write(kubeconfig: string): Promise<void>
  readonly clock: Pick<TimerClock, 'after' | 'random'>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Pick<Log, 'info' | 'warn'>
}

const VALID_S = 24 * 60 * 60
const QUARTER = 4
const SHORTEST_MS = 5_000

export class CniCredentials {
  readonly #options: CniCredentialsOptions
  #isOver = false
  #isFailing = false
  #cancel: () => void = () => {}

  constructor(options: CniCredentialsOptions) {
    this.#options = options
  }

  /** From now on there are credentials, as soon as they can be had. */
  start(): void {
    void this.#renew().then((waitMs) => this.#renewLater(waitMs))
  }

  /**
   * Our own token is another: the keys by which the server knows tokens may be, too, and then the plugin's is worth nothing
   * although its time is not over.
   */
  hurry(): void {
    this.#renewLater(SHORTEST_MS)
  }

  stop(): void {
    this.#isOver = true
    this.#cancel()
  }

  /** Jittered by as much again, so that not all nodes ask at once. */
  #renewLater(waitMs: number): void {
    const { clock } = this.#options
    this.#cancel()
    if (!this.#isOver) this.#cancel = clock.after(waitMs * (1 + clock.random()), () => this.start())
  }

  /** Returns how long these credentials are good enough. */
  async #renew(): Promise<number> {
    const { access, account, write, now, log } = this.#options
    try {
      const { token, expires } = await access.requestToken(account, VALID_S)
      await write(kubeconfig(await access.cluster(), token))
      if (this.#isFailing) log.info({}, 'the CNI plugin has credentials again')
      this.#isFailing = false
      return this.#pause(expires - now())
    } catch (error) {
      const { message } = error as Error
      if (!this.#isFailing) log.warn({ reason: message }, 'the CNI plugin gets no new credentials')
      this.#isFailing = true
      return SHORTEST_MS
    }
  }

  #pause(validMs: number): number {
    if (validMs < SHORTEST_MS * QUARTER) return SHORTEST_MS
    return this.#options.refreshMs || validMs / QUARTER
  }
}

function kubeconfig(
  { server, caData }: Awaited<ReturnType<KubernetesAccess['cluster']>>,
  token: string,
): string {
  return `# Kubeconfig file for Calico CNI plugin. Installed by calico/node.
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: ${server}
    certificate-authority-data: "${caData}"
users:
- name: calico
  user:
    token: ${token}
contexts:
- name: calico-context
  context:
    cluster: local
    user: calico
current-context: calico-context`
}
