// Services of Kubernetes and their endpoints, for agents of any datastore: a feed beside the datastore's own.

import type { FeedSink } from '../../../cluster/feed.ts'
import { apiClient } from './client.ts'
import { serviceCollections } from './collections.ts'
import type { KubernetesSettings } from './config.ts'
import { type FeedTiming, feed, feedTiming } from './feed.ts'

/** Feeds `sink`, until the function that is returned is called. Nothing is loaded or contacted from inside. */
export function watchServices(
  settings: KubernetesSettings,
  sink: FeedSink,
  timing: FeedTiming = feedTiming,
): () => void {
  const client = apiClient(settings)
  const closing = new AbortController()
  void feed(client, serviceCollections(), sink, timing, closing.signal, 'services')
  return () => {
    closing.abort()
    client.close()
  }
}
