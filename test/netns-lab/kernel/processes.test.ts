// Processes are ended by pid and start time, so that nobody else's ever is.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { end, lives, self, start } from '../../../netns-lab/kernel/processes.ts'

const directory = mkdtempSync(join(tmpdir(), 'caracal-lab-'))
t.teardown(() => rmSync(directory, { recursive: true }))
const options = { env: { PATH: process.env.PATH! }, log: join(directory, 'log') }

t.test('a process that was started is ended', async (t) => {
  const process = await start(['sleep', '60'], options)
  t.ok(lives(process))
  await end(process, 'SIGTERM')
  t.notOk(lives(process))
  await end(process, 'SIGTERM') // once more is no error
})

t.test('another process that has taken its pid is left alone', async (t) => {
  const process = await start(['sleep', '60'], options)
  t.teardown(() => end(process, 'SIGKILL'))
  const gone = { pid: process.pid, start: `${Number(process.start) - 1}` }
  t.notOk(lives(gone))
  await end(gone, 'SIGKILL')
  t.ok(lives(process))
})

t.test('a program that is not there is an error with its name', async (t) => {
  const env = { PATH: '/usr/bin:/bin' } // of a user's own, not all directories may be open to everybody
  await t.rejects(start(['no-such-program'], { ...options, env }), { message: /no-such-program: .*ENOENT/ })
  t.ok(lives(self()))
})
