// What real Felix was given and what it made of it: test/recordings/felix, a file for each state of a cluster.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { documentFromEtcd } from '../../src/cluster/etcd-keys.ts'
import { LabError } from '../lab.ts'
import { repository } from '../state.ts'
import type { Answers } from './kernel.ts'

export interface Recording {
  /** All that etcd held, as text. */
  readonly kvs: readonly { readonly key: string; readonly value: string }[]
  /** What the kernel of the node answered, once all was quiet. */
  readonly answers: Answers
}

/** A pod, as the CNI plugin had plugged it in. */
export interface RecordedPod {
  readonly name: string
  readonly interfaceName: string
  readonly mac: string
}

/** The node whose kernel was asked. */
export const recordedNode = 'node-a'

const folder = join(repository, 'test', 'recordings', 'felix')

export function recordingNames(): string[] {
  return readdirSync(folder).map((file) => file.replace(/\.json$/, ''))
}

/** @throws LabError when there is none of that name */
export function readRecording(name: string): Recording {
  const file = join(folder, `${name}.json`)
  if (!existsSync(file))
    throw new LabError(`there is no recording ${name}, only ${recordingNames().join(', ')}`)
  const { kvs, [recordedNode]: answers } = JSON.parse(readFileSync(file, 'utf8'))
  return { kvs, answers: { ...answers, sysctl: sysctlLines(answers.sysctl) } }
}

/** Those of the node. */
export function recordedPods({ kvs }: Recording): RecordedPod[] {
  return kvs
    .map(({ key, value }) => documentFromEtcd(key, value, '1'))
    .filter((document) => document?.kind === 'WorkloadEndpoint')
    .map((document) => document!.spec as { node: string; pod: string; interfaceName: string; mac: string })
    .filter(({ node }) => node === recordedNode)
    .map(({ pod, interfaceName, mac }) => ({ name: pod, interfaceName, mac }))
}

/** As sysctl(8) prints them. */
function sysctlLines(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} = ${value}`)
    .join('\n')
}
