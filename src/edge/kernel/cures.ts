// Why the tools of NAT refuse, and what a person can do about it.

const cures: readonly (readonly [words: RegExp, cure: string])[] = [
  [/match `set'|Extension set /, 'load the kernel module xt_set, or use a kernel that has it'],
  [
    /Can't open socket to ipset|Cannot open session to kernel/,
    'load the kernel module ip_set, and let us have NET_ADMIN',
  ],
  [/set type not supported/, 'load the kernel module ip_set_hash_net'],
  [
    /Table does not exist|can't initialize ip6?tables table|Failed to initialize nft/,
    'load the modules of the nat table, or choose the other iptablesBackend',
  ],
  [/Operation not permitted|Permission denied/, 'let us have NET_ADMIN'],
  [/CIDR parameter of the IP address is invalid/, 'a set cannot hold all addresses: write two halves'],
]

/** The tool's words, and what would help. */
export function cureFor(program: string, words: string): string {
  if (NO_PROGRAM.test(words)) return `${program} is not installed; install it (Debian: ${packageOf(program)})`
  const said = words
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !NOISE.test(line))
    .join('; ')
  const [, cure] = cures.find(([pattern]) => pattern.test(words)) ?? []
  return cure === undefined ? said : `${said}; ${cure}`
}

/** The second form is that of `ip netns exec`. */
const NO_PROGRAM = /ENOENT|exec of .* failed: No such file/
const NOISE = /^Try `|^Ignoring deprecated|^# Warning|^Error occurred at line/

function packageOf(program: string): string {
  return program.includes('tables') ? 'iptables' : program
}
