// Two kernels compared: what counts, and what does not.

import t from 'tap'
import { type Answers, answersIn, kernelLines, shellQuestion } from '../../../netns-lab/recordings/kernel.ts'
import { readRecording, recordingNames } from '../../../netns-lab/recordings/recording.ts'
import { readStory, stories } from '../../../netns-lab/story/index.ts'

const nat = (...rules: string[]): Answers => ({
  'iptables-save -t nat': [':POSTROUTING ACCEPT [0:0]', ':one - [0:0]', ':two - [0:0]', ...rules].join('\n'),
  'ipset save': 'add pods 10.2.0.0/16\nadd pods 10.1.0.0/16\nadd others 10.1.0.0/16',
})

const lines = (command: string, printed: string): string[] => kernelLines({ [command]: printed })

t.test('a rule stands where a packet comes to it, whatever its chain is called', async (t) => {
  const rules = ['-A one -j RETURN', '-A two -j ACCEPT', '-A POSTROUTING -j two', '-A POSTROUTING -j one']
  t.same(kernelLines(nat(...rules)), [
    'iptables-save -t nat: POSTROUTING 1: -j ACCEPT',
    'iptables-save -t nat: POSTROUTING 2: -j RETURN',
  ])
})

t.test('a rule shows the members of its sets, not their names, and no comment', async (t) => {
  const rule = '-A POSTROUTING -m comment --comment "caracal:x y" -m set --match-set pods src -j MASQUERADE'
  t.same(kernelLines(nat(rule)), [
    'iptables-save -t nat: POSTROUTING 1: --match-set -j -m MASQUERADE set src {10.1.0.0/16,10.2.0.0/16}',
  ])
})

t.test('of routes, what Felix and we mean to do otherwise is left out, and no more', async (t) => {
  const same: readonly [felix: string, ours: string][] = [
    ['10.1.0.1 dev cali1 scope link metric 1024 ', '10.1.0.1 dev cali1 scope link'],
    [
      '10.2.0.0/26 via 10.2.0.0 dev vxlan.calico onlink',
      '10.2.0.0/26 via 10.2.0.0 dev vxlan.calico proto 80 onlink',
    ],
  ]
  for (const [felix, ours] of same) t.same(lines('ip route', felix), lines('ip route', ours))
  const different: readonly [felix: string, ours: string][] = [
    ['10.2.0.0/26 via 172.20.0.12 dev tunl0 proto 80 onlink', '10.2.0.0/26 via 172.20.0.12 dev tunl0 onlink'],
    [
      '10.2.0.0/26 via 10.2.0.0 dev vxlan.calico onlink',
      '10.2.0.0/26 via 10.2.0.0 dev vxlan.calico proto bird onlink',
    ],
    ['10.2.0.0/26 via 172.20.0.12 dev eth0 metric 1024', '10.2.0.0/26 via 172.20.0.12 dev eth0'],
  ]
  for (const [felix, ours] of different) t.notSame(lines('ip route', felix), lines('ip route', ours))
})

t.test('of interfaces, only tunnel devices count, with their MTU, MAC and all that makes them', async (t) => {
  const printed = readRecording('vxlan-always').answers['ip -d link']!
  const [device, ...others] = lines('ip -d link', printed)
  t.same(others, [])
  t.match(
    device,
    /vxlan\.calico: <.*,UP,.*> mtu 1450 link\/ether 66:07:02:c1:cc:60 .* id 4096 local 172\.20\.0\.11 dev eth0/,
  )
  t.notMatch(device, /gso_max|promiscuity|qlen/)
})

t.test('every recording has something to say to each question', async (t) => {
  for (const name of recordingNames()) {
    const { answers } = readRecording(name)
    const printed = Object.entries(answers).map(([command, text]) => `#### ${command}\n${text}`)
    t.same(kernelLines(answersIn(printed.join(''))), kernelLines(answers), name)
    for (const [, command] of shellQuestion(answers).matchAll(/echo '#### ([^']+)'/g))
      t.ok(command! in answers, `${name}: ${command}`)
  }
})

t.test('every recording is told in a story', async (t) => {
  const told = stories()
    .flatMap((name) => readStory(name).steps)
    .filter(({ kind }) => kind === 'check-recording')
    .map(({ args }) => (args as { name: string }).name)
  t.same(told.sort(), recordingNames().sort())
})
