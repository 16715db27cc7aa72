import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Sysctls } from '../../../src/edge/kernel/sysctls.ts'
import type { Sysctl } from '../../../src/plan/wanted.ts'
import { namespace } from '../../kit/namespace.ts'
import { needsRoot } from '../../kit/needs-root.ts'

const because = 'test'
const proxyArp: Sysctl = { path: 'net/ipv4/conf/cali0/proxy_arp', value: '1', because }

function fakeProc(t: Test) {
  const root = t.testdir({
    net: { ipv4: { ip_forward: '0\n', conf: { cali0: { proxy_arp: '0\n' }, all: {} } } },
  })
  const warnings: string[] = []
  const sysctls = new Sysctls({ root, onWarning: (path, reason) => warnings.push(`${path}: ${reason}`) })
  return { root, warnings, sysctls, value: (path: string) => readFileSync(join(root, path), 'utf8') }
}

t.test('a value that differs is written, and read back', async (t) => {
  const { sysctls, value } = fakeProc(t)
  t.same(await sysctls.put([proxyArp]), [])
  t.match(value(proxyArp.path), /^1/)
  t.same(await sysctls.read(), [proxyArp])
})

t.test('a value of a vanished interface is no error, and no file is made', async (t) => {
  const { root, sysctls } = fakeProc(t)
  const gone = { ...proxyArp, path: 'net/ipv4/conf/caligone/proxy_arp' }
  t.same(await sysctls.put([gone]), [])
  t.equal(existsSync(join(root, gone.path)), false)
  t.same(await sysctls.read(), [gone], 'nothing to put right until it comes back')
})

t.test('a value that this kernel does not know is refused, and says so', async (t) => {
  const { root, sysctls } = fakeProc(t)
  const unknown = { path: 'net/ipv6/conf/all/forwarding', value: '1', because }
  t.same(await sysctls.put([unknown]), [
    {
      key: unknown.path,
      reason: `${root}/net/ipv6/conf/all/forwarding does not exist: this kernel was booted or built without it`,
      transient: false,
    },
  ])
})

t.test('an optional value that cannot be set is a warning, and not tried again', async (t) => {
  const { sysctls, warnings } = fakeProc(t)
  const optional: Sysctl = { path: 'net/ipv6/conf/all/accept_ra', value: '0', optional: true, because }
  t.same(await sysctls.put([optional]), [])
  t.match(warnings, [/^net\/ipv6\/conf\/all\/accept_ra: .* does not exist/])
  t.same(await sysctls.read(), [optional])
})

t.test('removing leaves the value as it is', async (t) => {
  const { sysctls, value } = fakeProc(t)
  await sysctls.put([proxyArp])
  t.same(await sysctls.remove([proxyArp]), [])
  t.match(value(proxyArp.path), /^1/)
  t.same(await sysctls.read(), [])
})

t.test('values hang on their interface, but for those of all', async (t) => {
  const { sysctls } = fakeProc(t)
  const device = (path: string) => sysctls.device({ path, value: '1', because })
  t.equal(device('net/ipv4/conf/cali0.5/proxy_arp'), 'cali0.5')
  t.equal(device('net/ipv4/neigh/cali0/proxy_delay'), 'cali0')
  t.equal(device('net/ipv4/ip_forward'), undefined)
})

/** Puts one value through `Sysctls` in the namespace, with the mounts given, and prints what was refused. */
const program = `
  import { Sysctls } from '${join(import.meta.dirname, '../../../src/edge/kernel/sysctls.ts')}'
  const [path, value] = process.argv.slice(1)
  const refused = await new Sysctls({ onWarning() {} }).put([{ path, value, because: 'test' }])
  console.log(JSON.stringify(refused))
`

t.test('on the real /proc/sys: written, kept, and clear about a read-only one', needsRoot, async (t) => {
  const ns = namespace(t)
  const put = (value: string, before = 'true'): unknown => {
    const script = `${before}; exec ${process.execPath} --input-type=module -e "$0" "$@"`
    const args = [
      'netns',
      'exec',
      ns.name,
      'sh',
      '-c',
      script,
      program,
      'net/ipv4/conf/caliaaa/proxy_arp',
      value,
    ]
    return JSON.parse(execFileSync('ip', args, { encoding: 'utf8', env: { PATH: process.env.PATH } }))
  }
  const read = () =>
    execFileSync('ip', ['netns', 'exec', ns.name, 'cat', '/proc/sys/net/ipv4/conf/caliaaa/proxy_arp'], {
      encoding: 'utf8',
    }).trim()
  t.same(put('1'), [])
  t.equal(read(), '1')

  const readOnly =
    'mount --make-rprivate / && mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys'
  t.same(put('1', readOnly), [], 'nothing to write')
  t.match(put('0', readOnly), [
    {
      reason:
        'cannot set /proc/sys/net/ipv4/conf/caliaaa/proxy_arp to 0: it is read-only here (EROFS); let the container write to /proc/sys',
    },
  ])
  t.equal(read(), '1')
})
