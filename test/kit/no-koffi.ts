// To be imported first by a test of what happens where koffi cannot be loaded.

import Module from 'node:module'

const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown }
const load = loader._load
loader._load = (request, ...rest) => {
  if (request === 'koffi')
    throw new Error('Cannot find the native Koffi module; did you bundle it correctly?\nstack')
  return load(request, ...rest)
}
