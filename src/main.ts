#!/usr/bin/env node
// The program: from argv to a command, and from its outcome to an exit code.

import { runCli } from './cli/program.ts'
import { version } from './config/version.ts'

// Whoever reads our output may stop early, as `head` does.
process.stdout.on('error', (err: NodeJS.ErrnoException) => {
  if (err.code !== 'EPIPE') throw err
})

const code = await runCli(process.argv.slice(2), {
  environment: process.env,
  version,
  now: Date.now,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  // Loaded here, because the commands need nothing of what the daemon is made of.
  uninstall: async (environment, options) =>
    (await import('./agent/uninstall.ts')).uninstall(environment, options),
  runAgent: async (environment) => (await import('./agent.ts')).runAgent(environment),
})

process.exitCode = code
if (code !== 0) process.exit()
