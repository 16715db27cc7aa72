// What is asked of `npm run bench`, on its command line.

import { resolve } from 'node:path'
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { CONTESTANTS } from './contestants/index.ts'
import { MEASURES } from './measures/index.ts'

export interface Asked {
  /** Of measures; none: all. */
  readonly names: readonly string[]
  /** Names of contestants; absent: all. */
  readonly only?: readonly string[]
  readonly runs: number
  readonly size?: number
  readonly smoke: boolean
  readonly out: string
  /** Absolute. */
  readonly profile?: string
}

const everyone = CONTESTANTS.map(({ name }) => name)

/** Ends the process when there is no such thing, and says what there is. */
export function asked(): Asked {
  const program = new Command('npm run bench --')
    .description('Measures us and the daemons that people would run otherwise. Needs root.')
    .addArgument(new Argument('[measure...]', 'absent: all').choices(MEASURES.map(({ name }) => name)))
    .addOption(
      new Option('--only <names>', `these, comma-separated, of ${everyone.join(', ')}`).argParser(
        contestantsIn,
      ),
    )
    .addOption(new Option('--runs <number>', 'of each measure').argParser(whole(1)).default(3))
    .addOption(
      new Option('--size <number>', 'routes or clients, in place of the sizes of each measure').argParser(
        whole(0),
      ),
    )
    .addOption(new Option('--smoke', 'once, with next to nothing: does it work?').default(false))
    .addOption(new Option('--out <directory>', 'for results.json and results.svg').default('.bench'))
    .addOption(
      new Option(
        '--profile <directory>',
        'where each of our agents writes what took its processor time (which then counts for little)',
      ).argParser((path) => resolve(path)),
    )
    .parse()
  return { names: program.processedArgs[0], ...program.opts<Omit<Asked, 'names'>>() }
}

function contestantsIn(text: string): readonly string[] {
  const asked = text.split(',').map((name) => name.trim())
  const unknown = asked.filter((name) => !everyone.includes(name))
  if (unknown.length > 0)
    throw new InvalidArgumentError(`There is no ${unknown.join(', ')}; there are ${everyone.join(', ')}.`)
  return asked
}

function whole(least: number): (text: string) => number {
  return (text) => {
    if (/^\d+$/.test(text) && Number(text) >= least) return Number(text)
    throw new InvalidArgumentError(`It should be a number, ${least} or more.`)
  }
}
