import { type Adapter, ask, type Neighbor, type Plan, type Seen } from '../daemon.ts'
import { PATH_WATCH } from '../sessions.ts'

export const bird: Adapter = {
  name: 'BIRD',
  version: [['bird', '--version'], /version (\S+)/],

  files: (plan) => ({ 'bird.conf': configuration(plan) }),
  programs: ({ restarting }) => [
    ['bird', '-f', ...(restarting ? ['-R'] : []), '-c', 'bird.conf', '-s', 'bird.ctl'],
  ],

  async established(plan, { name }) {
    return / Established/.test(await birdc(plan, `show protocols with_${name}`))
  },
  async routes(plan, { name }, prefix) {
    const text = await birdc(plan, `show route ${prefix} all protocol with_${name}`).catch(() => '')
    return text.split(`[with_${name} `).slice(1).map(seen)
  },
  refresh: (plan, { name }) => birdc(plan, `reload in with_${name}`),
  async bfdUp(plan, { remote }) {
    const text = await birdc(plan, 'show bfd sessions')
    return text.split('\n').some((line) => line.startsWith(`${remote} `) && / Up /.test(line))
  },
}

function birdc(plan: Plan, question: string): Promise<string> {
  return ask(plan, 'birdc', '-s', 'bird.ctl', ...question.split(' '))
}

function configuration({ asn, routerId, clusterId, neighbors, announce }: Plan): string {
  const routes = (family: string) =>
    announce
      .filter((of) => of.family === family)
      .map(({ prefix, largeCommunity }) => {
        const add = largeCommunity && `bgp_large_community.add((${largeCommunity.replaceAll(':', ', ')}));`
        return `route ${prefix} blackhole ${add ? `{ ${add} }` : ''};`
      })
  return `
    log stderr all; debug protocols { states, events };
    router id ${routerId};
    protocol device {}
    protocol bfd { interface "*" { interval ${PATH_WATCH.intervalMs} ms; multiplier ${PATH_WATCH.multiplier}; }; }
    protocol direct { ipv4; ipv6; }
    protocol static own4 { ipv4; ${routes('ipv4').join(' ')} }
    protocol static own6 { ipv6; ${routes('ipv6').join(' ')} }
    ${neighbors.map((neighbor) => session(neighbor, asn, clusterId)).join('')}`
}

function session(neighbor: Neighbor, asn: number, clusterId: string): string {
  const options = [
    'graceful restart on',
    'enable extended messages on',
    'connect delay time 1',
    'connect retry time 1',
    'error wait time 1, 1',
    neighbor.password && `password "${neighbor.password}"`,
    neighbor.ttlSecurity && 'ttl security on',
    (neighbor.ttlSecurity || neighbor.bfd) && 'direct', // not so by itself between internal peers
    neighbor.bfd && 'bfd on',
    neighbor.client && `rr client; rr cluster id ${clusterId}`,
  ].filter(Boolean)
  return `
    protocol bgp with_${neighbor.name} {
      local ${neighbor.local} as ${asn};
      neighbor ${neighbor.remote} as ${neighbor.remoteAsn};
      ${neighbor.family} { import all; export where source ~ [RTS_BGP, RTS_STATIC]; ${neighbor.addPath ? 'add paths on; ' : ''}};
      ${options.join(';\n      ')};
    }`
}

function seen(text: string): Seen {
  const value = (attribute: string) => new RegExp(`BGP\\.${attribute}: (.*)`).exec(text)?.[1]?.trim()
  const words = (attribute: string) => value(attribute)?.split(' ').filter(Boolean) ?? []
  return {
    nextHop: words('next_hop')[0]!,
    asPath: words('as_path').map(Number),
    largeCommunities: [...(value('large_community') ?? '').matchAll(/\((\d+), (\d+), (\d+)\)/g)].map(
      ([, ...parts]) => parts.join(':'),
    ),
    originatorId: value('originator_id'),
    clusterList: words('cluster_list'),
  }
}
