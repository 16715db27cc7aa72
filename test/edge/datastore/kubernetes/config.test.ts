// The service account of our pod.

import { mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { isReachable, watchServiceAccount } from '../../../../src/edge/datastore/kubernetes/config.ts'
import { until } from '../../../kit/until.ts'

t.test('a token that kubelet replaces is noticed, until nobody asks any more', async (t) => {
  const serviceAccount = mkdtempSync(join(tmpdir(), 'caracal-account-'))
  t.teardown(() => rmSync(serviceAccount, { recursive: true }))
  let changes = 0
  const end = watchServiceAccount({ serviceAccount }, () => changes++)
  t.teardown(end)
  symlinkSync('..2026_03_04', join(serviceAccount, '..data_tmp'))
  renameSync(join(serviceAccount, '..data_tmp'), join(serviceAccount, '..data'))
  await until('noticed', () => changes > 0)
})

t.test('where there is no service account there is nothing to watch', async (t) => {
  watchServiceAccount({ serviceAccount: '/nowhere' }, () => t.fail())()
  t.notOk(isReachable({ serviceHost: '10.96.0.1', serviceAccount: '/nowhere' }))
  t.ok(isReachable({ kubeconfig: '/etc/kubeconfig' }))
  t.notOk(isReachable({}))
})
