// The command line: which commands there are, and which exit code an outcome is.
//
// A command's own file is loaded when it is called, so that none pays for another.

import { Command, CommanderError, Option } from 'commander'
import type { Answers } from '../edge/control/api.ts'
import { AgentError, AgentUnreachableError, ask, socketPath } from '../edge/control/client.ts'
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
    .action(() => context.runAgent(context.environment))

  const asking = <P extends keyof Answers>(
    name: string,
    description: string,
    load: () => Promise<Question<P>>,
  ): void => {
    program
      .command(name)
      .description(description)
      .addOption(outputOption())
      .option('--socket <path>', 'socket of the agent', socketPath(context.environment))
      .action(async (options: QuestionOptions) => done(await answer(await load(), options, context)))
  }
  asking('status', 'BGP sessions, datastore and kernel', async () => (await import('./status.ts')).status)
  asking(
    'config',
    'every setting, its value and its source',
    async () => (await import('./config.ts')).config,
  )

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

function outputOption(): Option {
  return new Option('-o, --output <form>', 'form of the output').choices(['text', 'json']).default('text')
}

async function answer<P extends keyof Answers>(
  question: Question<P>,
  { output, socket }: QuestionOptions,
  { out, now }: Context,
): Promise<number> {
  const said = await ask(socket, question.path)
  out(output === 'json' ? json(said) : question.text(said, now()))
  return question.good(said) ? exitCode.good : exitCode.bad
}

/** What we did not expect is ours, and goes to the top. */
function failure(err: unknown, { err: print }: Context): number {
  // Commander has printed its message already; only the help that was asked for is a success.
  if (err instanceof CommanderError) return err.exitCode === 0 ? exitCode.good : exitCode.usage
  if (!(err instanceof AgentError)) throw err
  print(`${err.message}\n`)
  return err instanceof AgentUnreachableError ? exitCode.unreachable : exitCode.bad
}
