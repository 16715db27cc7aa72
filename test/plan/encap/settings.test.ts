import t from 'tap'
import { offloadsChecksums } from '../../../src/plan/encap/settings.ts'

t.test('kernels up to 5.7.0 get the checksums of encapsulated packets wrong', async (t) => {
  for (const release of ['3.10.0-1160.el7.x86_64', '4.19.0-20-amd64', '5.6.19', '5.7', '5.7.0-0.bpo.2-amd64'])
    t.notOk(offloadsChecksums(release), release)
  for (const release of ['5.7.1', '5.8.0', '6.1.0-28-amd64', '6.18', '10.0.0', 'nonsense'])
    t.ok(offloadsChecksums(release), release)
})
