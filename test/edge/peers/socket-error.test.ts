import t from 'tap'
import { socketErrorText } from '../../../src/edge/peers/socket-error.ts'

const failed = (code: string) => Object.assign(new Error(`connect ${code} 10.0.0.2:179`), { code })

t.test('socket errors are told in the words of the C library', async (t) => {
  t.equal(socketErrorText(failed('ECONNREFUSED')), 'Connection refused')
  t.equal(socketErrorText(failed('EHOSTUNREACH')), 'No route to host')
  t.equal(socketErrorText(failed('EWHATEVER')), 'connect EWHATEVER 10.0.0.2:179')
})
