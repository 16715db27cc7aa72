// The manifests: that Kubernetes takes them, and that the agent understands what they say.

import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { resolveSettings } from '../../src/config/resolve.ts'
import { find, type KubernetesObject, kustomizations, mistakes, rendered } from './rendered.ts'

for (const name of kustomizations) {
  t.test(`${name}: is as Kubernetes wants it, and means what the agent thinks`, async (t) => {
    const objects = rendered(name)
    for (const object of objects) t.same(await mistakes(object), [], object.kind)
    const config = find(objects, 'ConfigMap', 'calico-config').data
    t.type(JSON.parse(config.cni_network_config.replace('__CNI_MTU__', '0')).plugins, Array)
    const { spec } = find(objects, 'DaemonSet').spec.template
    for (const container of [...spec.initContainers, ...spec.containers]) {
      const volumes = spec.volumes.map((volume: KubernetesObject) => volume.name)
      for (const { name } of container.volumeMounts) t.ok(volumes.includes(name), name)
    }
    const { values, problems, unknown } = settingsOf(spec.containers[0], config)
    t.same(unknown, [])
    t.same(problems, [])
    const [type, encapsulation] = name.replace('overlays/', '').split('-')
    t.equal(values.datastoreType, type === 'etcd' ? 'etcdv3' : 'kubernetes')
    t.equal(values.networkingBackend, encapsulation === 'vxlan' ? 'vxlan' : 'bird')
    t.match(
      spec.containers[0].env,
      [
        { name: 'CALICO_IPV4POOL_IPIP', value: encapsulation === 'ipip' ? 'Always' : 'Never' },
        { name: 'CALICO_IPV4POOL_VXLAN', value: encapsulation === 'vxlan' ? 'CrossSubnet' : 'Never' },
      ].filter(() => encapsulation !== undefined),
    )
    // Probes are answered where they are asked.
    for (const probe of ['livenessProbe', 'readinessProbe']) {
      const { host, port, path } = spec.containers[0][probe].httpGet
      t.same([host, port], [values.healthHost, values.healthPort])
      t.equal(path, probe.replace(/^(.*)Probe/, '/$1'))
    }
    t.ok(values.healthEnabled && values.metricsEnabled)
    t.equal(spec.containers[0].securityContext.privileged, undefined)
  })
}

t.test('the patch makes of a calico-node DaemonSet one of ours, and leaves the rest', async (t) => {
  const directory = t.testdir()
  for (const file of ['test/daemonset/calico-node.yaml', 'daemonset/patch/calico-node.yaml'])
    copyFileSync(new URL(`../../${file}`, import.meta.url), join(directory, file.replaceAll('/', '-')))
  writeFileSync(
    join(directory, 'kustomization.yaml'),
    'resources: [test-daemonset-calico-node.yaml]\npatchesStrategicMerge: [daemonset-patch-calico-node.yaml]\n',
  )
  const [daemonSet] = rendered(directory)
  t.same(await mistakes(daemonSet), [])
  const { containers, initContainers, volumes } = daemonSet.spec.template.spec
  const [agent, ...others] = containers
  t.same(others, [])
  t.match(initContainers, [{ name: 'install-cni' }])
  t.equal(agent.image, find(rendered('kubernetes'), 'DaemonSet').spec.template.spec.containers[0].image)
  for (const gone of ['lifecycle', 'command']) t.notOk(gone in agent, gone)
  t.same(agent.livenessProbe, {
    httpGet: { host: '127.0.0.1', port: 9099, path: '/liveness' },
    periodSeconds: 10,
    initialDelaySeconds: 10,
    failureThreshold: 6,
    timeoutSeconds: 10,
  })
  t.notOk('exec' in agent.readinessProbe)
  t.equal(agent.securityContext.privileged, false)
  t.same(agent.securityContext, {
    ...find(rendered('kubernetes'), 'DaemonSet').spec.template.spec.containers[0].securityContext,
    privileged: false,
  })
  t.ok(
    agent.env.some((one: KubernetesObject) => one.name === 'CALICO_IPV4POOL_CIDR'),
    'settings stay',
  )
  t.ok(volumes.some((one: KubernetesObject) => one.name === 'policysync'))
})

t.test('what Kubernetes would refuse is found', async (t) => {
  const daemonSet = find(rendered('kubernetes'), 'DaemonSet')
  const [agent] = daemonSet.spec.template.spec.containers
  agent.readinessProbe.httpGet.adress = '127.0.0.1'
  t.same(await mistakes(daemonSet), [
    'DaemonSet.spec.template.spec.containers[0].readinessProbe.httpGet.adress is no field of V1HTTPGetAction',
  ])
  delete agent.readinessProbe.httpGet.port
  t.match(await mistakes(daemonSet), [/must have required property port/])
})

const ofNode: Readonly<Record<string, string>> = { 'spec.nodeName': 'node-a', 'status.hostIP': '10.0.0.1' }

/** As the agent would take them. */
function settingsOf(container: KubernetesObject, config: Readonly<Record<string, string>>) {
  const value = (one: KubernetesObject): string => {
    const { configMapKeyRef: from, fieldRef } = one.valueFrom ?? {}
    if (from) return config[from.key] ?? ''
    if (fieldRef) return ofNode[fieldRef.fieldPath]!
    return one.value
  }
  const environment = Object.fromEntries(container.env.map((one: KubernetesObject) => [one.name, value(one)]))
  return resolveSettings({
    environment,
    hostname: 'node-a',
    recordedNodename: undefined,
    felixConfigurations: [],
  })
}
