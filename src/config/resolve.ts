// Which source wins: from environment and FelixConfiguration to one value per setting.
//
// Precedence as in Calico felix/config, highest first: environment, FelixConfiguration `node.<name>`,
// the one chosen by its node selector, `default`, built-in. We differ in one point: a wrong value is
// reported and the next source in rank is used, where Felix takes the built-in default or exits.

import { inconsistent, unread } from './checks.ts'
import {
  type Environment,
  type Setting,
  type Settings,
  type Surroundings,
  settingName,
  settings,
} from './settings.ts'
import type { SettingProblem, SettingType, Shown } from './types.ts'

/** The spec of a FelixConfiguration that applies to this node. */
export interface FelixValues {
  readonly name: string
  /** RFC 3339; settles which of several with a matching selector is used. */
  readonly created?: string
  readonly values: Readonly<Record<string, unknown>>
}

export interface SettingSources extends Surroundings {
  /** Those that apply here, in any order: the caller has left out those whose selector does not match. */
  readonly felixConfigurations?: readonly FelixValues[]
}

/** One setting as `agent config` shows it. */
export interface SettingView {
  readonly name: string
  /** Secrets read `(set)`. */
  readonly value: Shown
  /** `FELIX_IPV6SUPPORT`, `FelixConfiguration/default`, `default`, … */
  readonly source: string
  readonly live: boolean
  /** What is wrong with a source of higher rank, which was passed over. */
  readonly problem?: string
}

export interface ResolvedSettings {
  readonly values: Settings
  readonly sources: readonly SettingView[]
  readonly problems: readonly SettingProblem[]
  /** Variables that look like settings but are none, most likely misspelt. To be warned of once. */
  readonly unknown: readonly string[]
  /** Variables that Felix knows and this agent does not act on. */
  readonly unused: readonly string[]
}

/** What one source says about a setting. */
interface Offer {
  readonly subject: string
  readonly field?: string
  readonly given: unknown
  readonly parse: (given: unknown) => unknown
  readonly expected: string
}

interface Outcome {
  readonly value: unknown
  readonly source: string
  readonly problems: readonly SettingProblem[]
}

/** Every setting at its value, with where it came from and what was wrong on the way. Pure. */
export function resolveSettings(sources: SettingSources): ResolvedSettings {
  const environment = normalised(sources.environment)
  const outcomes = new Map<string, Outcome>()
  const nodename = resolveOne(settings.nodename, [], { ...sources, environment })
  const { used, passedOver } = rankFelix(sources.felixConfigurations ?? [], String(nodename.value))
  for (const [key, setting] of Object.entries<Setting<unknown>>(settings))
    outcomes.set(key, resolveOne(setting, used, { ...sources, environment }))

  const values = Object.fromEntries(
    [...outcomes].map(([key, { value }]) => [key, value]),
  ) as unknown as Settings
  return {
    values,
    sources: [...outcomes].map(([key, outcome]) => view(settings[key as keyof Settings], outcome)),
    problems: [...[...outcomes.values()].flatMap((o) => o.problems), ...passedOver, ...inconsistent(values)],
    ...unread(environment),
  }
}

/** FELIX_ names count in any case, as in Felix, and an empty value counts as none. */
function normalised(environment: Environment): Environment {
  const set = Object.entries(environment).filter(([, value]) => value?.trim())
  return Object.fromEntries(
    set.map(([name, value]) => [/^felix_/i.test(name) ? name.toUpperCase() : name, value!.trim()]),
  )
}

/** Highest rank first. Of several chosen by a selector the oldest counts alone, as Calico decided. */
function rankFelix(configurations: readonly FelixValues[], nodename: string) {
  const named = (name: string) => configurations.filter((c) => c.name === name)
  const [selected, ...younger] = configurations
    .filter(({ name }) => name !== 'default' && !name.startsWith('node.'))
    .sort((a, b) => compare(a.created ?? '', b.created ?? '') || compare(a.name, b.name))
  return {
    used: [...named(`node.${nodename}`), ...(selected ? [selected] : []), ...named('default')],
    passedOver: younger.map(({ name }) => ({
      subject: `FelixConfiguration/${name}`,
      field: 'spec.nodeSelector',
      message: `also selects this node, as the older FelixConfiguration/${selected!.name} does; expected one to`,
    })),
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function resolveOne(setting: Setting<unknown>, felix: readonly FelixValues[], from: Surroundings): Outcome {
  const problems: SettingProblem[] = []
  for (const offer of offers(setting, felix, from.environment)) {
    const taken = take(setting.type, offer)
    if (taken) return { value: taken.value, source: sourceOf(offer), problems }
    const got = setting.secret ? 'something else' : quoted(offer.given)
    const { subject, field } = offer
    problems.push({ subject, ...(field && { field }), message: `expected ${offer.expected}, got ${got}` })
  }
  return { value: setting.default, source: 'default', ...setting.derived?.(from), problems }
}

/** In rank order, whatever is set. */
function offers(setting: Setting<unknown>, felix: readonly FelixValues[], environment: Environment): Offer[] {
  const { type, felix: field } = setting
  const text = (given: unknown) => (typeof given === 'string' ? type.parse(given) : undefined)
  const fromEnvironment = setting.environment.map(
    (subject): Offer => ({ subject, given: environment[subject], parse: text, expected: type.expected }),
  )
  const fromFelix = felix.flatMap(({ name, values }): Offer | [] =>
    field === undefined
      ? []
      : {
          subject: `FelixConfiguration/${name}`,
          field: `spec.${field}`,
          given: values[field],
          parse: (given) => (type.parseField ? type.parseField(given) : text(given)),
          expected: type.expectedField ?? type.expected,
        },
  )
  return [...fromEnvironment, ...fromFelix].filter(({ given }) => !isUnset(given))
}

function isUnset(given: unknown): boolean {
  return given === undefined || given === null || given === ''
}

function take(type: SettingType<unknown>, { given, parse }: Offer): { readonly value: unknown } | undefined {
  const isNone = typeof given === 'string' && given.toLowerCase() === 'none'
  if (isNone && 'none' in type) return { value: type.none }
  const value = parse(given)
  return value === undefined ? undefined : { value }
}

function sourceOf({ subject, field }: Offer): string {
  return field ? `${subject} ${field}` : subject
}

/** The value as it was given, without the user and password that a URL may hold. */
function quoted(given: unknown): string {
  return String(JSON.stringify(given, (_, v) => (typeof v === 'bigint' ? Number(v) : v))).replace(
    /\/\/[^/@]*@/g,
    '//…@',
  )
}

function view(setting: Setting<unknown>, { value, source, problems }: Outcome): SettingView {
  const shown = setting.secret ? '(set)' : (setting.type.show?.(value) ?? (value as Shown))
  const problem = problems.map((p) => `${p.subject}: ${p.message}`).join('; ')
  return {
    name: settingName(setting),
    value: value === undefined ? null : shown,
    source,
    live: setting.live,
    ...(problem && { problem }),
  }
}
