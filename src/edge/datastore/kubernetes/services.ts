// Services of Kubernetes and their endpoints, for agents of any datastore: a feed beside the datastore's own.

import type { FeedSink } from '../../../cluster/feed.ts'
import type { Client } from './client.ts'
import { serviceCollections } from './collections.ts'
import { type FeedTiming, feed, feedTiming } from './feed.ts'

/** Feeds `sink`, until the function that is returned is called. Nothing is contacted from inside. */
export function watchServices(client: Client, sink: FeedSink, timing: FeedTiming = feedTiming): () => void {
  const closing = new AbortController()
  void feed(client, serviceCollections(), sink, timing, closing.signal, 'services')
  return () => closing.abort()
}
