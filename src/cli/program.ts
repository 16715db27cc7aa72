// The command line: which commands there are, and which exit code an outcome is.
//
// A command's own file is loaded when it is called, so that none pays for another.

import { Command, CommanderError, Option } from 'commander'
import type { UninstallOptions } from '../agent/uninstall.ts'
import type { Asks, QuestionPath } from '../edge/control/api.ts'
import {
  AgentError,
  AgentUnreachableError,
  AgentUsageError,
  ask,
  socketPath,
} from '../edge/control/client.ts'
import { type Context, exitCode, json, type Output, type Question } from './command.ts'

interface QuestionOptions {
  readonly output: Output
  readonly socket: string
}

/** Runs one command and returns its exit code. `argv` begins with the command's name. */
export async function runCli(argv: readonly string[], context: Context): Promise<number> {
  let code: number = exitCode.good
  const program = build(context, (outcome) => {
    code = outcome
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (err) {
    return failure(err, context)
  }
}

function build(context: Context, done: (code: number) => void): Command {
  const program = new Command('agent')
    .description('Routing agent of a Calico node.')
    .exitOverride()
    .configureOutput({ writeOut: context.out, writeErr: context.err })

  program
    .command('run')
    .description('run the agent until SIGTERM; routes stay when it stops')
    .action(async () => done(await context.runAgent(context.environment)))

  for (const row of asked) addQuestion(program, row, context, done)
  const bgp = program.command('bgp').description('peers, paths and routes of BGP')
  for (const row of askedOfBgp) addQuestion(bgp, row, context, done)

  program
    .command('uninstall')
    .description('remove what the agent has made on this node, once it has stopped')
    .option('--dry-run', 'say what would be removed, and remove nothing', false)
    .option('--keep-routes', 'leave routes and tunnel devices to calico-node, which takes them over', false)
    .addOption(outputOption())
    .action(async ({ output, ...options }: UninstallOptions & { readonly output: Output }) => {
      const { isUninstalled, uninstallText } = await import('./uninstall.ts')
      const outcome = await context.uninstall(context.environment, options)
      context.out(output === 'json' ? json(outcome) : uninstallText(outcome, options.dryRun))
      done(isUninstalled(outcome) ? exitCode.good : exitCode.bad)
    })

  program
    .command('version')
    .description('version of this program')
    .addOption(outputOption())
    .action(({ output }: { readonly output: Output }) => {
      const { version } = context
      context.out(output === 'json' ? json({ version }) : `${version}\n`)
    })
  return program
}

/** A command that asks the agent one question. */
interface Row<P extends QuestionPath> {
  /** With its arguments, as commander spells them. */
  readonly usage: string
  readonly description: string
  readonly options?: readonly Option[]
  readonly load: () => Promise<Question<P>>
  /** What goes with the question, of what was typed. */
  readonly asks: (given: readonly string[], options: Readonly<Record<string, string>>) => Asks<P>
}

function row<P extends QuestionPath>(given: Row<P>): Row<QuestionPath> {
  return given as unknown as Row<QuestionPath>
}

const asked: readonly Row<QuestionPath>[] = [
  row({
    usage: 'status',
    description: 'BGP sessions, datastore and kernel',
    load: async () => (await import('./status.ts')).status,
    asks: () => ({}),
  }),
  row({
    usage: 'explain <destination>',
    description: 'what happens to packets for an address or a prefix, and why',
    load: async () => (await import('./explain.ts')).explain,
    asks: ([destination]) => ({ destination: destination! }),
  }),
  row({
    usage: 'config',
    description: 'every setting, its value and its source',
    load: async () => (await import('./config.ts')).config,
    asks: () => ({}),
  }),
]

const askedOfBgp: readonly Row<QuestionPath>[] = [
  row({
    usage: 'peers',
    description: 'every session in one line',
    load: async () => (await import('./bgp.ts')).peers,
    asks: () => ({}),
  }),
  row({
    usage: 'peer <peer>',
    description: 'one session, by address or name',
    load: async () => (await import('./bgp.ts')).peer,
    asks: ([peer]) => ({ peer: peer! }),
  }),
  row({
    usage: 'routes [prefix]',
    description: 'best paths; of one prefix all paths, and why each was not chosen',
    load: async () => (await import('./bgp.ts')).routes,
    asks: ([prefix]) => (prefix === undefined ? {} : { prefix }),
  }),
  row({
    usage: 'received <peer>',
    description: 'what a peer has announced to us, and what became of it',
    load: async () => (await import('./bgp.ts')).received,
    asks: ([peer]) => ({ peer: peer! }),
  }),
  row({
    usage: 'advertised <peer>',
    description: 'what we have announced to a peer',
    load: async () => (await import('./bgp.ts')).advertised,
    asks: ([peer]) => ({ peer: peer! }),
  }),
  row({
    usage: 'reset <peer>',
    description: 'ends a session, for it to begin anew; with --soft only routes are sent again',
    options: [
      new Option('--soft <direction>', 'ask the peer for its routes, or send it ours').choices(['in', 'out']),
      new Option('--message <text>', 'what those at the other end are to read'),
    ],
    load: async () => (await import('./bgp.ts')).reset,
    asks: ([peer], { soft = 'hard', message }) => ({
      peer: peer!,
      how: soft as 'hard' | 'in' | 'out',
      ...(message !== undefined && { message }),
    }),
  }),
]

function addQuestion(
  to: Command,
  { usage, description, options = [], load, asks }: Row<QuestionPath>,
  context: Context,
  done: (code: number) => void,
): void {
  const command = to
    .command(usage)
    .description(description)
    .addOption(outputOption())
    .option('--socket <path>', 'socket of the agent', socketPath(context.environment))
  for (const option of options) command.addOption(option)
  command.action(async () => {
    const given = command.processedArgs.filter((argument) => argument !== undefined)
    const chosen = command.opts<QuestionOptions & Record<string, string>>()
    done(await answer(await load(), asks(given, chosen), chosen, context))
  })
}

function outputOption(): Option {
  return new Option('-o, --output <form>', 'form of the output').choices(['text', 'json']).default('text')
}

async function answer<P extends QuestionPath>(
  question: Question<P>,
  asks: Asks<P>,
  { output, socket }: QuestionOptions,
  { out, now }: Context,
): Promise<number> {
  const said = await ask(socket, question.path, asks)
  out(output === 'json' ? json(said) : question.text(said, now()))
  return question.good(said) ? exitCode.good : exitCode.bad
}

/** What we did not expect is ours, and goes to the top. */
function failure(err: unknown, { err: print }: Context): number {
  // Commander has printed its message already; only the help that was asked for is a success.
  if (err instanceof CommanderError) return err.exitCode === 0 ? exitCode.good : exitCode.usage
  if (!(err instanceof AgentError)) throw err
  print(`${err.message}\n`)
  if (err instanceof AgentUsageError) return exitCode.usage
  return err instanceof AgentUnreachableError ? exitCode.unreachable : exitCode.bad
}
