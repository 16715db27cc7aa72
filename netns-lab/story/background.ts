// What goes on while other steps run: a stream of pings, and a kernel's monitor.

import { readFileSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { placeNamed, reachableFrom } from '../exec.ts'
import { listensToNetlink } from '../kernel/processes.ts'
import { type Lab, LabError, startProcess, stopProcess } from '../lab.ts'
import { until } from '../until.ts'
import { CheckError, differs, record, settle, type Telling } from './checks.ts'
import { inRanges, lossesIn } from './losses.ts'

/** How long nothing more may be printed after the expected lines, in milliseconds. */
const quietMs = 500

/** Starts a command that watches the kernel, on each machine, and waits until all do. */
export async function startMonitors(lab: Lab, machines: readonly string[], command: string): Promise<void> {
  for (const on of machines) await startMonitor(lab, on, command)
}

/**
 * Waits until the monitors have printed the lines of a file (without one, nothing), and then no other; what they print
 * next begins with an empty page. Of several machines, each line has the name of its machine in front.
 */
export async function checkMonitors(
  telling: Telling,
  machines: readonly string[],
  file: string | undefined,
  withinS: number,
): Promise<void> {
  const { lab, update } = telling
  const printed = async (): Promise<string> => {
    const texts = machines.map((on) => read(lab, on, monitorLog).replaceAll(elsewhere, ''))
    return texts.length === 1 ? texts[0]! : texts.map((text, at) => labelled(machines[at]!, text)).join('')
  }
  const complaint = async (): Promise<string | undefined> => differs(telling, file, await printed())
  if (update && file !== undefined) {
    await record(telling, file, withinS, printed)
  } else {
    await settle(telling, withinS, complaint)
    const extra = await until(complaint, { deadlineMs: quietMs, signal: lab.signal })
    if (extra !== undefined) throw new CheckError(extra)
  }
  for (const on of machines) truncateSync(logFile(lab, on, monitorLog))
}

/** As `checkMonitors`, and ends them. */
export async function stopMonitors(
  telling: Telling,
  machines: readonly string[],
  file: string | undefined,
  withinS: number,
): Promise<void> {
  await checkMonitors(telling, machines, file, withinS)
  for (const on of machines) {
    await stopProcess(telling.lab, `${on} monitor`, 'SIGKILL')
    forget(telling.lab, on, monitorLog)
  }
}

export async function startStream(lab: Lab, from: string, to: string, intervalS: number): Promise<void> {
  placeNamed(lab, from)
  for (const address of reachableFrom(lab, from, to))
    await startProcess(lab, {
      name: streamName(from, address),
      machine: from,
      argv: ['ping', '-n', '-i', String(intervalS), address],
      environment: {},
      log: streamLog(address),
    })
}

/** Ends the stream and counts. @throws CheckError */
export async function stopStream(lab: Lab, from: string, to: string, maxLost: number): Promise<void> {
  for (const address of reachableFrom(lab, from, to)) {
    await stopProcess(lab, streamName(from, address), 'SIGINT')
    const text = read(lab, from, streamLog(address))
    forget(lab, from, streamLog(address))
    const losses = lossesIn(text)
    if (!losses) throw new CheckError(`the stream from ${from} to ${address} has ended early:\n${text}`)
    const { sent, lost } = losses
    if (lost.length > maxLost)
      throw new CheckError(
        `${lost.length} of ${sent} pings from ${from} to ${address} were lost, at most ${maxLost} may be: ${inRanges(lost)}`,
      )
  }
}

async function startMonitor(lab: Lab, on: string, command: string): Promise<void> {
  placeNamed(lab, on)
  await startProcess(lab, {
    name: `${on} monitor`,
    machine: on,
    argv: command.split(' '),
    environment: {},
    log: monitorLog,
  })
  const process = lab.state.processes[`${on} monitor`]!
  const listens = await until(() => listensToNetlink(process), { deadlineMs: 30_000, signal: lab.signal })
  if (!listens) throw new LabError(`${command} does not listen to the kernel`)
}

const monitorLog = 'monitor.log'

/** `ip monitor` begins by asking for each namespace there is, and one of another lab may go at that very moment. */
const elsewhere = /^Error: Peer netns reference is invalid\.\n/gm

function labelled(machine: string, text: string): string {
  return text.replaceAll(/^(?=.)/gm, `${machine}: `)
}

function streamName(from: string, address: string): string {
  return `${from} ping ${address}`
}

function streamLog(address: string): string {
  return `ping-${address.replaceAll(':', '_')}.log`
}

function logFile({ directory }: Lab, machine: string, log: string): string {
  return join(directory, machine, log)
}

function read(lab: Lab, machine: string, log: string): string {
  try {
    return readFileSync(logFile(lab, machine, log), 'utf8')
  } catch {
    return ''
  }
}

/** The next one begins with an empty page. */
function forget(lab: Lab, machine: string, log: string): void {
  rmSync(logFile(lab, machine, log), { force: true })
}
