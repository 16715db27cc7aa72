// What Calico's CRD schemas ask for, as far as routing meets them: required fields, types, defaults, unknown fields.

import { parsePrefix } from '../../../src/inet/prefix.ts'
import { badRequest, type Cause, invalid } from './failure.ts'
import type { Resource } from './resources.ts'
import type { Fields, StoredObject } from './store.ts'

interface Field {
  readonly required?: boolean
  readonly default?: unknown
  /** What is wrong with a value; undefined when nothing is. */
  readonly check?: (value: unknown, path: string) => Omit<Cause, 'field'> | undefined
}

type Spec = Readonly<Record<string, Field>>

const required: Field = { required: true }
const mode: Field = { check: oneOf('Never', 'Always', 'CrossSubnet') }

/** Only specs listed here are looked at. Unknown fields of an IPPool are pruned, as the others' would be. */
const specs: Readonly<Record<string, Spec>> = {
  'IPPool.crd.projectcalico.org': {
    cidr: { check: typed('cidr', (value) => parsePrefix(String(value)) !== undefined) },
    blockSize: { check: typed('integer', Number.isInteger) },
    ipipMode: mode,
    vxlanMode: mode,
    assignmentMode: { default: 'Automatic' },
    allowedUses: {},
    disableBGPExport: {},
    disabled: {},
    ipip: {},
    'nat-outgoing': {},
    namespaceSelector: {},
    natOutgoing: {},
    nodeSelector: {},
  },
  'BlockAffinity.crd.projectcalico.org': {
    cidr: required,
    deleted: { required: true, check: typed('string', (value) => typeof value === 'string') },
    node: required,
    state: required,
    type: {},
  },
  'BlockAffinity.projectcalico.org': {
    deleted: { check: typed('boolean', (value) => typeof value === 'boolean') },
    cidr: required,
    node: required,
    state: required,
    type: {},
  },
  'IPAMBlock.crd.projectcalico.org': {
    allocations: required,
    attributes: required,
    cidr: required,
    strictAffinity: required,
    unallocated: required,
    affinity: {},
    affinityClaimTime: {},
    deleted: {},
    sequenceNumber: {},
    sequenceNumberForAllocation: {},
  },
  'IPAMHandle.crd.projectcalico.org': { block: required, handleID: required, deleted: {} },
  'IPAMConfig.crd.projectcalico.org': {
    strictAffinity: required,
    autoAllocateBlocks: required,
    maxBlocksPerHost: {},
    ipCooldownSeconds: {},
    kubeVirtVMAddressPersistence: {},
  },
}

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const BAD_NAME =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

/** The object as its schema wants it, and what was left out. @throws Failure when it cannot be had */
export function conforming(
  resource: Resource,
  object: StoredObject,
  isStrict: boolean,
): { object: StoredObject; warnings: string[] } {
  const { name } = object.metadata
  if (!NAME.test(name)) {
    const cause = {
      reason: 'FieldValueInvalid',
      message: `Invalid value: "${name}": ${BAD_NAME}`,
      field: 'metadata.name',
    }
    throw invalid(resource, name, [cause])
  }
  const schema = specs[`${resource.kind}.${resource.group}`]
  const spec = object.spec as Fields | undefined
  if (!schema || !spec) return { object, warnings: [] }
  const causes = causesOf(schema, spec)
  if (causes.length > 0) throw invalid(resource, name, withRules(resource, causes))
  const warnings = Object.keys(spec)
    .filter((field) => !(field in schema))
    .map((field) => `unknown field "spec.${field}"`)
  if (isStrict && warnings.length > 0) {
    const { kind, version } = resource
    throw badRequest(
      `${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${warnings[0]}`,
    )
  }
  return { object: { ...object, spec: pruned(schema, spec) }, warnings }
}

function causesOf(schema: Spec, spec: Fields): Cause[] {
  return Object.entries(schema).flatMap(([name, { required, check }]) => {
    const field = `spec.${name}`
    const value = spec[name]
    if (value === undefined || value === null)
      return required ? [{ reason: 'FieldValueRequired', message: 'Required value', field }] : []
    const wrong = check?.(value, field)
    return wrong ? [{ ...wrong, field }] : []
  })
}

/** Pools have rules across fields, which the server gives up on when a field is wrong. */
function withRules({ kind }: Resource, causes: readonly Cause[]): readonly Cause[] {
  if (kind !== 'IPPool') return causes
  const message =
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'
  return [...causes, { reason: 'FieldValueInvalid', message, field: '<nil>' }]
}

function pruned(schema: Spec, spec: Fields): Fields {
  const defaults = Object.entries(schema).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value]],
  )
  const known = Object.entries(spec).filter(([name]) => name in schema)
  return { ...Object.fromEntries(defaults), ...Object.fromEntries(known) }
}

function typed(type: string, is: (value: unknown) => boolean): NonNullable<Field['check']> {
  return (value, path) => {
    if (is(value)) return undefined
    const given = type === 'cidr' ? String(value) : typeof value
    const message = `Invalid value: "${given}": ${path} in body must be of type ${type}: "${given}"`
    return { reason: 'FieldValueTypeInvalid', message }
  }
}

function oneOf(...values: readonly string[]): NonNullable<Field['check']> {
  return (value) => {
    if (values.includes(String(value))) return undefined
    const supported = values.map((one) => `"${one}"`).join(', ')
    return {
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: "${value}": supported values: ${supported}`,
    }
  }
}
