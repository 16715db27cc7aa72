// `npm run lab -- COMMAND`: labs by hand, and stories.

import { appendFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { execa } from 'execa'
import { sideBySide } from './beside.ts'
import { environmentOn, placeNamed } from './exec.ts'
import { interruptible, needRoot } from './interrupt.ts'
import { lives } from './kernel/processes.ts'
import { inside } from './kernel/run.ts'
import { type Lab, LabError } from './lab.ts'
import { nextSteps } from './next-steps.ts'
import { labs, type StoreType, storeTypes } from './state.ts'
import { readStory, stories } from './story/index.ts'
import { type Turn, tellTurns, titleOf, turnsOf } from './story/turns.ts'
import { attach, refuse, tearDown, up } from './up.ts'
import { missingHere } from './vm/needs.ts'
import { tellInMachine } from './vm/stories.ts'

const program = new Command('npm run lab --')
  .description('Clusters out of network namespaces.')
  .enablePositionalOptions()

program
  .command('up')
  .description('make a lab from a topology file, and leave it running')
  .argument('<file>', 'for one, netns-lab/topologies/demo.yaml')
  .addOption(datastoreOption().default('file'))
  .action((file: string, { datastore }: { datastore: StoreType }) =>
    command(async (signal) => {
      const lab = await up(resolve(file), { store: datastore, signal, progress: console.log })
      console.log(nextSteps(lab))
      return 0
    }),
  )

program
  .command('status')
  .description('which labs there are, and what runs in them')
  .action(() =>
    command(async (signal) => {
      for (const name of labs()) console.log(overview(attach(name, signal)))
      return 0
    }),
  )

program
  .command('exec')
  .description('run a command on a machine or in a pod; `agent` is the agent there')
  .option('--lab <name>', 'which lab, if there are several')
  .argument('<machine>')
  .argument('<command...>')
  .passThroughOptions()
  .action((machine: string, argv: readonly string[], { lab: name }: { lab?: string }) =>
    command(async (signal) => {
      const lab = attach(name ?? onlyLab(), signal)
      const [ip, ...args] = inside(placeNamed(lab, machine), argv)
      const { exitCode } = await execa(ip!, args, {
        env: environmentOn(lab, machine),
        stdio: 'inherit',
        reject: false,
      })
      return exitCode ?? 1
    }),
  )

program
  .command('pods')
  .description('the pods, with their nodes and addresses')
  .action(() =>
    command(async (signal) => {
      for (const { state } of labs().map((name) => attach(name, signal)))
        for (const { name, node, addresses } of state.pods)
          console.log([name.padEnd(15), node.padEnd(15), addresses.join(' ')].join(' '))
      return 0
    }),
  )

program
  .command('down')
  .description('remove a lab, or all')
  .argument('[lab]')
  .action((name?: string) =>
    command(async () => {
      for (const each of name === undefined ? labs() : [name]) {
        refuse(each)
        await tearDown(each)
      }
      return 0
    }),
  )

interface StoryOptions {
  readonly datastore?: StoreType
  readonly update?: boolean
  readonly vm?: boolean
  readonly results?: string
}

program
  .command('story')
  .description('tell stories, all of them if none is named, on each datastore they are for')
  .argument('[names...]')
  .addOption(datastoreOption())
  .option('--update', 'write what is seen into the expectation files instead of comparing')
  .option('--vm', 'in the virtual machine, whether the kernel needs it or not')
  .option('--no-vm', 'on this kernel, whether it can or not')
  .option('--results <file>', 'append `passed` and `failed` lines to a file')
  .action((names: readonly string[], options: StoryOptions) =>
    command((signal) => tellAll(names.length > 0 ? names : stories(), options, signal)),
  )

program
  .command('list')
  .description('the stories')
  .option('--plain', 'one line each, without what they are about')
  .action(({ plain }: { plain?: boolean }) => {
    for (const { name, datastores, about } of stories().map(readStory)) {
      console.log(`${name} (${datastores.join(', ')})`)
      if (!plain) console.log(`    ${about.trim().replaceAll('\n', '\n    ')}`)
    }
  })

await program.parseAsync()

async function command(work: (signal: AbortSignal) => Promise<number>): Promise<void> {
  process.exitCode = await interruptible(async (signal) => {
    needRoot()
    return work(signal)
  })
}

/** Those that this kernel cannot do are told in one virtual machine meanwhile: it uses one processor, and most of a story is waiting. */
async function tellAll(
  names: readonly string[],
  { datastore, update = false, vm, results }: StoryOptions,
  signal: AbortSignal,
): Promise<number> {
  const count = { passed: 0, failed: 0 }
  const verdict = (turn: Turn, good: boolean): void => {
    const word = good ? 'passed' : 'failed'
    count[word]++
    if (results !== undefined) appendFileSync(results, `${word} ${titleOf(turn)}\n`)
  }
  const turns = turnsOf(names, datastore)
  const missing = await missingHere(turns.flatMap(({ story }) => story.needs))
  const apart = turns.filter(({ story }) => vm ?? story.needs.some((need) => missing.has(need)))
  const here = turns.filter((turn) => !apart.includes(turn))
  const options = { update, signal, verdict }
  await sideBySide(
    console.log,
    (progress) => tellTurns(here, { ...options, progress }),
    (progress) => tellInMachine(apart, { ...options, progress }),
  )
  console.log(`stories: ${count.passed} passed, ${count.failed} failed`)
  return count.failed === 0 ? 0 : 1
}

function onlyLab(): string {
  const [name, ...others] = labs()
  if (name === undefined) throw new LabError('there is no lab; make one with: npm run lab -- up FILE')
  if (others.length > 0) throw new LabError(`which lab? --lab ${[name, ...others].join(' or ')}`)
  return name
}

function overview({ name, state }: Lab): string {
  const processes = Object.entries(state.processes).map(
    ([what, id]) => `  ${what.padEnd(24)} ${lives(id) ? `pid ${id.pid}` : 'has ended'}`,
  )
  return [
    `${name}: ${state.topologyFile}, datastore ${state.store}, ${state.pods.length} pods`,
    ...processes,
  ].join('\n')
}

function datastoreOption(): Option {
  return new Option('--datastore <type>', 'where cluster data is kept').choices(storeTypes)
}
