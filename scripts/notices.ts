// The licences of packages whose code is in a bundle, as most of them ask: the text goes wherever the code goes.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The directory of the package that a module is of, in the innermost node_modules. */
const PACKAGE = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/
const LICENCE = /^(licen[cs]e|notice|copying)/i

/** A text that names each package once, with its version and all that it says of its licence. */
export function notices(modules: readonly string[]): string {
  const directories = new Set(modules.flatMap((module) => PACKAGE.exec(module) ?? []))
  return [...directories]
    .sort()
    .map(notice)
    .join(`\n${'-'.repeat(80)}\n\n`)
}

function notice(directory: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const texts = readdirSync(directory)
    .filter((file) => LICENCE.test(file))
    .sort()
    .map((file) => readFileSync(join(directory, file), 'utf8').trim())
  return `${[`${name} ${version} (${license})`, ...texts].join('\n\n')}\n`
}
