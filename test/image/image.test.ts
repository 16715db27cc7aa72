// The image: what is in it, and that the agent runs from it with the privileges of the manifest and no others.

import { type ChildProcess, spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import t, { type Test } from 'tap'
import { build } from '../../scripts/build.ts'
import { find, type KubernetesObject, rendered } from '../daemonset/rendered.ts'
import { namespace } from '../kit/namespace.ts'
import { needsRoot } from '../kit/needs-root.ts'
import { until } from '../kit/until.ts'
import { buildImage, type Image, run } from './build.ts'

t.setTimeout(600_000) // a minute of building, several where the machine is busy

const agent: KubernetesObject = find(rendered('kubernetes'), 'DaemonSet').spec.template.spec.containers[0]

t.test('the image is small, holds what is needed, and runs as the manifest says', needsRoot, async (t) => {
  const image = buildImage(t)
  t.ok(image.size < 250e6, `${image.size / 1e6} MB`)
  t.same(image.config.Entrypoint, ['agent'])
  t.same(image.config.Cmd, ['run'])
  t.ok(image.config.Env.includes('FELIX_HEALTHENABLED=true'))
  const files = readdirSync(join(image.root, 'caracal'), { recursive: true, encoding: 'utf8' })
  t.same(
    files.filter((file) => file.endsWith('.ts')),
    [],
    'no sources',
  )
  t.notOk(existsSync(join(image.root, 'usr/local/bin/npm')))
  await isReproducible(t, image)
  const tools = [
    'ip -V',
    'bridge -V',
    'iptables-nft -V',
    'iptables-legacy -V',
    'ipset --version',
    'conntrack -V',
    'modprobe -V',
    'ethtool --version',
  ]
  for (const tool of tools) t.ok(run('chroot', [image.root, ...tool.split(' ')]), tool)

  const { ns, process, agentIn, log } = start(t, image)
  await until(
    'the node is healthy',
    () =>
      agentIn('status').startsWith('Calico process is running.') && agentIn('status').includes('\nHealthy.'),
    60_000,
  )
  const inside = (...argv: string[]) => run('ip', ['netns', 'exec', ns, ...argv])
  t.match(inside('ip', '-d', 'link', 'show', 'vxlan.calico'), /vxlan id 4096 local 172\.18\.0\.2/)
  t.match(
    inside('sh', '-c', 'iptables-nft-save -t nat; iptables-legacy-save -t nat'),
    /caracal-nat-outgoing .*MASQUERADE/,
  )
  t.match(inside('ipset', 'list', '-n'), /^caracal-masq-pools-v4$/m)
  await until(
    'its block is routed',
    () => /blackhole 192\.168\.\S+ proto 80/.test(inside('ip', 'route')),
    60_000,
  )
  t.equal(inside('cat', '/proc/sys/net/ipv4/ip_forward'), '1')
  const page = (port: number, path: string) => inside('curl', '--silent', `http://127.0.0.1:${port}${path}`)
  const { livenessProbe, readinessProbe } = agent
  await until('it is ready', () => page(9099, readinessProbe.httpGet.path) === 'ok', 60_000)
  t.equal(page(9099, livenessProbe.httpGet.path), 'ok')
  t.match(page(9091, '/metrics'), /^caracal_ready [01]$/m)
  process.kill('SIGTERM')
  const [code] = await once(process, 'exit')
  t.equal(code, 0, log())
})

/**
 * To build all of it a second time would take as long as the first. What is ours is built once more, from other packages in
 * another place; of the rest, all that knows the time of day must be gone.
 */
async function isReproducible(t: Test, { root }: Image): Promise<void> {
  const bundle = t.testdir()
  await build(bundle)
  t.strictSame(digests(join(root, 'caracal/dist')), digests(bundle), 'the same sources make the same bundle')
  t.equal(run('find', [join(root, 'caracal'), '-newermt', '1970-01-01 00:00:01Z']), '', 'no time of day')
  const kept = run('find', [
    join(root, 'var'),
    '-type',
    'f',
    '-regex',
    '.*/var/\\(cache\\|log\\|lib/apt/lists\\)/.*',
  ])
  t.equal(kept, '', 'no logs, no caches')
}

function digests(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name))
  return Object.fromEntries(
    paths.map((path) => [relative(directory, path), hash('sha256', readFileSync(path))]),
  )
}

