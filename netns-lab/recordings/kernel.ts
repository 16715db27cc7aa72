// The kernel of a node in lines, so that what Felix left there can be held against what we leave.
//
// Both are read in the same way from what the same commands print. Names of chains and sets are nobody's business and do not
// occur: a rule stands where a packet comes to it, and shows the members of the sets that it asks.

/** By command, what it printed. */
export type Answers = Readonly<Record<string, string>>

/** A command, and what of its output counts, in lines. */
interface Question {
  /** As Felix's node was asked. */
  readonly command: string
  /** As ours is asked, where that is not the same. */
  readonly ours?: string
  readonly lines: (printed: string, answers: Answers) => readonly string[]
}

const questions: readonly Question[] = [
  { command: 'ip route', lines: linesOf },
  { command: 'ip -6 route', lines: linesOf },
  { command: 'ip rule', lines: linesOf },
  { command: 'ip -d link', lines: tunnelDevices },
  { command: 'ip addr', lines: tunnelDevices },
  { command: 'ip neigh show nud permanent', lines: linesOf },
  { command: 'ip -6 neigh show nud permanent', lines: linesOf },
  // What else is there is the kernel's, for multicast on the other interfaces.
  { command: 'bridge fdb', lines: (printed) => linesOf(printed).filter((line) => / dev vxlan/.test(line)) },
  // The rules are in one of the two, whichever the agent has chosen on this host.
  {
    command: 'iptables-save -t nat',
    ours: 'iptables-nft-save -t nat; iptables-legacy-save -t nat',
    lines: natRules,
  },
  {
    command: 'ip6tables-save -t nat',
    ours: 'ip6tables-nft-save -t nat; ip6tables-legacy-save -t nat',
    lines: natRules,
  },
  // Their members are shown by the rules that ask them. Felix has more sets, for its policy.
  { command: 'ipset save', lines: () => [] },
]

/** Where we mean to differ from Felix. */
const differences: readonly { readonly of: RegExp; readonly is: string; readonly because: string }[] = [
  {
    of: /^(ip route: .* dev cali\S+ .*) metric 1024$/,
    is: '$1',
    because: 'all our IPv4 routes have one metric, so that the longest match decides',
  },
  {
    of: /^(ip (?:-6 )?route: .* dev vxlan\S+) proto 80/,
    is: '$1',
    because: 'Felix leaves these without a protocol of its own; ours say whose they are',
  },
  {
    of: /^(ip -d link: tunl0@.* ipip) ipip remote/,
    is: '$1 any remote',
    because: 'where its module brings no tunl0 along it has to be made, and then it is for IPIP alone',
  },
  {
    of: /^(ip addr: .* inet6 \S+ scope global) nodad noprefixroute/,
    is: '$1',
    because: 'Felix removes the route that an address brings along; ours comes without',
  },
]

/** All commands in one line of shell; `answersIn` takes its output apart. Sysctls are those that were recorded. */
export function shellQuestion(recorded: Answers): string {
  const names = linesOf(recorded.sysctl ?? '').map((line) => line.split(' ')[0])
  const sysctls = { command: 'sysctl', ours: `sysctl ${names.join(' ')}` }
  return [...questions, sysctls]
    .map(({ command, ours = command }) => `echo '${mark}${command}'; { ${ours}; } 2>/dev/null`)
    .join('; ')
}

export function answersIn(output: string): Answers {
  const parts = output.split(mark).slice(1)
  return Object.fromEntries(
    parts.map((part) => {
      const end = part.indexOf('\n')
      return [part.slice(0, end), part.slice(end + 1)]
    }),
  )
}

/** A line for each thing, with the command before it that showed it. Two nodes are alike when their lines are. */
export function kernelLines(answers: Answers): string[] {
  const asked = [...questions, { command: 'sysctl', lines: linesOf }].flatMap(({ command, lines }) =>
    lines(answers[command] ?? '', answers).map((line) => `${command}: ${line}`),
  )
  return asked.map((line) => differences.reduce((text, { of, is }) => text.replace(of, is), line))
}

/** An IPv4 route of the main table, as the others are. */
export function routeLine(route: string): string {
  return `ip route: ${route}`
}

const mark = '#### '

function linesOf(printed: string): string[] {
  return printed
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** A line for each of our devices, without what kernels and versions of ip(8) differ in. The others are not of Felix's making. */
function tunnelDevices(printed: string): string[] {
  return printed
    .split(/^\d+: /m)
    .filter((device) => /^(tunl0|vxlan[\w.-]*)[@:]/.test(device))
    .map((device) => device.trim().replaceAll(/\s+/g, ' '))
    .map((device) =>
      device.replaceAll(/ qdisc .*? qlen \d+| promiscuity .*? maxmtu \d+| addrgenmode .*/g, ''),
    )
}

/** What a packet meets from each built-in chain on, in this order. */
function natRules(printed: string, answers: Answers): string[] {
  const rules = Map.groupBy(
    [...printed.matchAll(/^-A (\S+) (.*)$/gm)].map(([, chain, rule]) => ({ chain: chain!, rule: rule! })),
    ({ chain }) => chain,
  )
  const met = (chain: string): string[] =>
    (rules.get(chain) ?? []).flatMap(({ rule }) => {
      const [, target] = /^(?:-m comment --comment (?:"[^"]*"|\S+) )?-j (\S+)$/.exec(rule) ?? []
      return target !== undefined && printed.includes(`\n:${target} - `)
        ? met(target)
        : [words(rule, answers)]
    })
  const builtIn = new Set([...printed.matchAll(/^:(\S+) (?:ACCEPT|DROP) /gm)].map(([, chain]) => chain!))
  return [...builtIn].flatMap((chain) => met(chain).map((rule, at) => `${chain} ${at + 1}: ${rule}`))
}

/** A rule without its comment, its words in alphabetical order as each program has its own, and members for names of sets. */
function words(rule: string, { 'ipset save': sets = '' }: Answers): string {
  return rule
    .replace(/-m comment --comment (?:"[^"]*"|\S+) ?/, '')
    .replaceAll(/(--match-set) (\S+)/g, (_, option, set) => `${option} {${members(sets, set)}}`)
    .split(' ')
    .sort()
    .join(' ')
}

function members(sets: string, set: string): string {
  const lines = sets.split('\n').filter((line) => line.startsWith(`add ${set} `))
  return lines
    .map((line) => line.split(' ')[2])
    .sort()
    .join()
}
