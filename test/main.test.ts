import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { version } from '../src/config/version.ts'

const program = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** Runs the program as a shell would. */
function agent(...argv: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...argv], (err, stdout, stderr) =>
      resolve({ code: err?.code ?? 0, stdout, stderr }),
    )
  })
}

t.test('the program prints to where it should and leaves with the exit code of its command', async (t) => {
  t.match(await agent('version'), { code: 0, stdout: `${version}\n`, stderr: '' })
  t.match(await agent('status', '--socket', '/nowhere'), {
    code: 3,
    stdout: '',
    stderr: /cannot reach the agent/,
  })
})
