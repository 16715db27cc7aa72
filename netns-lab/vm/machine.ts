// A virtual machine with User Mode Linux, for what the kernel of this machine cannot do.
//
// That kernel is a program: processes of the guest are processes of the host whose system calls it answers. So it needs
// neither KVM, which machines that need this mostly lack, nor an emulator. It has no disk and no network: its root is the
// host's root directory, read-only under a tmpfs, so that Node, iproute2 and this repository are there as they are here.
// System calls are slow, so times in it say nothing. `build.sh` gets the kernel, `init` and `start.sh` run inside.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { lives, self } from '../kernel/processes.ts'
import { LabError } from '../lab.ts'
import { repository } from '../state.ts'

/** Where a command in the machine finds the directory that it shares with the host. */
export const sharedInside = '/run/lab'

export interface MachineOptions {
  /** Ends the machine. */
  readonly signal: AbortSignal
  /** Told what the command prints, a line each, as it comes. */
  readonly progress: (line: string) => void
  /** After so long the machine is ended, in milliseconds. */
  readonly limitMs: number
  /** Further directories in which what the command writes is kept; everything else is gone with the machine. */
  readonly kept?: readonly string[]
  /** Puts what the command needs into a directory that both sides see, and returns variables for it. */
  readonly prepare?: (directory: string) => Promise<Readonly<Record<string, string>>>
}

export interface MachineOutcome {
  /** Undefined when the machine ended before the command, and `problem` says why. */
  readonly code: number | undefined
  readonly problem: string | undefined
  /** What the command has written into the file `results` of the shared directory. */
  readonly results: string
}

const cache = join(repository, '.cache', 'vm')
/** One directory a run, named after the process whose run it is. */
const runs = join(repository, '.cache', 'vm-runs')

/** All waiting in the lab takes so many times as long in there. */
const patience = 5

/** Enough for three agents and what they write to tmpfs. Taken from /dev/shm, as it is used. */
const memory = '2G'

/**
 * Runs a command in a machine of its own, to its end. Directory and PATH are those of this process.
 *
 * @throws LabError when there is no way to set it up; AbortError
 */
export async function runInMachine(
  argv: readonly string[],
  options: MachineOptions,
): Promise<MachineOutcome> {
  const { signal, progress, limitMs, kept = [], prepare = async () => ({}) } = options
  await build(signal)
  const directory = newDirectory()
  try {
    copyFileSync(join(import.meta.dirname, 'start.sh'), join(directory, 'start.sh'))
    writeFileSync(join(directory, 'command'), commandFile(argv, kept, await prepare(directory)))
    const [program, ...args] = uml(directory)
    const { timedOut } = await execa(program!, args, {
      reject: false,
      // Ctrl-C at the terminal is for the runner, which then ends the machine.
      detached: true,
      cancelSignal: signal,
      killSignal: 'SIGKILL',
      timeout: limitMs,
      stdin: 'ignore',
      stdout: lines(progress),
      stderr: { file: join(directory, 'console.log') },
      buffer: false,
    })
    signal.throwIfAborted()
    const outcome = outcomeIn(directory)
    return timedOut
      ? { ...outcome, problem: `the virtual machine was not done after ${limitMs / 1000} s` }
      : outcome
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Installs and makes what is not there yet; two that do it at the same time take turns. @throws LabError; the reason is on the terminal by then */
async function build(signal: AbortSignal): Promise<void> {
  mkdirSync(cache, { recursive: true })
  const setup = ['sh', join(repository, 'scripts', 'with-setup.sh'), '--vm']
  const script = ['sh', join(import.meta.dirname, 'build.sh'), cache]
  const { exitCode } = await execa('flock', [cache, ...setup, ...script], {
    reject: false,
    cancelSignal: signal,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  signal.throwIfAborted()
  if (exitCode !== 0) throw new LabError('the virtual machine could not be set up')
}

/** Makes the directory of this run, and removes those whose process was killed. */
function newDirectory(): string {
  mkdirSync(runs, { recursive: true })
  for (const name of readdirSync(runs)) {
    const [pid, start] = name.split('-')
    if (!lives({ pid: Number(pid), start: start! })) rmSync(join(runs, name), { recursive: true })
  }
  const { pid, start } = self()
  const directory = join(runs, `${pid}-${start}-${process.hrtime.bigint()}`)
  mkdirSync(directory)
  return directory
}

function outcomeIn(directory: string): MachineOutcome {
  const [code, results, console] = ['exit-code', 'results', 'console.log'].map((name) =>
    read(join(directory, name)),
  ) as [string, string, string]
  return code === ''
    ? { code: undefined, problem: `the virtual machine has ended early:\n${console}`, results }
    : { code: Number(code), problem: undefined, results }
}

/** Ends with this process however that ends, and with it all processes of the guest, by signals of the kernel. */
function uml(directory: string): string[] {
  return [
    ...['setpriv', '--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child'],
    ...[join(cache, 'kernel', 'linux'), `mem=${memory}`, `uml_dir=${directory}`],
    ...['rootfstype=hostfs', 'root=/dev/root', 'ro', `init=${join(import.meta.dirname, 'init')}`],
    ...['quiet', 'panic=-1', 'con=null', 'con0=null,fd:2', 'ssl0=null,fd:1'],
    // To the kernel no words: it puts them into the environment of init.
    ...[`lab="${directory}"`, `modules="${join(cache, 'kernel')}"`],
  ]
}

/** What start.sh reads: shell. */
function commandFile(
  argv: readonly string[],
  kept: readonly string[],
  variables: Readonly<Record<string, string>>,
): string {
  const environment = {
    PATH: process.env.PATH ?? '',
    HOME: '/root',
    CARACAL_LAB_PATIENCE: String(patience),
    // Starting Node is the slow part of most steps, and this makes it three times as fast.
    NODE_COMPILE_CACHE: '/tmp/node-compile-cache',
    ...variables,
  }
  return [
    ...Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`),
    `labs=${quoted(join(repository, '.lab'))}`,
    ...kept.map((path) => `share ${quoted(path)}`),
    `cd ${quoted(process.cwd())}`,
    `set -- ${argv.map(quoted).join(' ')}`,
    '',
  ].join('\n')
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

function lines(progress: (line: string) => void) {
  // biome-ignore lint/correctness/useYield: nothing goes on from here
  return function* (line: unknown): Generator<never> {
    progress(String(line))
  }
}

function read(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
}