/** A container by hand: namespace, mounts and capabilities as the manifest asks for. */
function start(t: Test, { root, config }: Image) {
  const ns = namespace(t)
  const host = mkdtempSync(join(tmpdir(), 'caracal-host-')) // a socket's path must be short
  t.teardown(() => rmSync(host, { recursive: true }))
  for (const path of ['run', 'lib/datastore']) mkdirSync(join(host, path), { recursive: true })
  for (const path of [join(root, 'run/xtables.lock'), join(host, 'lock')]) writeFileSync(path, '')
  ns.ip('route add default via 172.18.0.1')
  for (const path of ['host/proc/sys/net', 'run/calico', 'var/lib/calico', 'proc', 'sys', 'dev'])
    mkdirSync(join(root, path), { recursive: true })
  const mounts = [
    `mount --bind ${root} ${root}`,
    `mount -t proc proc ${root}/proc`,
    `mount -t sysfs -o ro sysfs ${root}/sys`,
    `mount --bind /dev ${root}/dev`,
    `mount --bind ${root}/proc/sys/net ${root}/host/proc/sys/net`,
    `mount --bind ${root}/proc/sys ${root}/proc/sys`,
    `mount -o remount,bind,ro ${root}/proc/sys`,
    `mount --bind ${host}/lib ${root}/var/lib/calico`,
    `mount --bind ${host}/run ${root}/run/calico`,
    `mount --bind ${host}/lock ${root}/run/xtables.lock`,
    `mount -o remount,bind,ro ${root}`,
  ]
  const { add } = agent.securityContext.capabilities
  const caps = ['-all', ...add.map((name: string) => `+${name.toLowerCase()}`)].join()
  const drop = ['setpriv', '--bounding-set', caps, '--inh-caps=-all', '--no-new-privs']
  const argv = [...drop, ...config.Entrypoint, ...config.Cmd].join(' ')
  const env = { ...environment(config.Env), CARACAL_SOCKET: '/run/calico/caracal.sock' }
  const pairs = Object.entries(env).map(([name, value]) => `'${name}=${value}'`)
  // A container knows its own environment only; a test runner adds to that of every process.
  const script = `set -e; ${mounts.join('; ')}; exec env -i ${pairs.join(' ')} chroot ${root} ${argv}`
  const process = spawn('ip', ['netns', 'exec', ns.name, 'unshare', '--mount', 'sh', '-c', script])
  t.teardown(() => end(process))
  let said = ''
  for (const stream of [process.stdout, process.stderr]) stream.on('data', (chunk) => (said += chunk))
  const socket = `--socket=${join(host, 'run', 'caracal.sock')}`
  const agentIn = (command: string): string => {
    try {
      return run(globalThis.process.execPath, [join(root, 'caracal/dist/main.js'), command, socket])
    } catch (error) {
      return String((error as { stdout: string }).stdout)
    }
  }
  return { ns: ns.name, process, agentIn, log: () => said }
}

/** Of the image, and of the manifest as far as it is not about Kubernetes. */
function environment(ofImage: readonly string[]): Record<string, string> {
  const values = agent.env.filter((one: KubernetesObject) => one.value !== undefined)
  return {
    ...Object.fromEntries(ofImage.map((pair) => /^(.*?)=(.*)$/.exec(pair)!.slice(1))),
    ...Object.fromEntries(values.map((one: KubernetesObject) => [one.name, one.value])),
    DATASTORE_TYPE: 'file',
    CALICO_DATASTORE_PATH: '/var/lib/calico/datastore',
    NODENAME: 'node-a',
    CALICO_IPV4POOL_VXLAN: 'Always',
    CALICO_IPV4POOL_CIDR: '192.168.0.0/16',
  }
}

async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return
  process.kill('SIGKILL')
  await once(process, 'exit')
}
