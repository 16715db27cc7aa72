// Not a daemon that anybody runs: what watching etcd and writing a route cost by themselves, in Node and by the same
// packages. What our agent takes longer is ours.

import { join } from 'node:path'
import type { Contestant } from '../contestant.ts'

export const bareWatcher: Contestant = {
  name: 'a bare watcher',
  routes: false,
  reflects: false,
  files: () => ({}),
  programs: () => [],
  withEtcd: (url) => ({
    ...bareWatcher,
    programs: () => [[process.execPath, join(import.meta.dirname, '../watcher.ts'), url]],
  }),
}
