// The image, built as its Dockerfile says: by buildah, on a base that debootstrap makes and that is given the names of the
// real ones, since no registry can be asked. All of it is in memory and gone when the test ends.

import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const repository = new URL('../../', import.meta.url).pathname
const DEBIAN = 'docker.io/library/debian:bookworm-slim'
const NODE = 'docker.io/library/node:24-bookworm-slim'
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'
/** What the slim images of Debian do without, also of packages that come later. */
const NOT_SLIM = ['doc', 'man', 'locale', 'info'].map((name) => `usr/share/${name}`)
const EMPTIED = ['var/cache', 'var/lib/apt/lists', 'var/log', ...NOT_SLIM]

export interface Image {
  /** Octets of all its files. */
  readonly size: number
  /** What a container would have as /. */
  readonly root: string
  readonly config: {
    readonly Entrypoint: readonly string[]
    readonly Cmd: readonly string[]
    readonly Env: readonly string[]
  }
}

export function buildImage(t: { teardown(run: () => void): void }): Image {
  const home = mkdtempSync(join(tmpdir(), 'caracal-image-'))
  run('mount', ['-t', 'tmpfs', '-o', 'size=3G,mode=755', 'caracal-image', home])
  t.teardown(() => {
    run('umount', ['--lazy', home])
    rmdirSync(home)
  })
  const buildah = (...args: readonly string[]): string =>
    run('buildah', [
      '--root',
      join(home, 'store'),
      '--runroot',
      join(home, 'run'),
      '--storage-driver',
      'vfs',
      ...args,
    ])
  makeBases(buildah, debian(join(home, 'debian')))
  const cache = run('npm', ['config', 'get', 'cache'])
  const [build, volume] = [
    ['--isolation', 'chroot', '--pull-never', '--timestamp', '0'],
    ['--volume', `${cache}:/root/.npm`],
  ]
  buildah('build', '--quiet', ...build, ...volume, '--tag', 'caracal', repository)
  const [{ size }] = JSON.parse(buildah('images', '--json', 'caracal'))
  const container = buildah('from', '--pull-never', 'caracal')
  const { OCIv1 } = JSON.parse(buildah('inspect', container))
  return { size: octets(size), root: buildah('mount', container), config: OCIv1.config }
}

/** As debian:bookworm-slim is made. */
function debian(root: string): string {
  run('debootstrap', ['--variant=minbase', 'bookworm', root])
  run('find', [...EMPTIED.map((path) => join(root, path)), '-mindepth', '1', '-delete'])
  const excluded = NOT_SLIM.map((path) => `path-exclude /${path}/*\n`).join('')
  writeFileSync(join(root, 'etc/dpkg/dpkg.cfg.d/docker'), excluded)
  return root
}

/** The two base images; the second with node and npm, and with those whom this machine trusts. */
function makeBases(buildah: (...args: readonly string[]) => string, base: string): void {
  const container = buildah('from', 'scratch')
  const root = buildah('mount', container)
  run('cp', ['-a', `${base}/.`, root])
  buildah('commit', '--quiet', container, DEBIAN)
  const local = join(root, 'usr', 'local')
  copyFileSync(realpathSync(process.execPath), join(local, 'bin', 'node'))
  const npm = dirname(dirname(realpathSync(run('which', ['npm']))))
  cpSync(npm, join(local, 'lib', 'npm'), { recursive: true })
  symlinkSync('../lib/npm/bin/npm-cli.js', join(local, 'bin', 'npm'))
  mkdirSync(dirname(join(root, AUTHORITIES)), { recursive: true })
  copyFileSync(realpathSync(AUTHORITIES), join(root, AUTHORITIES))
  buildah('config', '--env', `NODE_EXTRA_CA_CERTS=${AUTHORITIES}`, container)
  buildah('commit', '--quiet', container, NODE)
}

/** `245 MB`, as buildah says it. */
function octets(size: string): number {
  return Number.parseFloat(size) * { KB: 1e3, MB: 1e6, GB: 1e9 }[size.slice(-2) as 'KB' | 'MB' | 'GB']
}

/** What a program prints. Throws with its words. */
export function run(file: string, args: readonly string[]): string {
  return execFileSync(file, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64e6,
  }).trim()
}
