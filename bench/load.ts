// A thread that announces and withdraws a table all the time.

import { parentPort, workerData } from 'node:worker_threads'
import { Client } from './client.ts'
import { announce, withdraw } from './updates.ts'

const { local, remote, routes } = workerData
const client = await new Client({ local, remote }).up()
const [come, go] = [announce(0, routes, local), withdraw(0, routes)]
parentPort!.postMessage('up')
for (;;) for (const bytes of [come, go]) await client.say(bytes)
