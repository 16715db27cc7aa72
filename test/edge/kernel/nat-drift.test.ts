// What others do to our sets and rules, on the real thing.

import t from 'tap'
import { namespace } from '../../kit/namespace.ts'
import { follow, isSettled, natPool, rules, sets, sh, usual, usualSets } from '../../kit/nat.ts'
import { needsRoot } from '../../kit/needs-root.ts'
import { until } from '../../kit/until.ts'

for (const backend of ['nft', 'legacy'] as const) {
  t.test(
    `${backend}: what someone does to our rules and sets is noticed and undone`,
    needsRoot,
    async (t) => {
      const ns = namespace(t)
      const { cluster, loop, inForce, kinds } = follow(t, ns, { backend })
      await loop.start()
      loop.allowPrune()
      cluster.set(natPool)
      await inForce()
      const repairs = () =>
        kinds.flatMap((kind) => Object.values(kind.view().repairs)).reduce((a, b) => a + b)
      const isBack = async (what: string): Promise<void> => {
        const before = repairs()
        sh(ns, what)
        await until(
          `undone: ${what}`,
          () =>
            repairs() > before &&
            isSettled(kinds) &&
            `${rules(ns, backend)}${sets(ns)}` === `${usual}${usualSets}`,
        )
      }
      const tables = `iptables-${backend} -t nat`
      await isBack(`${tables} -F`)
      await isBack(`${tables} -F; ${tables} -X || true`)
      await isBack(`${tables} -D POSTROUTING 1`)
      await isBack(`${tables} -R caracal-nat-outgoing 1 -j RETURN`)
      await isBack(`${tables} -I caracal-nat-outgoing -j ACCEPT`)
      await isBack('ipset flush caracal-pools-v4')
      await isBack('ipset add caracal-pools-v4 10.99.0.0/16')
      await isBack(`${tables} -F; ${tables} -X; ipset destroy || true`)
    },
  )
}
